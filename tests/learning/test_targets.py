"""What a lesson aims at, made of hidden states when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from lessons import COMMENT, Bench
from torch import Tensor

from continual_code.learning import teacher
from continual_code.learning.divergence import shifted
from continual_code.learning.scoring import HEAD_CHUNK, Reading, Scorer
from continual_code.learning.step import Aim
from continual_code.learning.targets import FOLLOWED, Targets
from continual_code.learning.weighing import Untold
from continual_code.model.prefix import PrefixStore
from continual_code.settings import LearningSettings


@pytest.fixture
def bench(tiny_model: Path) -> Bench:
    loaded = Bench(tiny_model)
    loaded.view.load(loaded.adapter)
    return loaded


def scorer_of(bench: Bench) -> Scorer:
    return Scorer(bench.view, PrefixStore(), lambda: None)


def test_the_student_is_moved_where_the_answers_part_and_stays_as_it_is_elsewhere(bench: Bench) -> None:
    scorer, rollout, settings = scorer_of(bench), bench.rollout, LearningSettings()
    told_ids = bench.base.chat.render(teacher.told(rollout.messages, COMMENT.comment, None))
    untold, told = (scorer.read(prompt_ids, rollout.token_ids) for prompt_ids in (rollout.prompt_ids, told_ids))
    student = bench.logprobs()
    aim = Targets(scorer, settings).moved(
        rollout.prompt_ids, 1, Untold(rollout.token_ids, untold), told, departs=[2, 5]
    )
    everything = [scorer.logprobs(reading.hidden)[[2, 5]] for reading in (told, untold)]
    expected = shifted(student[[2, 5]], *everything, beta=settings.beta, clip=settings.shift_clip)
    target = aim.target([1, 2, 5, 6])
    assert torch.allclose(target[[1, 2]], expected, atol=1e-4)
    assert torch.allclose(target[[0, 3]], student[[1, 6]], atol=1e-4)
    assert (target[[1, 2]] - student[[2, 5]]).abs().max() > 0.01, "the control: the comment moves something"


def test_where_an_earlier_lesson_stands_against_the_comment_the_base_is_moved_instead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows over two tokens, of which the comment wants the first; a lesson had it right, half right, or gone."""
    untold, told = torch.tensor([[0.2, 0.8]] * 3).log(), torch.tensor([[0.98, 0.02]] * 3).log()
    student = torch.tensor([[0.9, 0.1], [0.15, 0.85], [0.001, 0.999]]).log()
    found = moved_from(bench, monkeypatch, student, told, untold, own=[0, 0, 0])
    assert found[:, 0].exp().tolist() == pytest.approx([0.999, 0.972, 0.98], abs=0.001)


def test_a_token_that_an_earlier_lesson_brought_and_the_comment_argues_against_is_gone_as_in_the_base(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    untold, told = torch.tensor([[0.9, 0.1]] * 3).log(), torch.tensor([[0.99, 0.01]] * 3).log()
    student = torch.tensor([[0.01, 0.99]] * 3).log()
    found = moved_from(bench, monkeypatch, student, told, untold, own=[1, 1, 1])
    assert found[:, 1].exp().tolist() == pytest.approx([0.01] * 3, abs=0.001)


def test_what_decides_is_aimed_at_beyond_what_counts_as_sure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    untold, told = (
        torch.tensor([[0.8, 0.1, 0.1]] * 3).log(),
        torch.tensor([[0.4, 0.4, 0.2], [0.01, 0.98, 0.01]] * 2).log(),
    )
    found = moved_from(bench, monkeypatch, untold, told[:3], untold, own=[1, 1, 1], deciding=[0, 1]).exp()
    assert found[0].tolist() == pytest.approx([0.0333, 0.95, 0.0167], abs=0.001), "the others keep their proportions"
    assert found[1].tolist() == pytest.approx([0.01, 0.98, 0.01], abs=0.001)
    assert found[2].tolist() == pytest.approx([0.4, 0.4, 0.2], abs=0.001), "this one decides nothing"


def test_what_its_target_hardly_writes_is_to_be_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    untold = torch.tensor([[0.9, 0.1]] * 3).log()
    told = torch.tensor([[0.2, 0.8], [0.01, 0.99], [0.5, 0.5]]).log()
    aim = aim_from(bench, monkeypatch, untold, told, untold, own=[0, 0, 0])
    assert aim.leaving == [1], "the others may go either way"
    deciding = aim_from(bench, monkeypatch, untold, told, untold, own=[0, 0, 0], deciding=[0])
    assert deciding.leaving == [], "what should be written is not to be left"


def test_on_the_way_back_the_answer_goes_on_as_it_does_and_what_the_student_writes_there_is_its_own(
    bench: Bench,
) -> None:
    scorer, token_ids = scorer_of(bench), bench.rollout.token_ids
    reading = scorer.read(bench.rollout.prompt_ids, token_ids)
    moved = Targets(scorer, LearningSettings()).moved
    aim = moved(bench.rollout.prompt_ids, 1, Untold(token_ids, reading), reading, [0], [0], [2, 3])
    assert (list(aim.departs), list(aim.deciding), list(aim.leaving)) == ([0, 2, 3], [0], [])
    kept_T_V = Targets(scorer, LearningSettings()).kept(bench.rollout.prompt_ids, 1, token_ids).target([2, 3])
    for place, kept_V, target_V in zip((2, 3), kept_T_V, aim.target([2, 3]), strict=True):
        others = torch.arange(len(kept_V)) != token_ids[place]
        assert target_V[token_ids[place]].exp().item() == pytest.approx(
            max(FOLLOWED, kept_V[token_ids[place]].exp().item()), abs=1e-5
        )
        shift_V = (target_V - kept_V)[others]
        assert torch.allclose(shift_V, shift_V.mean().expand_as(shift_V), atol=1e-4), "among themselves as before"


def moved_from(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, student: Tensor, told: Tensor, untold: Tensor, own: list[int],
    deciding: Sequence[int] = (),
) -> Tensor:  # fmt: skip
    return aim_from(bench, monkeypatch, student, told, untold, own, deciding).target([0, 1, 2])


def aim_from(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, student: Tensor, told: Tensor, untold: Tensor, own: list[int],
    deciding: Sequence[int] = (),
) -> Aim:  # fmt: skip
    scorer, nothing = scorer_of(bench), torch.zeros(3, 1)
    parts = iter([student, told, untold])
    monkeypatch.setattr(scorer, "logprobs", lambda hidden: next(parts))
    monkeypatch.setattr(scorer, "hidden", lambda *_: nothing)
    readings = [Reading(nothing, torch.zeros(3), torch.zeros(3)) for _ in range(2)]
    targets = Targets(scorer, LearningSettings(shift_clip=20.0, beta=1.0, sure=0.9))
    return targets.moved(bench.rollout.prompt_ids, 1, Untold(own, readings[0]), readings[1], [0, 1, 2], deciding)


def test_a_target_does_not_change_with_the_student(bench: Bench) -> None:
    aim = Targets(scorer_of(bench), LearningSettings()).kept(bench.rollout.prompt_ids, 1, bench.rollout.token_ids)
    before = aim.target([0, 3])
    bench.view.load(bench.views.initial)
    assert torch.equal(aim.target([0, 3]), before)


def test_a_long_answer_is_read_in_parts_with_nothing_lost(bench: Bench) -> None:
    scorer, token_ids = scorer_of(bench), bench.rollout.token_ids * 9
    assert len(token_ids) > 2 * HEAD_CHUNK
    reading = scorer.read(bench.rollout.prompt_ids, token_ids)
    logprobs_T_V = scorer.logprobs(reading.hidden)
    assert torch.equal(reading.likeliest, logprobs_T_V.argmax(dim=-1))
    assert torch.allclose(reading.own, logprobs_T_V[range(len(token_ids)), list(token_ids)], atol=1e-5)
