"""bfloat16 storage with float32 arithmetic, for CPUs that do not multiply bfloat16.

Measured on two AVX-512 cores without bfloat16 units, 8960x1536, 600 rows: 84 ms this way,
170 ms with float32 weights (twice the memory traffic), 414 ms in plain bfloat16.
Invariant: the stored weights stay bfloat16 and are never written to; activations, LoRA
and gradients are float32.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK_ELEMENTS = 1 << 22  # 16 MB of float32: the converted block is multiplied while it is still in cache
FEW_ROWS = 4  # below this the weights are read once and the native kernel is faster

_scratch = threading.local()  # the serving and the learning thread multiply at the same time


class MixedLinear(nn.Linear):
    """A frozen linear layer: weight bfloat16 [O, I], input and output float32."""

    def forward(self, input: Tensor) -> Tensor:
        rows_T_I = input.reshape(-1, input.shape[-1])
        if len(rows_T_I) < FEW_ROWS and not input.requires_grad:
            product = functional.linear(rows_T_I.bfloat16(), self.weight).float()
        else:
            product = _UpcastProduct.apply(rows_T_I, self.weight)
        if self.bias is not None:
            product = product + self.bias
        return product.view(*input.shape[:-1], -1)


class MixedEmbedding(nn.Embedding):
    """A frozen embedding: weight bfloat16 [V, D], output float32."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input).float()


class _UpcastProduct(torch.autograd.Function):
    """`upcast_product`; no gradient for the weight."""

    @staticmethod
    def forward(ctx: Any, rows_T_I: Tensor, weight_O_I: Tensor) -> Tensor:
        ctx.weight = weight_O_I
        return upcast_product(rows_T_I, weight_O_I)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient_T_O,) = gradients
        return upcast_gradient(gradient_T_O, ctx.weight), None


def upcast_product(rows_T_I: Tensor, weight_O_I: Tensor) -> Tensor:
    """rows @ weight.T in float32, [T, O], converting a weight of another type block by block."""
    product_T_O = rows_T_I.new_empty(len(rows_T_I), len(weight_O_I))
    for start, block_B_I in _blocks(weight_O_I):
        product_T_O[:, start : start + len(block_B_I)] = rows_T_I @ block_B_I.T
    return product_T_O


def upcast_gradient(gradient_T_O: Tensor, weight_O_I: Tensor) -> Tensor:
    """gradient @ weight in float32, [T, I], in the same way."""
    gradient_T_I = gradient_T_O.new_zeros(len(gradient_T_O), weight_O_I.shape[1])
    for start, block_B_I in _blocks(weight_O_I):
        gradient_T_I.addmm_(gradient_T_O[:, start : start + len(block_B_I)], block_B_I)
    return gradient_T_I


def _blocks(weight_O_I: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, float32 rows); each block is overwritten by the next."""
    rows = max(1, BLOCK_ELEMENTS // weight_O_I.shape[1])
    buffer = _buffer(min(rows, len(weight_O_I)) * weight_O_I.shape[1])
    for start in range(0, len(weight_O_I), rows):
        part = weight_O_I[start : start + rows]
        yield start, buffer[: part.numel()].view(part.shape).copy_(part)


def _buffer(elements: int) -> Tensor:
    buffer = getattr(_scratch, "buffer", None)
    if buffer is None or buffer.numel() < elements:
        buffer = _scratch.buffer = torch.empty(elements)
    return buffer


def make_mixed(module: nn.Module) -> None:
    """Turn a bfloat16 model into a mixed one in place.

    Linear and embedding weights stay as they are; everything small (norms, biases) becomes float32.
    """
    for child in module.modules():
        if type(child) is nn.Linear:
            child.__class__ = MixedLinear
    float_the_rest(module)


def float_embeddings(module: nn.Module) -> None:
    """Let every embedding, whose weight stays as it is, give float32."""
    for child in module.modules():
        if type(child) is nn.Embedding:
            child.__class__ = MixedEmbedding


def float_the_rest(module: nn.Module) -> None:
    """Make everything float32 but the weights of linear and embedding layers."""
    float_embeddings(module)
    large = {id(child.weight) for child in module.modules() if isinstance(child, nn.Linear | nn.Embedding)}
    for tensor in (*module.parameters(), *module.buffers()):
        if id(tensor) not in large and tensor.is_floating_point():
            tensor.data = tensor.data.float()
