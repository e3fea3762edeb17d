"""Stored prefixes: read by many, written by nobody, and never lent to other weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import spread, tiny_base, tiny_views
from torch import Tensor
from transformers import DynamicCache

from continual_code.model.generation import Generator, Sampling
from continual_code.model.prefix import Prefix, PrefixStore
from continual_code.model.views import View

PROMPT = [index % 300 + 5 for index in range(24)]


@pytest.fixture(scope="module")
def view(tiny_model: Path) -> View:
    return tiny_views(tiny_base(tiny_model)).serving


@torch.no_grad()
def read(view: View, ids: list[int]) -> Prefix:
    cache = DynamicCache()
    view.hidden(torch.tensor(ids), cache)
    return Prefix.of(ids, cache)


@torch.no_grad()
def continued(view: View, cache: DynamicCache, rest: list[int]) -> Tensor:
    return view.logits(view.hidden(torch.tensor(rest), cache))


def snapshot(prefix: Prefix) -> list[Tensor]:
    return [tensor.clone() for pair in prefix.layers for tensor in pair]


def unchanged(prefix: Prefix, before: list[Tensor]) -> bool:
    return all(torch.equal(now, old) for now, old in zip(snapshot(prefix), before, strict=True))


@pytest.mark.parametrize("length", [1, 10, 23])
def test_continuing_from_a_prefix_gives_the_logits_of_a_full_pass(view: View, length: int) -> None:
    store = PrefixStore()
    store.put(0, read(view, PROMPT[:length]))
    cache, known = store.longest(0, PROMPT)
    assert known == length
    with torch.no_grad():
        full = view.logits(view.hidden(torch.tensor(PROMPT)))
    assert torch.allclose(continued(view, cache, PROMPT[length:]), full[length:], atol=1e-4)


def test_nobody_who_continues_from_a_prefix_writes_to_it(view: View) -> None:
    prefix = read(view, PROMPT[:16])
    before, store = snapshot(prefix), PrefixStore()
    store.put(0, prefix)
    first, _ = store.longest(0, PROMPT)
    second, _ = store.longest(0, [*PROMPT[:12], 400, 401])
    answer = continued(view, first, PROMPT[16:])
    continued(view, second, [7, 8, 9])
    first.crop(-3)
    for layer in (*first.layers, *second.layers):
        layer.keys.zero_()
        layer.values.zero_()
    assert unchanged(prefix, before)
    again, _ = store.longest(0, PROMPT)
    assert torch.equal(continued(view, again, PROMPT[16:]), answer)


def test_a_prefix_does_not_grow_with_the_cache_it_was_taken_from(view: View) -> None:
    cache = DynamicCache()
    continued(view, cache, PROMPT[:10])
    prefix = Prefix.of(PROMPT[:10], cache)
    before = snapshot(prefix)
    continued(view, cache, PROMPT[10:])
    assert unchanged(prefix, before)
    assert prefix.layers[0][0].shape[-2] == 10


def test_a_learner_that_backpropagates_through_a_prefix_leaves_it_constant(view: View) -> None:
    prefix = read(view, PROMPT[:10])
    before = snapshot(prefix)
    view.hidden(torch.tensor(PROMPT[10:]), prefix.cache(10)).sum().backward()
    assert unchanged(prefix, before)
    assert not any(tensor.requires_grad for pair in prefix.layers for tensor in pair)


@pytest.mark.parametrize("asker", [1, "base"])
def test_weights_never_get_a_prefix_of_other_weights(view: View, asker: object) -> None:
    store = PrefixStore()
    store.put(0, read(view, PROMPT))
    cache, known = store.longest(asker, PROMPT)
    assert (known, cache.get_seq_length()) == (0, 0)
    assert store.longest(0, PROMPT)[1] > 0


def test_an_answer_after_a_swap_owes_nothing_to_the_old_weights(tiny_model: Path) -> None:
    views = tiny_views(tiny_base(tiny_model))
    store = PrefixStore()
    generator = Generator(views.serving, frozenset(), store)
    generator.generate(PROMPT, Sampling(max_tokens=8), owner=0)
    views.serving.load(spread(views.initial))
    swapped = generator.generate(PROMPT, Sampling(max_tokens=8), owner=1)
    fresh = Generator(views.serving, frozenset(), PrefixStore()).generate(PROMPT, Sampling(max_tokens=8), owner=1)
    assert swapped == fresh
    stale = generator.generate(PROMPT, Sampling(max_tokens=8), owner=0)
    assert stale.logprobs != fresh.logprobs, "the control: keys of other weights would have been noticed"


def test_one_token_is_always_left_to_compute(view: View) -> None:
    store = PrefixStore()
    store.put(0, read(view, PROMPT))
    assert store.longest(0, PROMPT)[1] == len(PROMPT) - 1
    assert store.longest(0, PROMPT[:5])[1] == 4
    assert store.longest(0, PROMPT[:1])[1] == 0
    cache, known = store.longest(0, PROMPT)
    assert cache.get_seq_length() == known


def test_only_the_common_part_is_used(view: View) -> None:
    store = PrefixStore()
    store.put(0, read(view, PROMPT))
    other = [*PROMPT[:9], 399, *PROMPT[10:]]
    cache, known = store.longest(0, other)
    assert known == 9
    with torch.no_grad():
        full = view.logits(view.hidden(torch.tensor(other)))
    assert torch.allclose(continued(view, cache, other[9:]), full[9:], atol=1e-4)


def test_the_longest_of_several_is_chosen_and_the_oldest_goes_first(view: View) -> None:
    store = PrefixStore(capacity=2)
    store.put(0, read(view, PROMPT[:6]))
    store.put(0, read(view, PROMPT[:12]))
    assert store.longest(0, PROMPT)[1] == 12
    store.put(1, read(view, PROMPT))
    store.put(2, read(view, PROMPT))
    assert [store.longest(owner, PROMPT)[1] > 0 for owner in (0, 1, 2)] == [False, True, True]
    store.clear()
    assert store.longest(2, PROMPT)[1] == 0
