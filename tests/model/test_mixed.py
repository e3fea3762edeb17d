"""Mixed precision: bfloat16 weights, float32 arithmetic, and nothing lost but what bfloat16 never had."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import tiny_base, tiny_views
from torch import Tensor, nn
from torch.nn import functional

from continual_code.model import mixed
from continual_code.model.mixed import FEW_ROWS, MixedEmbedding, MixedLinear, make_mixed


def linear(rows_in: int = 48, rows_out: int = 33, *, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    layer = nn.Linear(rows_in, rows_out, bias=bias).bfloat16().requires_grad_(False)
    make_mixed(layer)
    return layer


def inputs(rows: int, width: int = 48) -> Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(rows))


def exact(layer: nn.Linear, rows: Tensor) -> Tensor:
    bias = None if layer.bias is None else layer.bias.double()
    return functional.linear(rows.double(), layer.weight.double(), bias).float()


@pytest.mark.parametrize("rows", [FEW_ROWS, 7, 64])
@pytest.mark.parametrize("bias", [True, False])
def test_several_rows_are_multiplied_in_float32(rows: int, bias: bool) -> None:
    layer = linear(bias=bias)
    assert type(layer) is MixedLinear
    result = layer(inputs(rows))
    assert result.dtype == torch.float32
    assert torch.allclose(result, exact(layer, inputs(rows)), atol=1e-5)


@pytest.mark.parametrize("rows", range(1, FEW_ROWS))
def test_a_few_rows_are_right_within_bfloat16_rounding(rows: int) -> None:
    layer = linear()
    result, expected = layer(inputs(rows)), exact(layer, inputs(rows))
    assert result.dtype == torch.float32
    assert torch.allclose(result, expected, atol=0.03, rtol=0.02)


@pytest.mark.parametrize("rows", [1, FEW_ROWS, 20])
def test_the_gradient_of_the_input_is_that_of_float32(rows: int) -> None:
    layer, upstream = linear(), torch.randn(rows, 33, generator=torch.Generator().manual_seed(5))
    mine, plain = inputs(rows).requires_grad_(), inputs(rows).double().requires_grad_()
    result = layer(mine)
    result.backward(upstream)
    functional.linear(plain, layer.weight.double()).backward(upstream.double())
    assert mine.grad is not None
    assert plain.grad is not None
    assert torch.allclose(result, exact(layer, inputs(rows)), atol=1e-5), "a row that learns is never rounded"
    assert torch.allclose(mine.grad, plain.grad.float(), atol=1e-5)
    assert layer.weight.grad is None


def test_a_weight_that_takes_many_blocks_gives_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixed, "BLOCK_ELEMENTS", 48 * 5)  # 33 rows: six blocks of 5 and one of 3
    layer, rows = linear(), inputs(9).requires_grad_()
    upstream = torch.randn(9, 33, generator=torch.Generator().manual_seed(5))
    layer(rows).backward(upstream)
    assert torch.allclose(layer(inputs(9)), exact(layer, inputs(9)), atol=1e-5)
    assert rows.grad is not None
    assert torch.allclose(rows.grad, upstream @ layer.weight.float(), atol=1e-5)


def test_leading_dimensions_are_kept() -> None:
    layer = linear()
    assert torch.allclose(layer(inputs(12).view(3, 4, 48)).view(12, 33), layer(inputs(12)), atol=1e-6)


def test_an_embedding_looks_up_bfloat16_and_answers_float32() -> None:
    layer = nn.Embedding(10, 4).bfloat16()
    make_mixed(layer)
    assert type(layer) is MixedEmbedding
    assert layer.weight.dtype == torch.bfloat16
    found = layer(torch.tensor([3, 3, 7]))
    assert found.dtype == torch.float32
    assert torch.equal(found, layer.weight[[3, 3, 7]].float())


def test_a_mixed_model_answers_like_its_bfloat16_weights_in_float32(tiny_model: Path) -> None:
    base, reference = tiny_base(tiny_model, "mixed"), tiny_base(tiny_model, "float32")
    with torch.no_grad():
        for parameter in reference.module.parameters():
            parameter.copy_(parameter.bfloat16())
    ids = torch.arange(5, 35)[None]
    with torch.no_grad():
        ours, theirs = base.module(ids).logits, reference.module(ids).logits
    assert torch.allclose(ours, theirs, atol=1e-4)


def test_learning_through_a_mixed_base_reaches_every_lora_and_no_weight(tiny_model: Path) -> None:
    base = tiny_base(tiny_model, "mixed")
    large = [module.weight for module in base.module.modules() if isinstance(module, nn.Linear | nn.Embedding)]
    before = [weight.clone() for weight in large]
    view = tiny_views(base).learning
    optimizer = torch.optim.AdamW(view.parameters(), lr=1e-2)
    for _ in range(2):
        optimizer.zero_grad()
        view.logits(view.hidden(torch.arange(5, 25))).square().mean().backward()
        optimizer.step()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 and p.grad.any() for p in view.parameters())
    assert {weight.dtype for weight in large} == {torch.bfloat16}
    assert all(torch.equal(weight, old) for weight, old in zip(large, before, strict=True))
