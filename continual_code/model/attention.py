"""Attention to a long prompt that is kept, for CPUs: its keys are not copied for every head.

A group of heads that share keys asks them as if it were one head with more rows, and no copy of the prompt is made or
saved for backward. Several texts can share one pass, which is faster than a pass for each: rows are what a CPU
multiplies best many of. What it is worth shows in `bench speed`, in the long prompts.
Invariant: a row goes through its keys from the first to the last, whatever was read in the same pass. (Prompt and new
tokens apart, put together by their sums of weights, would be faster; but then a lesson that is learned again
after a crash is not the same bit for bit, as it is where products of rows are.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface, Cache, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "continual_code"


@dataclass(frozen=True)
class Parts:
    """Texts that share one pass: how many rows each has, and the cache that it goes on from, if any, and extends."""

    lengths: Sequence[int]
    caches: Sequence[Cache | None]


def use_long_prompts(module: PreTrainedModel) -> None:
    """Let a model on the CPU, with float32 activations, attend in this way, where its architecture lets one choose."""
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    if module.config._attn_implementation == "sdpa" and getattr(module.config, "sliding_window", None) is None:
        module.set_attn_implementation(NAME)


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, dropout: float = 0.0,
    scaling: float | None = None, parts: Parts | None = None, **kwargs: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Causal attention of T new tokens, for `transformers.AttentionInterface`.

    Args:
        query: [1, heads, T, head size].
        key, value: [1, key heads, S, head size]; the last T of S are the new tokens'.
        parts: S equals T, and each part attends to its cache and to itself.

    Returns:
        [1, T, heads, head size].
    """
    is_plain = dropout == 0 and all(kwargs.get(name) is None for name in ("sliding_window", "softcap", "position_bias"))
    if not is_plain or scaling is None or len(query) > 1:
        if parts:
            raise NotImplementedError("This architecture cannot read several texts in one pass.")
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    if parts:
        queries, keys, values = (each.split(list(parts.lengths), dim=2) for each in (query, key, value))
        outs: list[Tensor] = []
        for cache, own, new_key, new_value in zip(parts.caches, queries, keys, values, strict=True):
            whole = (new_key, new_value) if cache is None else cache.update(new_key, new_value, module.layer_idx)
            outs.append(_attention(own, *whole, scaling))
        return torch.cat(outs, dim=2).transpose(1, 2), None
    if query.shape[2] == 1:  # one row for every head is all there is, and torch's own kernel has less to prepare
        return sdpa_attention_forward(module, query, key, value, attention_mask, dropout, scaling, **kwargs)
    return _attention(query, key, value, scaling).transpose(1, 2), None


def _attention(query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
    """Shapes: see `attend`; the result is [1, heads, T, head size]."""
    seen = _seen(query.shape[2], key.shape[2], query.shape[1] // key.shape[1], query.dtype)
    grouped = query.reshape(1, key.shape[1], -1, query.shape[3])
    out = functional.scaled_dot_product_attention(grouped, key, value, attn_mask=seen, scale=scaling)
    return out.reshape(query.shape)


@lru_cache(maxsize=1)
def _seen(new: int, known: int, heads: int, dtype: torch.dtype) -> Tensor:
    """0 for the keys that each row may attend to and -inf for the others, [heads * new, known].

    The same in every layer of a pass. Of a mask of truth values torch would make such a one in each layer, and keep all
    of them for backward.
    """
    return torch.full((new, known), -math.inf, dtype=dtype).triu_(known - new + 1).repeat(heads, 1)
