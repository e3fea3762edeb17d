"""Where the weights live and in which precision: measured habits, not wishes.

Invariant: bfloat16 arithmetic is chosen only where the device does it natively.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

Precision = Literal["bfloat16", "float32", "mixed", "int8"]


@dataclass(frozen=True, slots=True)
class Placement:
    """A device name that torch understands, and the precision of weights and arithmetic.

    "mixed" is bfloat16 storage with float32 arithmetic (see `mixed.py`), "int8" is int8
    weights and products with float32 gradients (see `int8.py`).
    """

    device: str
    precision: Precision

    @property
    def storage(self) -> torch.dtype:
        """The dtype that the frozen weights are kept in."""
        return torch.float32 if self.precision == "float32" else torch.bfloat16

    def __str__(self) -> str:
        return f"{self.device}, {self.precision}"


def choose(device: str = "auto", precision: str = "auto") -> Placement:
    """Pick a placement.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
        precision: "auto", "bfloat16", "float32", "mixed" or "int8".
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if precision == "auto":
        precision = _cpu_precision() if device == "cpu" else "bfloat16"
    return Placement(device, precision)  # type: ignore[arg-type]


def _cpu_precision() -> Precision:
    """int8 comes first even where the CPU has bfloat16 units: generation waits for memory, and reads half of it."""
    capabilities = torch.cpu.get_capabilities()
    if any(capabilities.get(name) for name in ("avx512_vnni", "avx2")):
        return "int8"
    return "bfloat16" if multiplies_bfloat16() else "mixed"


def multiplies_bfloat16() -> bool:
    """Whether the CPU has units for it; without, torch's bfloat16 products are several times slower than float32's."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
