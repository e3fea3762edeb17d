"""What can be looked at side by side, retried tasks and compared revisions, and what the person has looked at.

Invariant: each stays announced until it was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from continual_code.events import Compared, Learned, Retried
from continual_code.ui.narrate import compared_words, retried_words


@dataclass(frozen=True, slots=True)
class Look:
    """A retried task, and the step behind it where this session saw it."""

    retried: Retried
    learned: Learned | None


class Looks:
    """Newest last."""

    def __init__(self) -> None:
        self._learned: dict[str, Learned] = {}
        self._unseen: list[Retried | Compared] = []
        self._last: Retried | Compared | None = None

    def note(self, learned: Learned) -> None:
        """Keep the figures of a step for the retry that follows it."""
        self._learned[learned.lesson.id] = learned

    def add(self, event: Retried | Compared) -> None:
        self._unseen.append(event)

    def look(self) -> Look | Compared | None:
        """The newest that was not looked at, else the last one again; None when there was none."""
        self._last = self._unseen.pop() if self._unseen else self._last
        if isinstance(self._last, Retried):
            return Look(self._last, self._learned.get(self._last.lesson_id))
        return self._last

    @property
    def unseen_proposals(self) -> set[str]:
        """The ids of the proposals that the unseen retries brought."""
        return {one.after.id for one in self._unseen if isinstance(one, Retried) and one.after}

    def notice(self) -> str:
        """One line about the newest that was not looked at; empty when there is none."""
        if not self._unseen:
            return ""
        newest = self._unseen[-1]
        return retried_words(newest) if isinstance(newest, Retried) else compared_words(newest)
