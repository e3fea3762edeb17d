"""What a session was: the words in which the journal tells it and the screen shows it.

Invariant: plain and immutable like `events`, and as untrusted. Ids are "s" and a number for a session, "t" and a
number for a task, "p" and a number for a proposal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from continual_code.events import Proposal, Task, Verdict

Writing = Literal["intended", "applied", "failed", "undone"]


@dataclass(frozen=True, slots=True)
class SessionNote:
    """One row of a list. `first` is the text of its first task, `begun` an ISO time, `waiting` counts proposals."""

    id: str
    first: str
    begun: str
    tasks: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposal and what was decided; `writing` is how far its write to the person's file got, if there was one."""

    proposal: Proposal
    verdict: Verdict | None = None
    writing: Writing | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A task and what came of it, retries included. `reason` says why it ended without a proposal, where it did."""

    id: str
    task: Task
    reason: str = ""
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """A session that is continued, oldest task first."""

    id: str
    turns: tuple[Turn, ...] = ()

    @property
    def waiting(self) -> tuple[Proposal, ...]:
        """The proposals that never got a verdict."""
        return tuple(offer.proposal for turn in self.turns for offer in turn.offers if offer.verdict is None)


@dataclass(frozen=True, slots=True)
class Point:
    """A moment to go back to: just before a task was asked ("t4"), or before an edit of `path` was written ("p7")."""

    id: str
    task: Task
    path: str = ""


def edits_from(points: Sequence[Point], id: str) -> list[Point]:
    """The edits that going back to `id` takes back, newest first; `points` are in the order in which they happened."""
    ids = [point.id for point in points]
    return [point for point in reversed(points[ids.index(id) :]) if point.path]
