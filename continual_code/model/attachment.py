"""An answer that another one should stay close to while it is written: a bonus on the token that comes next in it.

A small model that rewrites something leaves out what nobody asked it to leave out, or says it in other words. With the
bonus it departs only where it has a reason to, and comes back as soon as both say the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

REJOINS = 3  # tokens in a row that both answers have: from there on they are together again


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the new answer stands in the old one: `at` is None while they are apart, and never behind `past`."""

    at: int | None = 0
    past: int = 0
    recent: tuple[int, ...] = ()


class Attachment:
    """Follows one answer while another is written.

    Args:
        token_ids: the answer to stay close to.
        nats: how much likelier its next token becomes, before renormalisation.
    """

    def __init__(self, token_ids: Sequence[int], nats: float) -> None:
        self._ids, self._nats, self._place = tuple(token_ids), nats, _Place()

    def process(self, logits_T_V: Tensor, draft: Sequence[int]) -> Tensor:
        """See `LogitsProcessor`."""
        favoured, place = logits_T_V.clone(), self._place
        for row in range(len(draft) + 1):
            if place.at is not None and place.at < len(self._ids):
                favoured[row, self._ids[place.at]] += self._nats
            if row < len(draft):
                place = self._after(place, draft[row])
        return favoured

    def extend(self, tokens: Sequence[int]) -> None:
        """See `LogitsProcessor`."""
        for token in tokens:
            self._place = self._after(self._place, token)

    def _after(self, place: _Place, token: int) -> _Place:
        recent = (*place.recent, token)[-REJOINS:]
        if place.at is not None and self._ids[place.at : place.at + 1] == (token,):
            return _Place(place.at + 1, place.at + 1, recent)
        for start in range(place.past, len(self._ids) - REJOINS + 1):
            if self._ids[start : start + REJOINS] == recent:
                return _Place(start + REJOINS, start + REJOINS, recent)
        return _Place(None, place.past, recent)
