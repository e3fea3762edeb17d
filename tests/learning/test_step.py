"""The step: it moves the student to the target, or it moves nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lessons import COMMENT, QUICK, Bench, same
from torch import Tensor
from transformers import DynamicCache

from continual_code.learning import step as learning_step
from continual_code.learning.divergence import DIVERGENCES
from continual_code.learning.lessons import Candidate, Earlier
from continual_code.learning.rehearsal import ROWS, SHARED, Held, Rehearsal, packed, surprise, weakest
from continual_code.learning.scoring import Scorer
from continual_code.learning.step import Aim, NotFinite, Outcome, distil
from continual_code.model.prefix import Prefix, PrefixStore
from continual_code.model.views import View
from continual_code.settings import LearningSettings


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


@pytest.fixture
def bench(loaded: Bench) -> Bench:
    loaded.view.load(loaded.adapter)
    return loaded


def target_of(bench: Bench) -> Tensor:
    """A target some way off the student: every position also wants its neighbour's next token."""
    student = bench.logprobs()
    return (student + 0.5 * student.roll(1, dims=0)).log_softmax(dim=-1)


def prefix_of(bench: Bench) -> Prefix:
    return Scorer(bench.view, PrefixStore(), lambda: None).prefix(1, bench.rollout.prompt_ids)


def aim_at(bench: Bench, target: Tensor, departs: Sequence[int] | None = None) -> Aim:
    """The rejected answer with this target, which departs from the student everywhere if nothing else is said."""
    rollout = bench.rollout
    everywhere = range(len(rollout.token_ids))
    return Aim(
        rollout.prompt_ids,
        rollout.token_ids,
        prefix_of(bench),
        lambda rows: target[list(rows)],
        everywhere if departs is None else departs,
    )


def step(bench: Bench, target: Tensor, **settings: Any) -> Outcome:
    return distil(bench.view, [aim_at(bench, target)], LearningSettings(**{**QUICK, **settings}), lambda: None)


def learn(bench: Bench, adapter: dict[str, Tensor] | None = None, **settings: Any) -> Candidate:
    return bench.learner(**settings).learn("l1", bench.rollout, COMMENT, adapter or bench.adapter, 1)


@pytest.mark.parametrize("gradient", ["rollout", "full"])
@pytest.mark.parametrize("divergence", ["reverse_kl", "forward_kl", "jsd"])
def test_a_step_brings_the_student_closer_to_the_target(bench: Bench, divergence: str, gradient: str) -> None:
    target = target_of(bench)
    before = DIVERGENCES[divergence](bench.logprobs(), target).mean().item()
    outcome = step(bench, target, divergence=divergence, gradient=gradient)
    after = DIVERGENCES[divergence](bench.logprobs(), target).mean().item()
    assert outcome.loss_before == pytest.approx(before, rel=1e-3)
    # "rollout" measures with the prompt's keys from before the step, so its own figure is a little off.
    assert outcome.loss_after == pytest.approx(after, rel=0.05 if gradient == "full" else 0.5)
    assert after < 0.9 * before
    assert outcome.loss_after < 0.9 * outcome.loss_before
    assert 1 <= outcome.updates <= 4


def test_no_learning_rate_moves_nothing(bench: Bench) -> None:
    outcome = step(bench, target_of(bench), learning_rate=0.0)
    assert same(bench.view.tensors(), bench.adapter)
    assert outcome.loss_after == pytest.approx(outcome.loss_before)
    step(bench, target_of(bench))
    assert not same(bench.view.tensors(), bench.adapter)


def test_a_rate_that_decays_lets_the_second_update_go_half_as_far(bench: Bench) -> None:
    def after(updates: int, *, decay: float) -> Tensor:
        bench.view.load(bench.adapter)
        step(bench, target_of(bench), max_updates=updates, stop_at=0.0, decay=decay)
        return torch.cat([tensor.flatten() for tensor in bench.view.tensors().values()]).clone()

    first = after(1, decay=1.0)
    assert torch.equal(first, after(1, decay=0.0))
    far, near = (after(2, decay=decay) - first for decay in (0.0, 1.0))
    assert far.abs().max() > 0
    assert torch.allclose(near, far / 2, atol=1e-6)


def test_a_student_that_is_at_its_target_takes_few_updates(bench: Bench) -> None:
    far = step(bench, target_of(bench), max_updates=3, stop_at=0.0)
    assert far.updates == 3
    bench.view.load(bench.adapter)
    assert step(bench, target_of(bench), max_updates=3, stop_at=0.999).updates == 1


def test_a_step_ends_once_the_deciding_tokens_are_likely_enough(bench: Bench) -> None:
    aim = replace(aim_at(bench, target_of(bench)), deciding=(3, 12))
    tokens = torch.tensor(bench.rollout.token_ids)
    least = bench.logprobs().exp()[[3, 12], tokens[[3, 12]]].min().item()
    settings = {**QUICK, "stop_at": 0.0, "max_updates": 3}

    def updates(sure: float) -> int:
        bench.view.load(bench.adapter)
        return distil(bench.view, [aim], LearningSettings(**{**settings, "sure": sure}), lambda: None).updates

    assert updates(sure=least * 0.99) == 0
    assert updates(sure=1.0) == 3


def test_a_step_goes_on_until_what_should_be_left_is_unlikely(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    aim = replace(aim_at(bench, target_of(bench)), deciding=(3,), leaving=(12,))
    now = bench.logprobs()[12, bench.rollout.token_ids[12]].exp().item()
    settings = LearningSettings(**{**QUICK, "stop_at": 0.0, "max_updates": 3, "sure": 1e-9})

    def updates(still: float) -> int:
        monkeypatch.setattr(learning_step, "LEFT", still)
        bench.view.load(bench.adapter)
        return distil(bench.view, [aim], settings, lambda: None).updates

    assert updates(still=now * 1.01) == 0
    assert updates(still=now * 0.99) > 0


def test_what_should_stay_has_no_part_in_the_first_update_and_a_fair_one_later(bench: Bench) -> None:
    student = bench.logprobs()
    target = student.clone()
    target[[3, 12]] = target_of(bench)[[3, 12]]
    everywhere, some = aim_at(bench, target), aim_at(bench, target, departs=(3, 12))
    once = LearningSettings(**{**QUICK, "max_updates": 1})
    moved = []
    for aims in ([everywhere], [some], [some, aim_at(bench, student, departs=())]):
        bench.view.load(bench.adapter)
        distil(bench.view, aims, once, lambda: None)
        moved.append(bench.view.tensors())
    for other in moved[1:]:  # AdamW's first update does not depend on the loss's scale
        for name, tensor in moved[0].items():
            torch.testing.assert_close(other[name], tensor, atol=2e-4, rtol=0.05)
    assert list(some.weights(0)) == [3, 12]
    later = [some.weights(turn) for turn in (1, 2, 3)]
    for position in range(len(some.token_ids)):
        assert sum(weights.get(position, 0) for weights in later) == 3


EARLIER = "def last(values):\n    return values[0]\n"


def rehearsed(bench: Bench, floor: float, **settings: Any) -> tuple[float, dict[str, Tensor]]:
    """How likely the weakest deciding token of an earlier answer is after a step, and the adapter then."""
    bench.view.load(bench.adapter)
    token_ids, deciding = bench.base.chat.encode(EARLIER), (2, 5)
    earlier = Held(Rehearsal(bench.rollout.prompt_ids, token_ids, deciding), floor)
    aim = aim_at(bench, target_of(bench))
    chosen = LearningSettings(**{**QUICK, "stop_at": 0.0, "max_updates": 12, **settings})
    distil(bench.view, [aim], chosen, lambda: None, [earlier])
    with torch.no_grad():
        hidden = bench.view.hidden(torch.tensor([*bench.rollout.prompt_ids, *token_ids[:-1]]))[-len(token_ids) :]
        chances = bench.view.logits(hidden).softmax(dim=-1)[list(deciding), [token_ids[i] for i in deciding]]
    return chances.min().item(), bench.view.tensors()


def test_an_earlier_lesson_that_fades_is_learned_again_with_the_new_one(bench: Bench) -> None:
    without, _ = rehearsed(bench, 0.0)
    held, _ = rehearsed(bench, 0.99, rehearsal_weight=1.0)
    assert held > 2 * without


def test_what_prompts_begin_with_alike_is_read_once_and_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    beginning, tail = list(range(5, 5 + SHARED)), [3, 4]
    prompts = [[*beginning, 40, 41, 42], [*beginning, 40, 50], [*beginning, 60, 61], tail, tail]
    rehearsals = [Rehearsal(prompt, (7, 8, 9), (0, 2)) for prompt in prompts]
    bench.view.load(bench.adapter)
    alone = [weakest(bench.view, [each], lambda: None)[0] for each in rehearsals]
    rows: list[int] = []
    hidden_of_each = View.hidden_of_each

    def counted(view: View, texts: Sequence[Sequence[int]], caches: Sequence[DynamicCache | None]) -> list[Tensor]:
        rows.extend(len(text) for text in texts)
        return hidden_of_each(view, texts, caches)

    monkeypatch.setattr(View, "hidden_of_each", counted)
    assert weakest(bench.view, rehearsals, lambda: None) == pytest.approx(alone, rel=1e-4)
    assert rows == [5, 4, 4, 3, 3], "a prompt's last token is always read, for what it predicts"


def test_what_has_faded_is_read_together_as_far_as_there_is_room_and_its_gradient_is_the_same(bench: Bench) -> None:
    beginning = list(range(5, 5 + SHARED))
    some = [Rehearsal([*beginning, token], (7, 8, 9), (0, 2)) for token in (40, 50, 60)]
    assert list(packed(some)) == [some]
    long = [Rehearsal([5] * (ROWS - 20), (7, 8), (1,)), Rehearsal([5] * ROWS, (7, 8), (0,))]
    assert list(packed([*some, *long])) == [some, [long[0]], [long[1]]]
    assert list(packed([])) == []

    def gradient(packs: Sequence[Sequence[Rehearsal]]) -> Tensor:
        for parameter in bench.view.parameters():
            parameter.grad = None
        for pack in packs:
            torch.stack([each.mean() for each in surprise(bench.view, pack)]).sum().backward()
        return torch.cat([parameter.grad.flatten() for parameter in bench.view.parameters()])  # type: ignore[union-attr]

    torch.testing.assert_close(gradient([some]), gradient([[each] for each in some]), rtol=1e-3, atol=1e-6)


def test_where_one_of_several_tokens_will_do_they_are_as_likely_as_all_together(bench: Bench) -> None:
    rollout, likely_T_V = bench.rollout, bench.logprobs().exp()
    own, others = rollout.token_ids[2], [1, 5]
    alone = Rehearsal(rollout.prompt_ids, rollout.token_ids, (2,))
    any_of = replace(alone, instead={2: others})
    found = weakest(bench.view, [alone, any_of], lambda: None)
    expected = [likely_T_V[2, own].item(), likely_T_V[2, others].sum().item()]
    assert found == pytest.approx(expected, rel=1e-3)


def test_an_earlier_lesson_that_holds_has_no_influence_on_the_new_one(bench: Bench) -> None:
    _, with_it = rehearsed(bench, 0.0)
    bench.view.load(bench.adapter)
    step(bench, target_of(bench), stop_at=0.0, max_updates=12)
    assert same(with_it, bench.view.tensors())


def test_only_a_lesson_with_a_corrected_answer_leaves_something_to_rehearse(bench: Bench) -> None:
    report = learn(bench).report
    assert Earlier.of(bench.rollout, None) == Earlier.of(bench.rollout, report) == []
    told = replace(report, corrected_ids=(5, 6, 7), deciding=(1,))
    rehearsal = Rehearsal(bench.rollout.prompt_ids, (5, 6, 7), (1,))
    assert Earlier.of(bench.rollout, told) == [Earlier("l1", bench.rollout.messages, rehearsal)]


@pytest.mark.parametrize(("answer", "shows"), [([1, 6, 2], True), ([6, 8], True), ([1, 9, 2], False), ([1, 2], False)])
def test_a_lesson_shows_in_an_answer_with_most_of_what_decided_it_and_was_not_there_before(
    answer: list[int], shows: bool
) -> None:
    taught = Earlier("l1", (), Rehearsal((1,), (1, 6, 2, 8, 9), (1, 3)))
    assert taught.shows_in(answer, [1, 2, 9]) == shows
    assert not taught.shows_in(answer, [6, 8, *answer])


def test_the_base_is_not_touched_by_a_step(bench: Bench) -> None:
    frozen = [p for p in bench.base.module.parameters() if not p.requires_grad]
    before = [p.clone() for p in frozen]
    step(bench, target_of(bench))
    assert all(torch.equal(p, old) for p, old in zip(frozen, before, strict=True))
    assert same(bench.views.serving.tensors(), bench.views.initial), "the person is served as before"


def test_the_two_ways_of_taking_the_gradient_differ(bench: Bench) -> None:
    rollout, full = learn(bench, gradient="rollout"), learn(bench, gradient="full")
    assert rollout.report.status == full.report.status == "learned"
    assert rollout.report.loss_before == pytest.approx(full.report.loss_before, rel=1e-3)
    assert not same(rollout.tensors, full.tensors)


@pytest.mark.parametrize("target", ["shifted_student", "base_teacher"])
@pytest.mark.parametrize("divergence", ["reverse_kl", "forward_kl", "jsd"])
def test_every_target_and_divergence_can_be_chosen(bench: Bench, target: str, divergence: str) -> None:
    report = learn(bench, target=target, divergence=divergence).report
    assert report.status == "learned"
    assert report.loss_after < report.loss_before


def test_the_choices_lead_to_different_adapters(bench: Bench) -> None:
    adapters = [learn(bench, divergence=name, max_updates=1).tensors for name in DIVERGENCES]
    adapters.append(learn(bench, target="base_teacher", max_updates=1).tensors)
    assert not any(same(a, b) for index, a in enumerate(adapters) for b in adapters[:index])


@pytest.mark.parametrize("settings", [{}, {"gradient": "full"}, {"divergence": "jsd", "target": "base_teacher"}])
def test_the_same_lesson_from_the_same_adapter_gives_the_same_bits(bench: Bench, settings: dict) -> None:
    first = learn(bench, **settings)
    torch.manual_seed(77)
    bench.view.load(bench.views.initial)
    second = learn(bench, **settings)
    assert same(first.tensors, second.tensors)
    assert not same(first.tensors, bench.adapter)


def test_a_learner_that_has_learned_before_gives_the_same_bits_again(bench: Bench) -> None:
    learner = bench.learner()
    first, second = (learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1) for _ in range(2))
    assert same(first.tensors, second.tensors)


# --- What is not finite never leaves ------------------------------------------------------


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_target_that_is_not_finite_is_refused(bench: Bench, poison: float) -> None:
    target = target_of(bench)
    target[3, 5] = poison
    with pytest.raises(NotFinite, match="not finite"):
        step(bench, target)
    assert same(bench.view.tensors(), bench.adapter)


def spoilt(bench: Bench) -> dict[str, Tensor]:
    first, *_ = bench.adapter
    poisoned = bench.adapter[first].clone()
    poisoned[0, 0] = float("inf")
    return {**bench.adapter, first: poisoned}


def test_a_weight_that_is_not_finite_is_noticed(bench: Bench) -> None:
    bench.view.load(spoilt(bench))
    with pytest.raises(NotFinite):
        step(bench, torch.zeros_like(bench.logprobs()).log_softmax(dim=-1))


def test_a_lesson_on_a_spoilt_adapter_is_refused_and_moves_nothing(bench: Bench) -> None:
    candidate = learn(bench, spoilt(bench))
    assert (candidate.report.status, candidate.tensors) == ("refused", None)
    assert "not finite" in candidate.report.reason
    assert same(bench.view.tensors(), spoilt(bench))


@pytest.mark.parametrize("learning_rate", [1e20, 1e30, 1e37])
def test_a_step_that_blows_up_is_refused_and_leaves_the_adapter_as_it_was(bench: Bench, learning_rate: float) -> None:
    before = bench.logprobs()
    candidate = learn(bench, learning_rate=learning_rate)
    assert (candidate.report.status, candidate.tensors) == ("refused", None)
    assert same(bench.view.tensors(), bench.adapter)
    assert torch.equal(bench.logprobs(), before)
