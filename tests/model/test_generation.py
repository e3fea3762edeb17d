"""Generation: what prompt lookup may change (the number of passes) and what it may not (the answer)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from tiny import spread, tiny_base, tiny_views

from continual_code.events import Message
from continual_code.model.base import Base
from continual_code.model.generation import Contrast, Drawer, Generation, Generator, Sampling, contrasted, nucleus
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View

REPETITIVE = "for value in values:\n    result += value\n" * 3
TASKS = ["hello", REPETITIVE, "class Box: x is None é 你好", "1, 2, 3, 1, 2, 3, 1, 2"]


@pytest.fixture(scope="module")
def base(tiny_model: Path) -> Base:
    return tiny_base(tiny_model)


@pytest.fixture(scope="module")
def view(base: Base) -> View:
    views = tiny_views(base)
    views.serving.load(spread(views.initial, 0.05))
    return views.serving


def generate(base: Base, view: View, prompt: list[int], stop_ids: frozenset[int] = frozenset(), **options: object):
    sampling = Sampling(**{"max_tokens": 48, **options})  # type: ignore[arg-type]
    return Generator(view, stop_ids, PrefixStore()).generate(prompt, sampling, owner=1)


def ask(base: Base, text: str) -> list[int]:
    return base.chat.render([Message("user", text)])


@pytest.mark.parametrize("draft_tokens", [0, 10])
def test_an_answer_ends_with_the_first_token_that_is_enough_however_many_came_in_its_pass(
    base: Base, view: View, draft_tokens: int
) -> None:
    prompt, seen = ask(base, REPETITIVE), list[int]()
    whole = generate(base, view, prompt, draft_tokens=draft_tokens)
    for count in (1, 20, 41):
        seen.clear()
        generation = Generator(view, frozenset(), PrefixStore()).generate(
            prompt, Sampling(max_tokens=48, draft_tokens=draft_tokens), owner=1, on_tokens=seen.extend,
            is_enough=lambda token_ids, count=count: len(token_ids) >= count,
        )  # fmt: skip
        assert generation.finish == "stop"
        assert list(generation.token_ids) == seen == list(whole.token_ids[:count])
        assert generation.logprobs == pytest.approx(whole.logprobs[:count], abs=1e-4)


@pytest.mark.parametrize("text", TASKS)
@pytest.mark.parametrize("draft_tokens", [1, 10])
def test_prompt_lookup_gives_the_same_tokens_as_one_at_a_time(
    base: Base, view: View, text: str, draft_tokens: int
) -> None:
    plain = generate(base, view, ask(base, text), draft_tokens=0)
    drafted = generate(base, view, ask(base, text), draft_tokens=draft_tokens)
    assert drafted.token_ids == plain.token_ids
    assert drafted.logprobs == pytest.approx(plain.logprobs, abs=1e-4)
    assert plain.passes == len(plain.token_ids) == 48


def test_prompt_lookup_saves_passes_where_the_answer_repeats_itself(base: Base, view: View) -> None:
    """Greedy answers of a random model run into a circle sooner or later, and lookup finds it."""
    once = generate(base, view, ask(base, "hello"), max_tokens=300, draft_tokens=0)
    drafted = generate(base, view, ask(base, "hello"), max_tokens=300, draft_tokens=10)
    assert drafted.token_ids == once.token_ids
    assert drafted.passes < once.passes == len(once.token_ids)
    assert once.finish == drafted.finish == "length"
    assert len(once.token_ids) < 300, "nobody waits for the end of a circle"


def test_an_answer_that_was_foreseen_takes_few_passes_and_stays_the_same(base: Base, view: View) -> None:
    prompt, sampling = ask(base, "hello"), Sampling(max_tokens=48, draft_tokens=15)
    generator = Generator(view, frozenset(), PrefixStore())
    once = generator.generate(prompt, sampling, owner=1)
    for similar in ([once.token_ids], [[5, 6, 7] * 9, once.token_ids]):
        foreseen = generator.generate(prompt, sampling, owner=1, similar=similar)
        assert foreseen.token_ids == once.token_ids
        assert foreseen.passes <= 5 < once.passes


def test_contrast_prefers_what_the_other_prompt_makes_less_likely_among_what_is_plausible() -> None:
    told, untold = torch.tensor([[0.5, 0.4, 0.06, 0.04]]).log(), torch.tensor([[0.7, 0.1, 0.1999, 0.0001]]).log()
    guided = contrasted(told, untold)
    assert contrasted(told).argmax().item() == 0
    assert guided.argmax().item() == 1
    assert guided[0, 3] == float("-inf")


def test_contrast_counts_for_as_many_tokens_as_were_asked_for(base: Base, view: View) -> None:
    prompt, other = ask(base, "hello"), ask(base, "class Box: x is None")
    generator, sampling = Generator(view, frozenset(), PrefixStore()), Sampling(max_tokens=20)
    plain = generator.generate(prompt, sampling, owner=1).token_ids
    assert generator.generate(prompt, sampling, owner=1, contrast=Contrast(other, 0)).token_ids == plain
    guided = generator.generate(prompt, sampling, owner=1, contrast=Contrast(other, 20)).token_ids
    assert guided != plain
    single = Sampling(max_tokens=20, draft_tokens=0)
    assert generator.generate(prompt, single, owner=1, contrast=Contrast(other, 20)).token_ids == guided


def test_sampling_at_temperature_one_is_the_same_with_and_without_drafts(base: Base, view: View) -> None:
    """One random number for each token, whoever proposed it: the same seed gives the same answer."""
    for seed in range(3):
        options = {"temperature": 1.0, "seed": seed}
        plain = generate(base, view, ask(base, REPETITIVE), draft_tokens=0, **options)
        drafted = generate(base, view, ask(base, REPETITIVE), draft_tokens=10, **options)
        assert drafted.token_ids == plain.token_ids
    other = generate(base, view, ask(base, REPETITIVE), draft_tokens=0, temperature=1.0, seed=99)
    assert other.token_ids != plain.token_ids


@pytest.mark.parametrize("draft", [[0, 1], [3, 3]])  # the likeliest tokens, and unlikely ones
def test_what_verification_keeps_has_exactly_the_models_distribution(draft: list[int]) -> None:
    probabilities = torch.tensor([[0.5, 0.3, 0.15, 0.05], [0.1, 0.6, 0.2, 0.1], [0.25, 0.25, 0.4, 0.1]])
    draws, runs = Drawer(Sampling(temperature=1.0, seed=7)), 6000
    outcomes = [draws.verify(probabilities.log(), draft, frozenset())[0] for _ in range(runs)]
    seen: list[Counter[int]] = [Counter(o[t] for o in outcomes if len(o) > t) for t in range(3)]
    for position in range(3):
        reached = seen[position].total()
        expected_reach = 1.0
        for earlier in range(position):
            expected_reach *= probabilities[earlier, draft[earlier]].item()
        assert reached / runs == pytest.approx(expected_reach, abs=0.025)
        if reached > 500:
            marginal = [seen[position][token] / reached for token in range(4)]
            assert marginal == pytest.approx(probabilities[position].tolist(), abs=4.5 * (0.25 / reached) ** 0.5)


def test_verification_stops_at_the_first_token_that_differs_from_the_draft() -> None:
    certain = torch.tensor([[9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0], [9.0, 0, 0]])
    draw = Drawer(Sampling())
    assert draw.verify(certain, [0, 1, 2], frozenset())[0] == [0, 1, 2, 0]
    assert draw.verify(certain, [0, 2, 2], frozenset())[0] == [0, 1]
    assert draw.verify(certain, [0, 1, 2], frozenset({1}))[0] == [0, 1]
    assert draw.verify(certain[:1], [], frozenset())[0] == [0]


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0}, {"temperature": 0.7, "seed": 3}])
def test_log_probabilities_are_those_of_a_plain_forward_pass(base: Base, view: View, options: dict) -> None:
    prompt = ask(base, REPETITIVE)
    answer = generate(base, view, prompt, **options)
    with torch.no_grad():
        hidden_T_D = view.hidden(torch.tensor([*prompt, *answer.token_ids[:-1]]))[len(prompt) - 1 :]
        logprobs_T_V = (view.logits(hidden_T_D) / (options.get("temperature") or 1.0)).log_softmax(dim=-1)
    expected = [logprobs_T_V[index, token].item() for index, token in enumerate(answer.token_ids)]
    assert answer.logprobs == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("draft_tokens", [0, 10])
def test_a_stop_token_ends_the_answer_and_is_its_last_token(base: Base, view: View, draft_tokens: int) -> None:
    free = generate(base, view, ask(base, REPETITIVE), draft_tokens=draft_tokens)
    stop = free.token_ids[20]
    first = free.token_ids.index(stop)
    answer = generate(base, view, ask(base, REPETITIVE), frozenset({stop}), draft_tokens=draft_tokens)
    assert answer.finish == "stop"
    assert answer.token_ids == free.token_ids[: first + 1]
    assert len(answer.logprobs) == len(answer.token_ids)


@pytest.mark.parametrize("max_tokens", [1, 2, 17, 48])
def test_an_answer_never_exceeds_its_length(base: Base, view: View, max_tokens: int) -> None:
    answer = generate(base, view, ask(base, REPETITIVE), max_tokens=max_tokens)
    assert answer.finish == "length"
    assert len(answer.token_ids) == len(answer.logprobs) == max_tokens


def test_a_prompt_of_one_token_is_answered(base: Base, view: View) -> None:
    assert len(generate(base, view, [5], max_tokens=4).token_ids) == 4


def interrupted_after(base: Base, view: View, passes: int) -> tuple[Generation, list[int]]:
    seen: list[int] = []
    calls: list[int] = []

    def on_tokens(tokens) -> None:
        seen.extend(tokens)
        calls.append(len(tokens))

    generator = Generator(view, frozenset(), PrefixStore())
    answer = generator.generate(
        ask(base, REPETITIVE), Sampling(max_tokens=200), owner=1, on_tokens=on_tokens,
        stopped=lambda: len(calls) >= passes,
    )  # fmt: skip
    return answer, seen


def test_a_stop_request_ends_the_answer_before_another_pass(base: Base, view: View) -> None:
    answer, seen = interrupted_after(base, view, passes=3)
    assert (answer.finish, answer.passes) == ("interrupted", 3)
    assert tuple(seen) == answer.token_ids
    assert len(seen) == len(answer.logprobs) >= 3


def test_a_stop_request_is_heard_while_a_long_prompt_is_read(base: Base, view: View) -> None:
    asked: list[bool] = []
    long_prompt = [index % 300 + 5 for index in range(2000)]

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 1

    answer = Generator(view, frozenset(), PrefixStore()).generate(long_prompt, Sampling(), owner=1, stopped=stopped)
    assert answer == Generation((), (), "interrupted", 0)
    assert len(asked) == 2


# --- Nucleus ----------------------------------------------------------------------------


def test_the_nucleus_is_the_smallest_set_that_reaches_top_p() -> None:
    logprobs_1_V = torch.tensor([[0.05, 0.5, 0.15, 0.3]]).log()
    assert nucleus(logprobs_1_V, 0.75).exp()[0].tolist() == pytest.approx([0, 0.625, 0, 0.375])
    assert nucleus(logprobs_1_V, 0.85).exp()[0].tolist() == pytest.approx([0, 10 / 19, 3 / 19, 6 / 19])
    assert nucleus(logprobs_1_V, 0.01).exp()[0].tolist() == pytest.approx([0, 1, 0, 0])


def test_an_unlikely_token_is_never_drawn_from_a_nucleus_without_it() -> None:
    logits_1_V = torch.tensor([[0.05, 0.5, 0.15, 0.3]]).log()
    draw = Drawer(Sampling(temperature=1.0, top_p=0.75, seed=1))
    drawn = [draw.verify(logits_1_V, [], frozenset()) for _ in range(400)]
    assert {tokens[0] for tokens, _ in drawn} == {1, 3}
    assert {round(logprobs[0], 4) for _, logprobs in drawn} == {
        round(torch.tensor(p).log().item(), 4) for p in (0.625, 0.375)
    }
    everything = Drawer(Sampling(temperature=1.0, seed=1))
    assert len({everything.verify(logits_1_V, [], frozenset())[0][0] for _ in range(400)}) == 4
