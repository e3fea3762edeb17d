"""Frozen linear layers with int8 weights, for CPUs that multiply int8: with units of their own (VNNI), or by AVX2.

Every row of the input is scaled to its own largest value and rounded to int8, so a row's
product is a sum of integers: it does not depend on which other rows are in the batch, and
verifying several drafted tokens in one pass gives what one pass each would give.
Invariant: the weights are written once, when they are quantised; both views share them.
Gradients pass through the same int8 weights: by units, their rows rounded in the same way; else in float32.

By AVX2 two products of a row and a weight are added in 16 bits, and what does not fit is cut off, so rows are rounded
to fewer steps there. Rows that a layer makes narrower have a few values far above all others; those few are multiplied
in float32. KL from float32 arithmetic on four source files (Qwen2.5-Coder 0.5B, 350 tokens each): 0.007 nats per token,
without those few 0.016, and then with 127 steps 0.018, with 63, where nothing is cut off, 0.067.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from continual_code.model.mixed import float_the_rest, upcast_gradient

HAS_UNITS = bool(torch.cpu.get_capabilities().get("avx512_vnni"))
LARGEST = 127  # of a weight
BY_UNITS, BY_AVX2 = 127, 103  # steps on either side of zero, to which a row is rounded
STEPS = BY_UNITS if HAS_UNITS else BY_AVX2
FEW_ROWS = 16  # up to here the packed kernel is about twice as fast as the plain one, above it is not
FEW_VALUES = 4  # of a row, its largest ones; 8 are hardly better
TINY = 1e-30  # a row of zeros divided by this stays a row of zeros


# The pinned torch has these kernels; that a later one will not is no news for the person at the screen.
warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)


class Packed:
    """A second copy of a weight in the layout that the kernel for few rows reads fastest; shared by both views.

    `columns` is the weight [I, O] of layers that make rows narrower, where it is needed.
    """

    def __init__(self) -> None:
        self.product: Callable[[Tensor], Tensor] | None = None
        self.columns: Tensor | None = None
        self._filling = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> Packed:
        return self

    def fill(self, weight_O_I: Tensor, scale_O: Tensor) -> None:
        """Pack, if it is not done yet; may run on another thread than the one that multiplies."""
        with self._filling:
            if self.product is None:
                is_narrowing = weight_O_I.shape[0] < weight_O_I.shape[1]
                self.columns = weight_O_I.t().contiguous() if is_narrowing and not HAS_UNITS else None
                self.product = self._product(weight_O_I, scale_O)

    @staticmethod
    def _product(weight_O_I: Tensor, scale_O: Tensor) -> Callable[[Tensor], Tensor]:
        zeros_O = torch.zeros(len(scale_O), dtype=torch.int64)
        # By torch.ops the same call would print torch's warning past Python's filters, onto the screen.
        make = torch._make_per_channel_quantized_tensor  # type: ignore[attr-defined]
        quantised = make(weight_O_I, scale_O, zeros_O, 0)
        handle = torch.ops.quantized.linear_prepack(quantised, None)
        multiply = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        return lambda rows_T_I: multiply(rows_T_I, 1 / STEPS, STEPS + 1, handle)


class Int8Linear(nn.Linear):
    """A frozen linear layer: weight int8 [O, I], scale float32 [O], input and output float32."""

    scale: Tensor
    packed: Packed

    def forward(self, input: Tensor) -> Tensor:
        rows_T_I = input.reshape(-1, input.shape[-1])
        product = _Int8Product.apply(rows_T_I, self) if rows_T_I.requires_grad else self.multiply(rows_T_I)
        if self.bias is not None:
            product = product + self.bias
        return product.view(*input.shape[:-1], -1)

    def multiply(self, rows_T_I: Tensor) -> Tensor:
        """The product without bias, shape [T, O]."""
        if HAS_UNITS:
            return self._by_units(rows_T_I)
        self.packed.fill(self.weight, self.scale)  # there is no other kernel that gives the same
        if self.packed.columns is None:
            return self._by_packed(rows_T_I)
        places_T_K = rows_T_I.abs().topk(FEW_VALUES, dim=1).indices
        few_T_1_K = rows_T_I.gather(1, places_T_K)[:, None]
        product_T_O = torch.bmm(few_T_1_K, self.packed.columns[places_T_K].float())[:, 0].mul_(self.scale)
        return product_T_O.add_(self._by_packed(rows_T_I.scatter(1, places_T_K, 0.0)))

    def _by_units(self, rows_T_I: Tensor) -> Tensor:
        if len(rows_T_I) <= FEW_ROWS and self.packed.product:
            return self._by_packed(rows_T_I)
        return _product(rows_T_I, self.weight.t()).mul_(self.scale)

    def _by_packed(self, rows_T_I: Tensor) -> Tensor:
        largest_T_1 = _largest(rows_T_I)
        return self.packed.product(rows_T_I / largest_T_1).mul_(largest_T_1)  # type: ignore[misc]


class _Int8Product(torch.autograd.Function):
    """The int8 product; the weight gets no gradient."""

    @staticmethod
    def forward(ctx: Any, rows_T_I: Tensor, layer: Int8Linear) -> Tensor:
        ctx.layer = layer
        return layer.multiply(rows_T_I)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient_T_O,) = gradients
        scaled_T_O, weight_O_I = gradient_T_O * ctx.layer.scale, ctx.layer.weight
        if HAS_UNITS:
            return _product(scaled_T_O, weight_O_I), None
        return upcast_gradient(scaled_T_O, weight_O_I), None


def _product(rows_T_K: Tensor, weight_K_N: Tensor) -> Tensor:
    """Float rows times int8 weights, shape [T, N], float32; each row is rounded to int8 by itself."""
    largest_T_1 = _largest(rows_T_K)
    steps = (1 / torch.tensor(1 / STEPS, dtype=torch.float32)).item()  # as the packed kernel's float32 has it
    # That kernel adds its zero point before it rounds; so does this, or ties would fall apart.
    integers_T_K = (rows_T_K / largest_T_1).mul_(steps).add_(STEPS + 1).round_().sub_(STEPS + 1).to(torch.int8)
    return torch.ops.aten._int_mm(integers_T_K, weight_K_N).float().mul_(largest_T_1 / STEPS)


def _largest(rows_T_K: Tensor) -> Tensor:
    return rows_T_K.abs().amax(dim=1, keepdim=True).clamp_(min=TINY)


def quantise(weight_O_I: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric int8 weights [O, I] and a float32 scale for each row [O]."""
    weight_O_I = weight_O_I.float()
    scale_O = (weight_O_I.abs().amax(dim=1) / LARGEST).clamp_(min=TINY)
    return (weight_O_I / scale_O[:, None]).round_().to(torch.int8), scale_O


def make_int8(module: nn.Module) -> None:
    """Quantise every linear layer of a model in place; embeddings stay, everything small becomes float32."""
    for child in module.modules():
        if type(child) is nn.Linear:
            install(child, *quantise(child.weight))
    float_the_rest(module)


def install(layer: nn.Linear, weight_O_I: Tensor, scale_O: Tensor) -> None:
    """Turn a linear layer into an int8 one, in place."""
    layer.__class__ = Int8Linear
    layer.weight = nn.Parameter(weight_O_I, requires_grad=False)
    layer.register_buffer("scale", scale_O)
    layer.packed = Packed()  # type: ignore[assignment]


def pack(module: nn.Module, stopped: Callable[[], bool] = lambda: False) -> None:
    """Make the packed copies. Answers get faster layer by layer while it runs on a thread of its own.

    The last layer comes first: an answer that needs a copy at once makes it itself, from the first layer on.
    """
    for child in reversed(list(module.modules())):
        if stopped():
            return
        if isinstance(child, Int8Linear):
            child.packed.fill(child.weight, child.scale)
