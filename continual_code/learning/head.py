"""The revision that serves: read for the learner, handed to the serving side, gone back from.

Invariant: only the process that holds the lock moves the head; one that does not serves what that one published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from continual_code.errors import StateError
from continual_code.events import Lesson, Undone
from continual_code.learning.lessons import Reasked
from continual_code.learning.lineage import Lineage


@dataclass(frozen=True)
class Published:
    """A new head for the serving view. `lesson` is None when no lesson of this process made it."""

    revision: int
    tensors: Mapping[str, Tensor]
    lesson: Lesson | None = None
    reasked: Reasked | None = None


class Head:
    """Used on the learning thread.

    Args:
        initial: the tensors of revision 0.
        publish: hands a new head to the serving side.
        warn: tells the person what had to be given up.
    """

    def __init__(
        self, lineage: Lineage, initial: Mapping[str, Tensor], publish: Callable[[Published], None],
        warn: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._lineage, self._initial, self._publish, self._warn = lineage, initial, publish, warn
        self._served = lineage.head

    def adapter(self) -> Mapping[str, Tensor]:
        """Its tensors. Where they cannot be read any more, the newest revision that can takes its place.

        Raises:
            StateError: they cannot, and another process learns.
        """
        try:
            return self._lineage.load_head() or self._initial
        except StateError:
            if not (self._lineage.lock.held and (trouble := self._lineage.recover())):
                raise
            self._warn(trouble)
            self.serve()
            return self._lineage.load_head() or self._initial

    def hand_over(self, published: Published) -> None:
        """Serve what was just published."""
        self._served = published.revision
        self._publish(published)

    def serve(self) -> None:
        """Serve it, whatever served before."""
        self.hand_over(Published(self._lineage.head, self.adapter()))

    def follow(self) -> None:
        """Serve what another process has published since."""
        if self._lineage.head != self._served:
            self.serve()

    def undo(self, lesson_id: str) -> Undone:
        """Take a lesson back.

        Raises:
            StateError: another process learns, or the revision to go back to cannot be read; nothing was changed.
        """
        self._require_lock()
        plan = self._lineage.undo(lesson_id)
        self.serve()
        again = f"; learning again: {', '.join(plan.requeue)}" if plan.requeue else ""
        return Undone(lesson_id, f"Lesson {lesson_id} is undone, revision {plan.to} serves{again}.")

    def rollback(self, revision: int) -> Undone:
        """Serve an earlier revision and forget what was learned after it; raises as `undo` does."""
        self._require_lock()
        plan = self._lineage.rollback(revision)
        self.serve()
        forgotten = ", ".join(plan.rolled_back)
        return Undone(forgotten, f"Revision {plan.to} serves; what was learned after it is forgotten.")

    def _require_lock(self) -> None:
        if not self._lineage.lock.held:
            raise StateError(
                f"Process {self._lineage.lock.holder()} is learning, and only that one can take something back.",
                kept="Nothing was changed.",
                do="Do it there, or close that one.",
            )
