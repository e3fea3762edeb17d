"""The durable record of proposals, verdicts, lessons and revisions.

Invariant: a lesson is pending or learned, never both and never lost, and it counts as
learned exactly when its revision is the head or an ancestor of the head. Each public
method is one transaction.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from continual_code.errors import StateError, UsageError
from continual_code.events import Lesson, Proposal, Reminder, Revision, Rollout, StepReport, Task, Verdict
from continual_code.feedback import ledger, rows
from continual_code.feedback.checks import Checks
from continual_code.feedback.comments import clean_comment, clean_reason
from continual_code.feedback.commits import Commits
from continual_code.feedback.database import Database
from continual_code.feedback.ledger import LESSONS, PENDING, RevisionRow
from continual_code.feedback.rows import EditIntent, EditStatus, PendingLesson, RecordedEdit, number_of
from continual_code.feedback.sessions import Sessions

# A step that ended the process this often (out of memory, a crash in native code) would do so for ever.
MAX_ATTEMPTS = 3


def _now() -> datetime:
    return datetime.now(UTC)


class Journal:
    """See the module. `model` keys one base model; heads and revision numbers are per model.

    May be called from any thread. Every method raises StateError when the file cannot be
    read or written, and UsageError for an unknown id.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = _now) -> None:
        self._database = Database(path)
        self._clock = clock
        self.sessions = Sessions(self._database, self._stamp)
        self.commits = Commits(self._database, self._stamp)
        self.checks = Checks(self._database, self._stamp)

    def close(self) -> None:
        self._database.close()

    # --- Proposals and verdicts ---

    def add_proposal(
        self, *, model: str, root: str, task: Task, path: str, before: str | None, after: str, rollout: Rollout,
        seconds: float, left_out: tuple[str, ...] = (), retry_of: str | None = None, asked: str | None = None,
    ) -> Proposal:  # fmt: skip
        """Store what the model offers, with the tokens behind it, and give it an id; `asked` is its task's id."""
        content = rows.pack_proposal(
            task=task, before=before, after=after, rollout=rollout, seconds=seconds, left_out=left_out,
            retry_of=retry_of,
        )  # fmt: skip
        values = {"model": model, "root": os.fsencode(root), "path": os.fsencode(path), "content": content}
        with self._database.transaction() as connection:
            number = ledger.insert_proposal(connection, values | {"created": self._stamp()}, asked, retry_of)
        return Proposal(f"p{number}", task, path, before, after, rollout.revision, seconds, left_out, retry_of)

    def proposal(self, id: str) -> Proposal:
        return self._proposal(id)[0]

    def waiting_root(self, proposal_id: str) -> str:
        """The directory of a proposal that waits for its verdict; UsageError when it was judged."""
        with self._database.transaction() as connection:
            return os.fsdecode(ledger.require_unjudged(connection, number_of(proposal_id, "p"))["root"])

    def rollout(self, proposal_id: str) -> Rollout:
        return self._proposal(proposal_id)[1]

    def record_verdict(self, verdict: Verdict, edit: EditIntent | None = None) -> Lesson | None:
        """Store a verdict, the lesson that it creates, and the intent to write the file.

        The person's own edit creates a lesson, and so does a comment on a rejection or on an acceptance that
        leaves hunks out; any other verdict creates none. Comments are cleaned and redacted.

        Raises:
            UsageError: the proposal is unknown or already judged, the comment is too long,
                or an "edit" comes without text. Nothing was changed.
        """
        number = number_of(verdict.proposal_id, "p")
        verdict = replace(verdict, comment=clean_comment(verdict.comment))
        if verdict.kind == "edit" and verdict.edited is None:
            raise UsageError("An edit needs the edited text.", kept="Nothing was recorded.")
        with self._database.transaction() as connection:
            model = ledger.require_unjudged(connection, number)["model"]
            ledger.insert_verdict(connection, verdict, self._stamp())
            if edit is not None:
                insert = "INSERT INTO edits (proposal, record, status) VALUES (?, ?, 'intended')"
                connection.execute(insert, (number, json.dumps(dict(edit))))
            if not ledger.is_lesson(verdict):
                return None
            insert = "INSERT INTO lessons (proposal, model, status, created) VALUES (?, ?, 'pending', ?)"
            lesson = connection.execute(insert, (number, model, self._stamp())).lastrowid
            return rows.read_lesson(ledger.lesson_row(connection, f"l{lesson}"))

    # --- Writes to the person's files ---

    def edit_done(self, proposal_id: str) -> None:
        """The intended write is on disk."""
        self._move_edit(proposal_id, "intended", "applied")

    def edit_failed(self, proposal_id: str, why: str) -> None:
        """The intended write did not happen."""
        self._move_edit(proposal_id, "intended", "failed", clean_reason(why))

    def edit_undone(self, proposal_id: str) -> None:
        """The file is back to what it was before the write."""
        self._move_edit(proposal_id, "applied", "undone")

    def edits(self, root: str, *status: EditStatus) -> list[RecordedEdit]:
        """The writes beneath `root` in one of these states (any, if none is named), oldest first."""
        found = self._database.rows(
            """SELECT edits.* FROM edits JOIN proposals ON proposals.number = edits.proposal
               WHERE root = ? ORDER BY edits.number""",
            os.fsencode(root),
        )
        asked = [row for row in found if not status or row["status"] in status]
        return [RecordedEdit(f"p{row['proposal']}", json.loads(row["record"]), row["status"]) for row in asked]

    # --- Lessons ---

    def lessons(self, model: str) -> list[Lesson]:
        """All lessons of the model, oldest first."""
        found = self._database.rows(f"{LESSONS} WHERE lessons.model = ? ORDER BY lessons.number", model)
        return [lesson for lesson, _ in rows.read_lessons(found)]

    def lesson(self, id: str) -> Lesson:
        return rows.read_lesson(self._lesson(id))

    def report(self, lesson_id: str) -> StepReport | None:
        """What the last finished step said about the lesson, if one finished."""
        return rows.read_report(self._lesson(lesson_id)["report"])

    def model_of(self, lesson_id: str) -> str:
        """The model that a lesson is for, as `journal_key` names it."""
        return self._lesson(lesson_id)["model"]

    def pin(self, lesson_id: str, pinned: bool) -> None:
        """A pinned lesson is held however many come after it, and none of them takes its place."""
        with self._database.transaction() as connection:
            row = ledger.lesson_row(connection, lesson_id)
            connection.execute("UPDATE lessons SET pinned = ? WHERE number = ?", (pinned, row["number"]))

    def memory(self, model: str) -> tuple[Reminder, ...]:
        """What the prompt repeats because the weights do not hold it, oldest first, each once."""
        found = [each for each in self.lessons(model) if each.comment and not each.superseded_by]
        kept = [each for each in found if each.status == "memory" or each.faded]
        return tuple(dict.fromkeys(Reminder(each.comment, each.path) for each in kept))

    def queued(self, model: str) -> int:
        """How many lessons wait."""
        query = "SELECT count(*) AS waiting FROM lessons WHERE model = ? AND status = 'pending'"
        return self._database.rows(query, model)[0]["waiting"]

    def pending(self, model: str, limit: int = -1) -> list[PendingLesson]:
        """The lessons that wait, oldest first whatever happened in between; at most `limit` unless negative."""
        return [rows.read_pending(row) for row in self._database.rows(PENDING, model, limit)]

    def begin_attempt(self, lesson_id: str) -> int:
        """Count a step before it starts, so that one which kills the process is not tried for ever.

        Returns:
            The number of this attempt, from 1.

        Raises:
            StateError: three attempts never ended; the lesson is now parked as "failed". Or it is not pending.
        """
        with self._database.transaction() as connection:
            attempt = ledger.require_pending(connection, lesson_id)["attempts"] + 1
            if attempt <= MAX_ATTEMPTS:
                update = "UPDATE lessons SET attempts = ? WHERE number = ?"
                connection.execute(update, (attempt, number_of(lesson_id, "l")))
                return attempt
            reason = f"the program ended {MAX_ATTEMPTS} times while learning it"
            ledger.end_lesson(connection, lesson_id, "failed", reason)
        raise StateError(
            f"Lesson {lesson_id} was set aside: {reason}.",
            kept="Its comment is in the journal and the adapter is as it was.",
            do="Give the comment again on another proposal, perhaps on a shorter file.",
        )

    def release(self, lesson_id: str) -> None:
        """The step was stopped in good order and the lesson stays pending: the attempt does not count."""
        with self._database.transaction() as connection:
            ledger.require_pending(connection, lesson_id)
            update = "UPDATE lessons SET attempts = max(attempts - 1, 0) WHERE number = ?"
            connection.execute(update, (number_of(lesson_id, "l"),))

    def finish(self, lesson_id: str, report: StepReport) -> None:
        """The step ended without a revision: "memory", "no_signal", "refused" or "failed".

        Raises:
            StateError: the lesson is not pending (any more).
        """
        with self._database.transaction() as connection:
            ledger.require_pending(connection, lesson_id)
            ledger.end_lesson(connection, lesson_id, report.status, report.reason, report)

    # --- Revisions ---

    def known_key(self, key: str) -> str:
        """See `ledger.known_key`."""
        with self._database.transaction() as connection:
            return ledger.known_key(connection, key)

    def head(self, model: str) -> int:
        """The revision that serves; 0 is the base."""
        found = self._database.rows("SELECT head FROM models WHERE model = ?", model)
        return found[0]["head"] if found else 0

    def revisions(self, model: str) -> list[Revision]:
        """All that were ever published, oldest first; the base is not among them."""
        found = self._database.rows("SELECT * FROM revisions WHERE model = ? ORDER BY number", model)
        return [rows.read_revision(row) for row in found]

    def next_revision_number(self, model: str) -> int:
        """Issue a number that no revision of this model has had or will have, published or not."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO models (model) VALUES (?)", (model,))
            update = "UPDATE models SET issued = issued + 1 WHERE model = ? RETURNING issued"
            return connection.execute(update, (model,)).fetchall()[0]["issued"]

    def publish(self, *, model: str, revision: RevisionRow, lesson_id: str, report: StepReport) -> None:
        """Insert the revision, mark its lesson learned and move the head, together.

        Raises:
            StateError: the lesson is not pending or the head is not the revision's parent. Nothing was changed.
        """
        with self._database.transaction() as connection:
            ledger.require_pending(connection, lesson_id, model)
            ledger.insert_revision(connection, model, revision, self._stamp())
            ledger.move_head(connection, model, revision)
            ledger.end_lesson(connection, lesson_id, "learned", report.reason, report, revision.number)
            ledger.forget_checks(connection, report.supersedes)

    def adopt(self, model: str, found: Sequence[RevisionRow], head: int) -> None:
        """Take over stored revisions that this journal has never heard of, because its predecessor was lost.

        Raises:
            StateError: the model has a history here already. Nothing was changed.
        """
        with self._database.transaction() as connection:
            if connection.execute("SELECT 1 FROM models WHERE model = ?", (model,)).fetchone():
                raise StateError("The journal already has a history of this model.", kept="Nothing was changed.")
            for revision in sorted(found, key=lambda revision: revision.number):
                # The lost journal's lesson ids mean other lessons here.
                ledger.insert_revision(connection, model, replace(revision, lesson_ids=()), self._stamp())
            connection.execute("UPDATE models SET head = ? WHERE model = ?", (head, model))

    def rewind(
        self, model: str, *, to: int, undone: tuple[str, ...] = (), requeue: tuple[str, ...] = (),
        rolled_back: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Move the head and the lessons that go with it (see `planning`), together.

        Raises:
            StateError: the plan no longer fits, for instance because a lesson was published meanwhile.
                Nothing was changed.
        """
        with self._database.transaction() as connection:
            connection.execute("UPDATE models SET head = ? WHERE model = ?", (to, model))
            ledger.take_back(connection, model, undone, "undone")
            ledger.take_back(connection, model, rolled_back, "rolled_back")
            ledger.take_back(connection, model, requeue, "pending")
            ledger.check_history(connection, model, to)

    # --- Inside ---

    def _stamp(self) -> str:
        return self._clock().isoformat(timespec="seconds")

    def _proposal(self, id: str) -> tuple[Proposal, Rollout]:
        query = "SELECT number AS proposal, path, content FROM proposals WHERE number = ?"
        found = self._database.rows(query, number_of(id, "p"))
        return rows.read_proposal(ledger.only(found, f"proposal {id}"))

    def _lesson(self, id: str) -> sqlite3.Row:
        found = self._database.rows(f"{LESSONS} WHERE lessons.number = ?", number_of(id, "l"))
        return ledger.only(found, f"lesson {id}")

    def _move_edit(self, proposal_id: str, old: EditStatus, new: EditStatus, reason: str = "") -> None:
        with self._database.transaction() as connection:
            moved = connection.execute(
                "UPDATE edits SET status = ?, reason = ? WHERE proposal = ? AND status = ?",
                (new, reason, number_of(proposal_id, "p"), old),
            )
            if moved.rowcount != 1:
                raise StateError(f"{proposal_id} has no {old} edit.", kept="The journal was not changed.")
