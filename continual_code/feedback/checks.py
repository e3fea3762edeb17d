"""Whether lessons that are in the weights still hold: what each look at one found, the newest and all before.

Invariant: one row of `checks` a lesson; a lesson that stops counting, or that another takes the place of, has none.
The history in `looks` only grows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from continual_code.errors import StateError
from continual_code.events import StepReport
from continual_code.feedback import ledger, rows
from continual_code.feedback.database import Database
from continual_code.feedback.ledger import MATERIAL, RevisionRow
from continual_code.feedback.rows import PendingLesson, number_of


class Checks:
    """The journal's table of checks; `stamp` gives the time as the journal writes it."""

    def __init__(self, database: Database, stamp: Callable[[], str]) -> None:
        self._database, self._stamp = database, stamp

    def add(self, lesson_id: str, revision: int, objection_left: float) -> bool:
        """What was found about a lesson under a revision (see `Lesson.objection_left`).

        Returns:
            False when the lesson is not learned any more, and nothing was recorded.
        """
        with self._database.transaction() as connection:
            if ledger.lesson_row(connection, lesson_id)["status"] != "learned":
                return False
            ledger.record_check(connection, lesson_id, revision, objection_left, self._stamp())
        return True

    def retried(self, lesson_id: str, revision: int, held: bool) -> None:
        """The rejected task was asked again after the lesson, and the answer, of that revision, followed it or not."""
        with self._database.transaction() as connection:
            ledger.insert_look(connection, lesson_id, revision, "retry", held, self._stamp())

    def material(self, lesson_id: str) -> PendingLesson:
        """What the lesson was learned from, to be studied again."""
        found = self._database.rows(f"{MATERIAL} WHERE lessons.number = ?", number_of(lesson_id, "l"))
        return rows.read_pending(ledger.only(found, f"lesson {lesson_id}"))

    def study_again(self, model: str, revision: RevisionRow, lesson_id: str, report: StepReport) -> None:
        """A learned lesson was taught again: the revision becomes the head; what it left counts from now on.

        The lesson keeps its own revision, so undoing it takes back this one as well.

        Raises:
            StateError: the lesson is not learned any more, or the head is not the revision's parent.
        """
        with self._database.transaction() as connection:
            row = ledger.lesson_row(connection, lesson_id)
            first = rows.read_report(row["report"])
            if row["status"] != "learned" or first is None:
                raise StateError(f"Lesson {lesson_id} is {row['status']}, not learned.", kept="Nothing was changed.")
            stamp = self._stamp()
            ledger.insert_revision(connection, model, revision, stamp)
            ledger.move_head(connection, model, revision)
            kept = replace(first, corrected_ids=report.corrected_ids, deciding=report.deciding)
            update = "UPDATE lessons SET report = ? WHERE number = ?"
            connection.execute(update, (rows.write_report(kept), number_of(lesson_id, "l")))
            ledger.record_check(connection, lesson_id, revision.number, 0.0, stamp)
