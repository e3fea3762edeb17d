"""Keys and values of a prompt, kept so that no token is processed twice by the same weights.

Invariant: a stored prefix belongs to exactly one set of weights (its `owner`), and its
tensors are never written to: whoever continues from it gets a cache that grows apart.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers import DynamicCache

Layers = tuple[tuple[Tensor, Tensor], ...]


@dataclass(frozen=True, eq=False)
class Prefix:
    """Tokens and their keys and values, each [1, heads, len(ids), head size], layer by layer."""

    ids: tuple[int, ...]
    layers: Layers

    def cache(self, length: int | None = None) -> DynamicCache:
        """A fresh cache that starts with the first `length` tokens of this prefix; with all, if that is None."""
        cache = DynamicCache()
        for index, (keys, values) in enumerate(self.layers):
            cache.update(keys[..., :length, :], values[..., :length, :], index)
        return cache

    @classmethod
    def of(cls, ids: Sequence[int], cache: DynamicCache) -> Prefix:
        """What `cache` holds for `ids`; later growth of the cache does not reach it."""
        length = len(ids)
        layers: list[tuple[Any, Any]] = [(layer.keys, layer.values) for layer in cache.layers]  # type: ignore[union-attr]
        cut = tuple((keys[..., :length, :], values[..., :length, :]) for keys, values in layers)
        return cls(tuple(ids), cut)


class PrefixStore:
    """The most recently used prefixes. Thread-safe.

    An owner is a hashable name for a set of weights: a revision number, or "base".
    """

    def __init__(self, capacity: int = 4) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._entries: list[tuple[object, Prefix]] = []

    def put(self, owner: object, prefix: Prefix) -> None:
        """Keep a prefix; the least recently used one goes when there is no room."""
        with self._lock:
            kept = [(name, old) for name, old in self._entries if not (name == owner and covers(prefix.ids, old.ids))]
            self._entries = [(owner, prefix), *kept][: self._capacity]

    def longest(self, owner: object, ids: Sequence[int]) -> tuple[DynamicCache, int]:
        """A cache with as many leading tokens of `ids` as are known, and their number.

        At most len(ids) - 1 are returned, so that at least one token is left to compute.
        """
        with self._lock:
            candidates = [prefix for name, prefix in self._entries if name == owner]
        best = max(candidates, key=lambda prefix: common(prefix.ids, ids), default=None)
        length = min(common(best.ids, ids), len(ids) - 1) if best else 0
        return (best.cache(length), length) if best and length > 0 else (DynamicCache(), 0)

    def clear(self) -> None:
        """Forget everything (memory is needed, or the weights behind an owner changed)."""
        with self._lock:
            self._entries = []


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many leading tokens two sequences share."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))


def covers(longer: Sequence[int], shorter: Sequence[int]) -> bool:
    """Whether `longer` starts with `shorter`."""
    return common(longer, shorter) == len(shorter)
