"""Answers that must hold whatever is learned, and how likely what decides them still is.

Invariant: nothing here changes an adapter; what prompts begin with alike is read once a look.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache

from continual_code.model.prefix import Prefix, common
from continual_code.model.views import View

ROWS = (
    256  # of several rehearsals in one pass with gradients; what is kept of each row for backward is what costs memory
)
SHARED = 16  # first tokens that prompts must have in common for their beginning to be read once


@dataclass(frozen=True)
class Rehearsal:
    """An answer that must hold, such as an earlier lesson's; at least one deciding token, in order (see `Aim`).

    `instead`: by position, the tokens any of which will do there, the answer's own or not.
    """

    prompt_ids: Sequence[int]
    token_ids: Sequence[int]
    deciding: Sequence[int]
    instead: Mapping[int, Sequence[int]] = field(default_factory=dict)

    def wanted(self, position: int) -> Sequence[int]:
        """The tokens that hold it at a position."""
        return self.instead.get(position) or [self.token_ids[position]]


@dataclass(eq=False)
class Held:
    """What a step must leave: every deciding token stays at least as probable as `floor`.

    `harm` says in plain words what it means when it fades; `seen` is what `look` found last.
    """

    rehearsal: Rehearsal
    floor: float
    harm: str = ""
    seen: float | None = None


def look(view: View, held: Sequence[Held], pause: Callable[[], None]) -> list[tuple[Held, float]]:
    """The least probability of a deciding token of each, under the candidate in the view."""
    seen = list(zip(held, weakest(view, [each.rehearsal for each in held], pause), strict=True))
    for each, least in seen:
        each.seen = least
    return seen


@torch.no_grad()
def weakest(view: View, rehearsals: Sequence[Rehearsal], pause: Callable[[], None]) -> list[float]:
    """The least probability of a deciding token of each."""
    pause()
    return [math.exp(-surprise_K.max().item()) for surprise_K in surprise(view, rehearsals)] if rehearsals else []


def packed(rehearsals: Sequence[Rehearsal]) -> Iterator[Sequence[Rehearsal]]:
    """In order, as many together as may be read with gradients at once; one that is too long stands alone."""
    pack, rows = list[Rehearsal](), 0
    for each in rehearsals:
        length = len(each.prompt_ids) + each.deciding[-1]
        if pack and rows + length > ROWS:
            yield pack
            pack, rows = [], 0
        pack.append(each)
        rows += length
    if pack:
        yield pack


def surprise(view: View, rehearsals: Sequence[Rehearsal]) -> list[Tensor]:
    """Negative log-probability of each deciding token, or of those that will do in its place, nats, [K] for each."""
    needed = [each.token_ids[: each.deciding[-1]] for each in rehearsals]  # what comes later decides nothing
    texts = [[*each.prompt_ids, *answer_ids] for each, answer_ids in zip(rehearsals, needed, strict=True)]
    begun = _beginnings(view, [each.prompt_ids[:-1] for each in rehearsals])  # the prompt's keys fade as well
    rests = [text[read:] for text, (read, _) in zip(texts, begun, strict=True)]
    hidden = view.hidden_of_each(rests, [cache for _, cache in begun])
    return [_unlikely(view, each, rows, read) for each, rows, (read, _) in zip(rehearsals, hidden, begun, strict=True)]


def _beginnings(view: View, prompts: Sequence[Sequence[int]]) -> list[tuple[int, DynamicCache | None]]:
    """Of each prompt how many first tokens it shares with others, and a cache of those, which are read once."""
    found: list[tuple[int, DynamicCache | None]] = [(0, None)] * len(prompts)
    alike = defaultdict[tuple[int, ...], list[int]](list)
    for index, ids in enumerate(prompts):
        alike[tuple(ids[:SHARED])].append(index)
    for first, *others in alike.values():
        length = min((common(prompts[first], prompts[other]) for other in others), default=0)
        if length:
            cache, ids = DynamicCache(), prompts[first][:length]
            view.hidden(torch.tensor(ids), cache)
            prefix = Prefix.of(ids, cache)
            for index in (first, *others):
                found[index] = length, prefix.cache()
    return found


def _unlikely(view: View, rehearsal: Rehearsal, hidden_T_D: Tensor, read: int) -> Tensor:
    """See `surprise`; the hidden states are of what follows the first `read` tokens."""
    places = [len(rehearsal.prompt_ids) - 1 + position - read for position in rehearsal.deciding]
    logprobs_K_V = view.logits(hidden_T_D[places]).log_softmax(dim=-1)
    wanted = [list(rehearsal.wanted(position)) for position in rehearsal.deciding]
    return -torch.stack([row_V[ids].logsumexp(dim=0) for row_V, ids in zip(logprobs_K_V, wanted, strict=True)])
