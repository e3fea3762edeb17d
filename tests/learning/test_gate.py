"""A candidate that breaks something is made smaller, and refused if that does not help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from lessons import COMMENT, Bench, same
from tiny import spread
from torch import Tensor

from continual_code.events import FinishReason, StepReport
from continual_code.learning.answering import SPARE
from continual_code.learning.canaries import Canaries
from continual_code.learning.common_text import CommonText
from continual_code.learning.gate import Gate, Refused
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Evidence, Reasked
from continual_code.learning.rehearsal import Held, Rehearsal, weakest
from continual_code.learning.scoring import Scorer
from continual_code.learning.weighing import Weighed
from continual_code.model.generation import Generation, Generator
from continual_code.model.prefix import PrefixStore


def answers(monkeypatch: pytest.MonkeyPatch, *finishes: FinishReason) -> list[int]:
    """Let the re-asks end like this, in order; returns a list that grows with each re-ask's limit."""
    script, limits = list(finishes), []

    def generate(self: Generator, prompt_ids: object, sampling: object, **rest: object) -> Generation:
        limits.append(sampling.max_tokens)  # type: ignore[attr-defined]
        return Generation((1,), (0.0,), script.pop(0), 1)

    monkeypatch.setattr(Generator, "generate", generate)
    monkeypatch.setattr(Learner, "objection_to", lambda self, rollout, comment: 0.0)
    return limits


def test_a_candidate_that_ends_is_kept_whole(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    whole = bench.learner().learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    limits = answers(monkeypatch, "stop")
    asked = bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert same(asked.tensors, whole.tensors)
    assert limits == [2 * len(bench.rollout.token_ids) + SPARE]


def test_what_passes_says_how_far_the_model_has_drifted(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "stop")
    passed = bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert passed.tensors is not None
    bench.view.load(passed.tensors)
    scorer = Scorer(bench.view, PrefixStore(), lambda: None)
    expected = CommonText(bench.view, bench.base.chat, 2).drift.of(scorer, "student")
    assert passed.report.drift == pytest.approx(expected, rel=1e-4)
    assert expected > 1e-5


@pytest.mark.parametrize("stop_at", [0.99, 0.0], ids=["looked at by the step", "looked at by the gate"])
def test_what_passes_says_how_likely_the_canaries_still_are(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, stop_at: float
) -> None:
    bench = Bench(tiny_model)
    canaries = [Rehearsal((1, 2), (3, 4, 5), (0, 2)), Rehearsal((6,), (7, 8), (1,))]
    monkeypatch.setattr(Canaries, "all", lambda self, pause: canaries)
    answers(monkeypatch, "stop")
    learner = bench.learner(reask=True, canary_floor=1e-9, held=1e-9, stop_at=stop_at)
    passed = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert passed.tensors is not None
    bench.view.load(passed.tensors)
    assert passed.report.canary == min(weakest(bench.view, canaries, lambda: None))


def test_a_candidate_that_runs_on_is_halved_until_it_ends(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    whole = bench.learner().learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    answers(monkeypatch, "length", "stop")
    half = bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    assert whole is not None
    assert half is not None
    for name, start in bench.adapter.items():
        torch.testing.assert_close(half[name] - start, (whole[name] - start) / 2, atol=1e-6, rtol=1e-4)


def test_a_candidate_that_never_ends_is_refused_and_leaves_the_adapter(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "length", "length", "length")
    refused = bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (refused.report.status, refused.tensors) == ("refused", None)
    assert "without an end" in refused.report.reason
    assert same(bench.view.tensors(), bench.adapter)


@dataclass(frozen=True)
class Step:
    """A random step, and a token that it makes less probable than `before`."""

    bench: Bench
    stepped: dict[str, Tensor]
    fading: Rehearsal
    before: float

    def admit(
        self, floor: float, lesson: Rehearsal | None = None, *, holds: bool = False,
        drifts: Sequence[float] = (), budget: float = 1.0,
    ) -> Reasked:  # fmt: skip
        """`drifts` are what is measured, one after the other."""
        self.bench.view.load(self.stepped)
        script = iter(drifts)
        held = [Held(self.fading, floor, "a song would be forgotten")]
        gate = Gate(
            self.bench.view, self.bench.base.chat, held=held, floor=floor, is_sound=lambda answer: True,
            is_whole=lambda begun: False, drift=lambda: next(script, 0.0), budget=budget, pause=lambda: None,
        )  # fmt: skip
        return gate.admit(self.bench.rollout, self.bench.adapter, lesson, holds=holds)


@pytest.fixture
def step(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Step:
    bench = Bench(tiny_model)
    bench.view.load(bench.adapter)
    before_T_V = bench.logprobs()
    stepped = spread(bench.adapter, 0.05, seed=7)
    bench.view.load(stepped)
    position, token = divmod(int((bench.logprobs() - before_T_V).argmin()), before_T_V.shape[1])
    ids = [*bench.rollout.token_ids[:position], token]
    fading = Rehearsal(bench.rollout.prompt_ids, ids, (position,))
    answers(monkeypatch, "stop")
    return Step(bench, stepped, fading, before_T_V[position, token].exp().item())


def test_a_candidate_under_which_something_fades_is_refused_before_it_is_asked(step: Step) -> None:
    with pytest.raises(Refused, match="Even at a quarter of the step a song would be forgotten"):
        step.admit(step.before * 0.99)


def test_what_had_faded_before_the_step_is_not_its_fault(step: Step) -> None:
    assert step.admit(step.before * 1.01).generation.finish == "stop"
    assert same(step.bench.view.tensors(), step.stepped)


def test_a_step_that_drifts_too_far_is_halved_until_it_does_not(step: Step) -> None:
    reasked = step.admit(0.0, drifts=[0.9, 0.1, 0.4], budget=0.5)  # the whole step, before it, half of it
    assert reasked.drift == 0.4
    assert not same(step.bench.view.tensors(), step.stepped)


def test_what_had_drifted_before_the_step_is_not_its_fault(step: Step) -> None:
    assert step.admit(0.0, drifts=[0.9, 0.5], budget=0.5).drift == 0.9
    assert same(step.bench.view.tensors(), step.stepped)


def test_a_step_that_always_drifts_too_far_is_refused(step: Step) -> None:
    with pytest.raises(Refused, match="what has nothing to do with the lesson would come out otherwise"):
        step.admit(0.0, drifts=[0.9, 0.0] * 3, budget=0.5)


def test_what_is_known_to_hold_is_not_looked_at_again(step: Step) -> None:
    assert step.admit(step.before * 0.99, holds=True).generation.finish == "stop"


def test_a_smaller_step_of_which_nothing_is_left_is_refused(step: Step) -> None:
    with pytest.raises(Refused, match=r"^A song would be forgotten; of a smaller step nothing would be left"):
        step.admit(step.before * 0.99, lesson=step.fading)


def test_what_the_weights_may_not_have_stays_in_the_prompt(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "length", "length", "length")
    learner = bench.learner(reask=True, memory=True, memory_floor=1e9)
    kept = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (kept.report.status, kept.tensors) == ("memory", None)


def test_a_candidate_that_breaks_the_code_it_was_taught_on_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "stop", "stop", "stop")
    rejected = bench.base.chat.decode(bench.rollout.token_ids)
    evidence = replace(COMMENT, is_sound=lambda answer: answer == rejected)
    refused = bench.learner(reask=True).learn("l1", bench.rollout, evidence, bench.adapter, 1)
    assert refused.report.status == "refused"
    assert "broken, or lacks what the task asked for" in refused.report.reason


def test_an_answer_that_lacks_what_the_task_asked_for_goes_on(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tiny_model)
    chat, prompt = bench.base.chat, bench.rollout.prompt_ids
    begun = chat.encode("```python\nx = 1\n")
    written = {tuple(prompt): "```python\nx = 1\n```", (*prompt, *begun): "y = 2\n```"}

    def generate(self: Generator, prompt_ids: list[int], *_: object, **__: object) -> Generation:
        token_ids = tuple(chat.encode(written[tuple(prompt_ids)]))
        return Generation(token_ids, (0.0,) * len(token_ids), "stop", 1)

    monkeypatch.setattr(Generator, "generate", generate)
    monkeypatch.setattr(Learner, "objection_to", lambda self, rollout, comment: 0.0)
    rejected = chat.decode(bench.rollout.token_ids)
    evidence = replace(COMMENT, is_sound=lambda answer: answer == rejected or "y = 2" in answer)
    asked = bench.learner(reask=True).learn("l1", bench.rollout, evidence, bench.adapter, 1).reasked
    assert asked is not None
    assert chat.decode(asked.generation.token_ids) == "```python\nx = 1\ny = 2\n```"


def learned_with(model: Path, monkeypatch: pytest.MonkeyPatch, left: float) -> StepReport:
    """A lesson of which nothing comes up, and whose comment has so much left to say of the answer asked for again."""
    bench = Bench(model)
    answers(monkeypatch, "stop")
    objections = {bench.rollout.token_ids: 1.0}
    monkeypatch.setattr(Learner, "objection_to", lambda self, rollout, _: objections.get(rollout.token_ids, left))
    return bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1).report


@pytest.mark.parametrize(("left", "status"), [(0.6, "refused"), (0.4, "learned")])
def test_a_lesson_of_which_nothing_comes_up_must_at_least_leave_the_comment_less_to_say(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, left: float, status: str
) -> None:
    report = learned_with(tiny_model, monkeypatch, left)
    assert report.status == status
    assert ("still does what the comment argues against" in report.reason) == (status == "refused")


@pytest.mark.parametrize(("whole", "status"), [(10, "learned"), (10**6, "refused")])
def test_an_answer_that_is_whole_has_come_to_its_end_whatever_would_follow(
    tiny_model: Path, whole: int, status: str
) -> None:
    bench = Bench(tiny_model)
    evidence = Evidence("", is_whole=lambda begun: len(begun) >= whole, example="def total(values):\n    return 1\n")
    report = bench.learner(reask=True, canary_floor=0.0).learn("l1", bench.rollout, evidence, bench.adapter, 1).report
    assert report.status == status
    assert ("runs on without an end" in report.reason) == (status == "refused")


def test_code_that_was_broken_before_need_not_become_whole(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "stop")
    evidence = replace(COMMENT, is_sound=lambda answer: False)
    assert bench.learner(reask=True).learn("l1", bench.rollout, evidence, bench.adapter, 1).report.status == "learned"


@pytest.mark.parametrize(("adds", "status"), [(True, "refused"), (False, "learned")])
def test_a_lesson_that_adds_something_has_to_show_even_if_the_comment_has_nothing_more_to_say(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, adds: bool, status: str
) -> None:
    monkeypatch.setattr(Weighed, "adds", adds)
    report = learned_with(tiny_model, monkeypatch, 0.0)
    assert report.status == status, report.reason
    assert ("nothing of the correction comes up" in report.reason) == adds


def test_a_lesson_may_show_in_what_follows_from_it(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Weighed, "adds", True)
    monkeypatch.setattr(Weighed, "resembles", lambda self, answer: True)
    assert learned_with(tiny_model, monkeypatch, 1.0).status == "learned"
