"""Attention to a prompt that is kept: what transformers' own gives, without copies of the prompt's keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import spread, tiny_base, tiny_views
from torch import Tensor
from transformers import DynamicCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from continual_code.model.attention import NAME, Parts, attend
from continual_code.model.prefix import Prefix
from continual_code.model.views import View

SIZE, SCALE = 8, 0.3
NOTHING = Prefix((), ())


class Layer(torch.nn.Module):
    """What the functions look at of an attention layer."""

    is_causal = True

    def __init__(self, heads: int, key_heads: int) -> None:
        super().__init__()
        self.num_key_value_groups = heads // key_heads


def asked(new: int, old: int, heads: int, key_heads: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    """Query, key, value and mask, laid out as a model lays them out."""
    draw = torch.Generator().manual_seed(new + old)
    shapes = ((new, heads), (old + new, key_heads), (old + new, key_heads))
    tensors = [torch.randn(1, *shape, SIZE, generator=draw, dtype=dtype).transpose(1, 2) for shape in shapes]
    mask = torch.arange(old + new)[None] <= torch.arange(old, old + new)[:, None]
    return (*(each.requires_grad_() for each in tensors), mask[None, None])


@pytest.mark.parametrize("old", [0, 1, 37])
@pytest.mark.parametrize("new", [1, 2, 16, 30])
@pytest.mark.parametrize(("heads", "key_heads"), [(6, 2), (3, 3), (4, 1)])
def test_it_attends_as_transformers_does(new: int, old: int, heads: int, key_heads: int) -> None:
    query, key, value, mask = asked(new, old, heads, key_heads)
    layer, given = Layer(heads, key_heads), {"scaling": SCALE}
    mine, _ = attend(layer, query, key, value, mask, **given)
    theirs, _ = sdpa_attention_forward(layer, query, key, value, mask, **given)
    assert mine.shape == (1, new, heads, SIZE)
    assert torch.allclose(mine, theirs, atol=1e-5)


@pytest.mark.parametrize("old", [0, 1, 37])
def test_its_gradients_are_theirs(old: int) -> None:
    query, key, value, mask = asked(16, old, 6, 2)
    towards = torch.randn(1, 16, 6, SIZE, generator=torch.Generator().manual_seed(9))

    def gradients(function: Any) -> tuple[Tensor, ...]:
        out, _ = function(Layer(6, 2), query, key, value, mask, scaling=SCALE)
        return torch.autograd.grad(out, (query, key, value), towards)

    for mine, theirs in zip(gradients(attend), gradients(sdpa_attention_forward), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_nothing_as_long_as_the_prompt_is_made_for_every_head() -> None:
    query, key, value, mask = asked(4, 500, 6, 2)
    saved: list[Tensor] = []

    def sizes(function: Any) -> int:
        saved.clear()
        with torch.autograd.graph.saved_tensors_hooks(lambda each: saved.append(each) or each, lambda each: each):
            function(Layer(6, 2), query, key, value, mask, scaling=SCALE)
        return max(each.shape[1] * each.shape[2] for each in saved if each.dim() == 4 and each.shape[2] > 100)

    assert sizes(attend) == 2 * 504
    assert sizes(sdpa_attention_forward) == 6 * 504


def test_layers_of_a_pass_keep_one_mask_for_backward_and_not_one_each() -> None:
    query, key, value, mask = asked(4, 500, 6, 2)
    masks: set[int] = set()

    def keep(tensor: Tensor) -> Tensor:
        if tensor.shape[-1] == 504:
            masks.add(tensor.untyped_storage().data_ptr())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda each: each):
        layers = [attend(Layer(6, 2), query, key, value, mask, scaling=SCALE) for _ in range(3)]
    assert len(layers) == 3
    assert len(masks) == 1


@pytest.mark.parametrize(
    "given", [{"sliding_window": 3}, {"position_bias": torch.randn(1, 1, 4, 24, generator=torch.Generator())}]
)
def test_what_it_does_not_know_is_left_to_transformers(given: dict[str, Any]) -> None:
    query, key, value, mask = asked(4, 20, 6, 2)
    mask = mask & (torch.arange(24) % 2 == 0)  # to be heeded: nothing but the mask says what the kind of attention is
    out, _ = attend(Layer(6, 2), query, key, value, mask, scaling=SCALE, **given)
    expected, _ = sdpa_attention_forward(Layer(6, 2), query, key, value, mask, scaling=SCALE, **given)
    assert out.equal(expected)
    with pytest.raises(NotImplementedError):
        attend(Layer(6, 2), query, key, value, mask, scaling=SCALE, parts=Parts([4], [DynamicCache()]), **given)


def test_texts_that_share_a_pass_see_nothing_of_each_other(tmp_path: Path) -> None:
    view = tiny_views(tiny_base(tmp_path / "model")).learning
    texts = [list(range(start, start + length)) for start, length in ((3, 7), (30, 1), (50, 300), (9, 300))]
    before = [kept(view, range(100, 120)), kept(view, range(5)), NOTHING, NOTHING]
    alone = [view.hidden(torch.tensor(ids), each.cache()) for ids, each in zip(texts, before, strict=True)]
    passes: list[Any] = []
    view._body.register_forward_hook(lambda *_: passes.append(_))
    together = view.hidden_of_each(texts, [each.cache() if each.ids else None for each in before])
    assert len(passes) == 2, "not more rows than a person can wait for in one pass, and no more passes"
    for each, expected in zip(together, alone, strict=True):
        assert torch.allclose(each, expected, atol=1e-5)


def test_where_attention_cannot_be_chosen_each_text_has_its_own_pass(tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "model")
    base.module.set_attn_implementation("sdpa")
    view = tiny_views(base).learning
    texts = [[1, 2, 3], [4, 5]]
    before = [kept(view, [7, 8]), NOTHING]
    alone = [view.hidden(torch.tensor(ids), each.cache()) for ids, each in zip(texts, before, strict=True)]
    for each, expected in zip(view.hidden_of_each(texts, [each.cache() for each in before]), alone, strict=True):
        assert each.equal(expected)


def test_the_gradient_of_texts_that_share_a_pass_is_the_sum_of_theirs(tmp_path: Path) -> None:
    views = tiny_views(tiny_base(tmp_path / "model"))
    view = views.learning
    view.load(spread(views.initial))
    texts = [[1, 2, 3, 4], [4, 5]]
    before = [kept(view, [7, 8]), NOTHING]

    def gradients(hidden: list[Tensor]) -> list[Tensor]:
        return list(torch.autograd.grad(sum((each * each).sum() for each in hidden), view.parameters()))

    alone = [view.hidden(torch.tensor(ids), each.cache()) for ids, each in zip(texts, before, strict=True)]
    for mine, expected in zip(
        gradients(view.hidden_of_each(texts, [each.cache() for each in before])), gradients(alone), strict=True
    ):
        assert torch.allclose(mine, expected, atol=1e-3, rtol=1e-4)


def kept(view: View, ids: Sequence[int]) -> Prefix:
    cache = DynamicCache()
    with torch.no_grad():
        view.hidden(torch.tensor(list(ids)), cache)
    return Prefix.of(list(ids), cache)


def test_a_loaded_model_attends_in_this_way_and_says_the_same(tmp_path: Path) -> None:
    views = tiny_views(tiny_base(tmp_path / "model"))
    assert {view._causal.config._attn_implementation for view in (views.serving, views.learning)} == {NAME}

    def hidden() -> Tensor:
        cache = DynamicCache()
        views.serving.hidden(torch.arange(40), cache)
        return views.serving.hidden(torch.arange(40, 60), cache)

    mine = hidden()
    views.serving._causal.set_attn_implementation("sdpa")
    assert torch.allclose(mine, hidden(), atol=1e-5)
