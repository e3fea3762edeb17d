"""What the base makes of a comment, compared with what it makes of any other remark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lessons import COMMENT, TALK, Bench

from continual_code.learning import teacher
from continual_code.learning.hindsight import Hindsight
from continual_code.learning.scoring import Exchange, Reading, Scorer
from continual_code.learning.weighing import Correction, Untold, Weighed
from continual_code.model.prefix import PrefixStore
from continual_code.templates import fill

REJECTED, CORRECTED = [1, 2, 3], [1, 4]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(Path(tmp_path_factory.mktemp("hindsight")))


def reading(*logprobs: float) -> Reading:
    return Reading(torch.empty(len(logprobs), 0), torch.tensor(logprobs), torch.zeros(len(logprobs), dtype=torch.long))


class Believing(Scorer):
    """Finds tokens as likely as it is told to, nats, by the remark and the answer.

    The remark is in the prompt (`beliefs`), or it asks for a rewriting of the rejected answer (`rewriting`).
    """

    def __init__(
        self, bench: Bench, beliefs: Mapping[tuple[str, tuple[int, ...]], tuple[float, ...]],
        rewriting: Mapping[tuple[str, tuple[int, ...]], tuple[float, ...]] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(bench.view, PrefixStore(), lambda: None)
        chat, rejected = bench.base.chat, bench.base.chat.decode(REJECTED)
        self._beliefs = {
            (tuple(chat.render(teacher.told(TALK, remark, None))), answer): logprobs
            for (remark, answer), logprobs in beliefs.items()
        } | {
            (tuple(chat.render(teacher.revision_request(TALK, rejected, remark))), answer): logprobs
            for (remark, answer), logprobs in (rewriting or {}).items()
        }

    def read_each(self, exchanges: Sequence[Exchange]) -> list[Reading]:
        return [reading(*self._beliefs[tuple(prompt), tuple(answer)]) for prompt, answer in exchanges]


@pytest.mark.parametrize(
    ("told_taken", "told_left", "support"),
    [(-1.0, -0.5, 4.0), (-5.0, -3.0, 2.5), (-1.0, -3.0, 4.0), (-6.0, -0.1, -0.4)],
    ids=["for what is taken", "against what is left", "both", "neither"],
)
def test_a_comment_supports_a_correction_by_what_it_says_for_it_or_against_what_it_replaces(
    bench: Bench, told_taken: float, told_left: float, support: float
) -> None:
    neutral, by_comment = fill("neutral_remark"), reading(0.0, told_left, 0.0)
    beliefs = {
        (neutral, tuple(CORRECTED)): (0.0, -5.0),
        (neutral, tuple(REJECTED)): (0.0, -0.5, 0.0),
    }
    found = Correction(CORRECTED, reading(0.0, 0.0), "", torch.tensor([0.0, told_taken]))
    rollout, rejected = replace(bench.rollout, token_ids=tuple(REJECTED)), Untold(REJECTED, reading(0.0, 0.0, 0.0))
    weighed = Weighed(rollout, COMMENT.comment, rejected, rejected.reading, found, ([1], [1]), by_comment)
    hindsight = Hindsight(Believing(bench, beliefs), bench.base.chat)
    assert hindsight.support(weighed) == pytest.approx(support)


@pytest.mark.parametrize(
    ("rewritten", "edits", "taught"),
    [(-1.0, True, [1]), (-4.5, True, None), (-1.0, False, None)],
    ids=["it shows where it was rewritten", "it shows nowhere", "nothing was rewritten"],
)
def test_what_a_rule_in_the_prompt_does_not_show_may_show_where_the_correction_was_made(
    bench: Bench, rewritten: float, edits: bool, taught: list[int] | None
) -> None:
    neutral, comment, taken = fill("neutral_remark"), COMMENT.comment, tuple(CORRECTED)
    as_rule = {(neutral, taken): (0.0, -5.0), (neutral, tuple(REJECTED)): (0.0, 0.0, 0.0)}
    rewriting = {(neutral, taken): (0.0, -5.0), (comment, taken): (0.0, rewritten)}
    found = Correction(CORRECTED, reading(0.0, -5.0), "", torch.tensor([0.0, -4.8]), edits)
    rollout, rejected = replace(bench.rollout, token_ids=tuple(REJECTED)), Untold(REJECTED, reading(0.0, 0.0, 0.0))
    nowhere: tuple[list[int], list[int]] = ([], [])
    weighed = Weighed(rollout, comment, rejected, rejected.reading, found, nowhere, reading(0.0, 0.0, 0.0))
    accounted = Hindsight(Believing(bench, as_rule, rewriting), bench.base.chat).accounted(weighed, COMMENT, 1.0)
    assert (accounted and accounted.departs[1]) == taught
