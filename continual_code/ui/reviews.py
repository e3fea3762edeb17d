"""The proposals that wait for a verdict, with whatever the person has said about them.

Invariant: a draft lives as long as its proposal waits; closing a card loses no letter.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from continual_code.events import Proposal
from continual_code.ui.clean import clean_line


@dataclass(slots=True)
class Pending:
    """One proposal, the drafts of its comment and of its edited text, and what was said about its hunks.

    `hunks` counts them, 0 until they are known; `hunk` is the one that the person looks at.
    """

    proposal: Proposal
    comment: str = ""
    edited: str | None = None
    seen: bool = False
    hunks: int = 0
    hunk: int = 0
    unwanted: frozenset[int] = frozenset()

    @property
    def wanted(self) -> int:
        """How many hunks are left to accept."""
        return self.hunks - len(self.unwanted)

    @property
    def nothing_left(self) -> bool:
        """Whether no hunk is wanted."""
        return self.hunks > 0 and not self.wanted

    def move(self, by: int) -> None:
        """Look at another hunk; beyond the ends there is none."""
        self.hunk = max(0, min(self.hunks - 1, self.hunk + by))

    def toggle(self) -> None:
        """The current hunk is not wanted, or wanted again."""
        if self.hunks:
            self.unwanted ^= {self.hunk}


class Reviews:
    """The waiting proposals, oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[str, Pending] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, proposal: Proposal) -> Pending:
        return self._waiting.setdefault(proposal.id, Pending(proposal))

    def put_back(self, pending: Pending) -> None:
        """Return a proposal whose verdict could not be recorded to the front, drafts and all."""
        self._waiting = {pending.proposal.id: pending, **self._waiting}

    def remove(self, id: str) -> None:
        self._waiting.pop(id, None)

    def get(self, id: str) -> Pending | None:
        return self._waiting.get(id)

    def first(self) -> Pending | None:
        return next(iter(self._waiting.values()), None)

    def unseen(self) -> Pending | None:
        """The oldest proposal that was never shown; answers to a retried task wait for their own screen."""
        return next((one for one in self._waiting.values() if not one.seen and not one.proposal.retry_of), None)

    def notice(self, besides: Container[str] = ()) -> str:
        """One line about those not in `besides`, for the person who is busy; empty when nothing waits."""
        waiting = [one.proposal for id, one in self._waiting.items() if id not in besides]
        if not waiting:
            return ""
        more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
        return f"{clean_line(waiting[0].id, 12)} {clean_line(waiting[0].path, 30)}{more} for your verdict"
