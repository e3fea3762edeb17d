"""What the base thinks of an answer, by itself and shown the comment, and what of it is therefore a lesson."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from continual_code.events import Rollout
from continual_code.learning.alignment import changed, departures, ways_back
from continual_code.learning.scoring import Reading, objection

CAME_UP = 0.5  # of what a correction teaches, to be found in the answer that is asked for after the step
BARELY = 0.25  # less than this of it, and the answer does not show that it was taught
MEANT = 1.0  # nats: a comment accounts for a token that it makes e times as likely
PRICE = 0.2  # nats


@dataclass(frozen=True)
class Untold:
    """What the base thinks of an answer by itself; scored once, because signal and target need it."""

    token_ids: Sequence[int]
    reading: Reading

    def deciding(self, departs: Sequence[int]) -> tuple[int, ...]:
        """Those of the positions where the base would have written another token."""
        unlike_T = self.reading.likeliest.cpu() != torch.tensor(self.token_ids)
        return tuple(position for position in departs if unlike_T[position])


@dataclass(frozen=True)
class Correction(Untold):
    """An answer that should have been.

    `told` is what the base, shown the comment, thinks of its tokens, [T]; where a rule in the prompt does not show what
    the comment does, the same as if it did what it does in `Hindsight.accounted`.
    """

    example: str
    told: Tensor | None  # None: the person wrote it, and the comment need not account for it
    edits: bool = True  # it was made from the rejected answer, not anew

    def departures(
        self, rejected: Sequence[int], about: Container[int] | None, unwanted: Container[int] = ()
    ) -> tuple[list[int], list[int]]:
        """Where the rejected answer and this one depart from each other, as far as the comment accounts for it.

        Args:
            about, unwanted: see `alignment.departures`.
        """
        if self.told is None:
            return departures(rejected, self.token_ids, about)
        meant = (self.told - self.reading.own >= MEANT).nonzero().flatten().tolist()
        return departures(rejected, self.token_ids, about, set(meant), unwanted)

    def share_in(self, answer: Sequence[int], rejected: Sequence[int], deciding: Sequence[int]) -> float:
        """How much of what it teaches comes up in an answer, and not as often in the rejected one, by effect; 0..1."""
        effect_T = torch.ones(len(self.token_ids)) if self.told is None else self.told - self.reading.own
        return came_up(self.token_ids, deciding, effect_T, answer, rejected)

    def merit(self, rejected: Sequence[int]) -> float:
        """How much likelier the comment makes what it changes, nats in all, less a price for every token changed.

        Without the price an answer that changes more, nearly all of which the comment does not account for, would win.
        """
        if self.told is None:
            return 0.0
        likelier = (self.told - self.reading.own)[departures(rejected, self.token_ids)[1]].sum().item()
        return likelier - PRICE * changed(rejected, self.token_ids)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Tokens of a rejected answer (all are in `shown`), by what becomes of them.

    `blamed`: the lesson leaves them, and the teacher argues against them; `lacking`: the correction has them nowhere,
    whether the lesson has to teach that or not; `rarer`: the correction has them less often, and, if it was given anew,
    the lesson leaves them (what such an answer lacks the base may never have thought of).
    """

    shown: frozenset[int]
    blamed: frozenset[int] = frozenset()
    lacking: frozenset[int] = frozenset()
    rarer: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Weighed:
    """A rejected answer beside its correction, if there is one.

    `told` is what the base, shown the comment and the correction, thinks of the rejected answer, `by_comment` what it
    does without the correction, if the comment has to account for that; `departs` are the positions in each of the two
    at which the student should go another way.
    """

    rollout: Rollout
    comment: str
    rejected: Untold
    told: Reading
    corrected: Correction | None
    departs: tuple[list[int], list[int]]
    by_comment: Reading | None = None

    @property
    def example(self) -> str | None:
        """The correction as text."""
        return self.corrected.example if self.corrected else None

    @property
    def gaps(self) -> Tensor:
        """How much likelier the teacher finds each rejected token than the base by itself, nats, [T]."""
        return self.told.own - self.rejected.reading.own

    @property
    def gap(self) -> float:
        """See `objection`."""
        return objection(self.told.own, self.rejected.reading.own)

    @cached_property
    def deciding(self) -> tuple[int, ...]:
        """The positions in the correction by which a lesson decides; see `Aim`."""
        return self.corrected.deciding(self.departs[1]) if self.corrected else ()

    @property
    def back(self) -> list[int]:
        """Where the correction comes back from what is taught; see `ways_back`."""
        taught = set(self.departs[1])
        return ways_back(self.rollout.token_ids, self.corrected.token_ids, taught) if self.corrected else []

    @property
    def left(self) -> frozenset[int]:
        """The rejected tokens that the lesson leaves."""
        return frozenset(self.rollout.token_ids[place] for place in self.departs[0])

    @property
    def dropped(self) -> Dropped:
        """What becomes of the tokens of the rejected answer."""
        rejected, against_T = self.rollout.token_ids, argued_against(self.told.own, self.rejected.reading.own)
        blamed = frozenset(rejected[place] for place in self.departs[0] if against_T[place])
        if self.corrected is None:
            return Dropped(frozenset(rejected), blamed)
        fewer = frozenset(Counter(rejected) - Counter(self.corrected.token_ids))
        lacking = frozenset(rejected).difference(self.corrected.token_ids)
        return Dropped(frozenset(rejected), blamed, lacking, fewer if self.corrected.edits else fewer & self.left)

    @property
    def taught(self) -> frozenset[int]:
        """The tokens by which it decides."""
        return frozenset(self.corrected.token_ids[place] for place in self.deciding) if self.corrected else frozenset()

    @property
    def adds(self) -> bool:
        """Whether the correction writes most of what it teaches more often than the rejected answer does."""
        return self.corrected is not None and self.share_in(self.corrected.token_ids) >= CAME_UP

    def share_in(self, answer: Sequence[int]) -> float:
        """How much of what is taught comes up in an answer, and not as often in the rejected one, by effect; 0..1."""
        return self.corrected.share_in(answer, self.rollout.token_ids, self.deciding) if self.corrected else 0.0

    def resembles(self, answer: Sequence[int]) -> bool:
        """Whether most of what the correction changes, taught or not, comes up in an answer.

        What decides may be an import that the model then does without: it has learned what follows from it.
        """
        if self.corrected is None:
            return False
        rejected, corrected = self.rollout.token_ids, self.corrected.token_ids
        changed = departures(rejected, corrected)[1]
        return came_up(corrected, changed, torch.ones(len(corrected)), answer, rejected) >= CAME_UP


def argued_against(told_T: Tensor, untold_T: Tensor) -> Tensor:
    """Of each token whether the comment makes it e times less likely, or more, [T]."""
    return untold_T - told_T >= MEANT


def came_up(
    taught: Sequence[int], deciding: Sequence[int], effect_T: Tensor, answer: Sequence[int], rejected: Sequence[int]
) -> float:
    """The share, by effect, of the deciding tokens that are in an answer, less often in the rejected one; 0..1."""
    new = Counter(answer) - Counter(rejected)
    found = [position for position in deciding if taught[position] in new]
    return (effect_T[found].sum() / effect_T[list(deciding)].sum()).item() if deciding else 0.0
