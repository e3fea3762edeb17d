"""The rejected tasks that were asked again, and which of them the person has looked at.

Invariant: a retried task stays announced until it was looked at.
"""

from __future__ import annotations

from dataclasses import dataclass

from continual_code.events import Learned, Retried
from continual_code.ui.narrate import retried_words


@dataclass(frozen=True, slots=True)
class Look:
    """A retried task, and the step behind it where this session saw it."""

    retried: Retried
    learned: Learned | None


class Retries:
    """Newest last."""

    def __init__(self) -> None:
        self._learned: dict[str, Learned] = {}
        self._unseen: list[Retried] = []
        self._last: Retried | None = None

    def note(self, learned: Learned) -> None:
        """Keep the figures of a step for the retry that follows it."""
        self._learned[learned.lesson.id] = learned

    def add(self, retried: Retried) -> None:
        self._unseen.append(retried)

    def look(self) -> Look | None:
        """The newest retry that was not looked at, else the last one again; None when there was none."""
        self._last = self._unseen.pop() if self._unseen else self._last
        return self._last and Look(self._last, self._learned.get(self._last.lesson_id))

    @property
    def unseen_proposals(self) -> set[str]:
        """The ids of the proposals that the unseen retries brought."""
        return {one.after.id for one in self._unseen if one.after}

    def notice(self) -> str:
        """One line about the newest unseen retry; empty when there is none."""
        return retried_words(self._unseen[-1]) if self._unseen else ""
