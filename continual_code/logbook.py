"""Which session the tasks of this process belong to: a new one, or one that is continued.

Invariant: a session begins with its first task, so looking in and leaving again leaves nothing behind.
"""

from __future__ import annotations

from typing import Final

from continual_code.errors import UsageError
from continual_code.events import Task
from continual_code.feedback.sessions import Sessions
from continual_code.past import Past, Point, SessionNote

LATEST: Final = "latest"
CHOOSE: Final = ""


class Logbook:
    """The session being written.

    Args:
        root: the directory that it works in.
        resume: the id of a session, LATEST, CHOOSE for a person to choose one of `choices`, or None for a new one.

    Raises:
        UsageError: there is no such session of this directory.
    """

    def __init__(self, sessions: Sessions, root: str, resume: str | None = None) -> None:
        self._sessions, self._root = sessions, root
        self._id: str | None = None
        found = sessions.of(root) if resume in (LATEST, CHOOSE) else []
        if resume in (LATEST, CHOOSE) and not found:
            raise UsageError(f"There is no session of {root} to continue yet.")
        self.choices: tuple[SessionNote, ...] = tuple(found) if resume == CHOOSE else ()
        if resume:
            self._id = found[0].id if resume == LATEST else sessions.require(resume, root)

    @property
    def id(self) -> str | None:
        """The session's; None before its first task."""
        return self._id

    def resume(self, id: str) -> Past:
        """Write on in session `id`; returns what it was so far.

        Raises:
            UsageError: there is no such session of this directory.
        """
        self._id = self._sessions.require(id, self._root)
        return self._sessions.past(id)

    def past(self) -> Past | None:
        """The session so far; None before its first task."""
        return self._sessions.past(self._id) if self._id else None

    def points(self) -> list[Point]:
        """Where the session can go back to, in the order in which it happened."""
        return self._sessions.points(self._id) if self._id else []

    def begin(self, task: Task) -> str:
        """Record a task before work on it begins; returns its id."""
        self._id, asked = self._sessions.add_task(self._id, self._root, task)
        return asked

    def end(self, asked: str, reason: str) -> None:
        """The task ended without a proposal."""
        self._sessions.end_task(asked, reason)
