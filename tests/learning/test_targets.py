"""What a lesson aims at, made of hidden states when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lessons import COMMENT, Bench

from continual_code.learning import teacher
from continual_code.learning.divergence import shifted
from continual_code.learning.scoring import BASE, HEAD_CHUNK, Scorer
from continual_code.learning.targets import Targets
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
    untold, told = (scorer.read(BASE, prompt_ids, rollout.token_ids) for prompt_ids in (rollout.prompt_ids, told_ids))
    student = bench.logprobs()
    aim = Targets(scorer, settings).moved(
        rollout.prompt_ids, 1, Untold(rollout.token_ids, untold), told, departs=[2, 5], deciding=[5]
    )
    everything = [scorer.logprobs(reading.hidden)[[2, 5]] for reading in (told, untold)]
    expected = shifted(student[[2, 5]], *everything, beta=settings.beta, clip=settings.shift_clip)
    target = aim.target([1, 2, 5, 6])
    assert torch.allclose(target[[1, 2]], expected, atol=1e-4)
    assert torch.allclose(target[[0, 3]], student[[1, 6]], atol=1e-4)
    assert (target[[1, 2]] - student[[2, 5]]).abs().max() > 0.01, "the control: the comment moves something"


def test_a_target_does_not_change_with_the_student(bench: Bench) -> None:
    aim = Targets(scorer_of(bench), LearningSettings()).kept(bench.rollout.prompt_ids, 1, bench.rollout.token_ids)
    before = aim.target([0, 3])
    bench.view.load(bench.views.initial)
    assert torch.equal(aim.target([0, 3]), before)


def test_a_long_answer_is_read_in_parts_with_nothing_lost(bench: Bench) -> None:
    scorer, token_ids = scorer_of(bench), bench.rollout.token_ids * 9
    assert len(token_ids) > 2 * HEAD_CHUNK
    reading = scorer.read(BASE, bench.rollout.prompt_ids, token_ids)
    logprobs_T_V = scorer.logprobs(reading.hidden)
    assert torch.equal(reading.likeliest, logprobs_T_V.argmax(dim=-1))
    assert torch.allclose(reading.own, logprobs_T_V[range(len(token_ids)), list(token_ids)], atol=1e-5)
