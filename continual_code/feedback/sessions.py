"""The sessions in the journal: which task was asked in which, and what came of it.

Invariant: a task is on disk before work on it begins, and a session exists exactly when a task was asked in it.
What was asked before sessions were recorded belongs to none.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import asdict

from continual_code.errors import UsageError
from continual_code.events import Task
from continual_code.feedback import rows
from continual_code.feedback.comments import clean_reason
from continual_code.feedback.database import Database
from continual_code.past import Offer, Past, Point, SessionNote, Turn

_NOTES = """
    SELECT sessions.number, sessions.created, count(tasks.number) AS tasks, min(tasks.number) AS first,
        (SELECT count(*) FROM proposals JOIN tasks AS its ON its.number = proposals.task
         LEFT JOIN verdicts ON verdicts.proposal = proposals.number
         WHERE its.session = sessions.number AND verdicts.kind IS NULL) AS waiting
    FROM sessions JOIN tasks ON tasks.session = sessions.number
    WHERE root = ? GROUP BY sessions.number ORDER BY max(tasks.number) DESC
"""
_OFFERS = """
    SELECT proposals.task, proposals.number AS proposal, proposals.path, proposals.content,
        verdicts.kind, verdicts.comment, verdicts.edited, verdicts.unwanted, edits.status
    FROM proposals JOIN tasks ON tasks.number = proposals.task
    LEFT JOIN verdicts ON verdicts.proposal = proposals.number
    LEFT JOIN edits ON edits.proposal = proposals.number
    WHERE tasks.session = ? ORDER BY proposals.number
"""


_APPLIED = """
    SELECT edits.number, proposals.number AS proposal, proposals.path, proposals.task
    FROM edits JOIN proposals ON proposals.number = edits.proposal JOIN tasks ON tasks.number = proposals.task
    WHERE tasks.session = ? AND edits.status = 'applied'
"""


class Sessions:
    """Reads and writes through the journal's own `database`; errors are the journal's."""

    def __init__(self, database: Database, stamp: Callable[[], str]) -> None:
        self._database, self._stamp = database, stamp

    def add_task(self, session: str | None, root: str, task: Task) -> tuple[str, str]:
        """Record a task, in a new session if none is given; returns the ids of both."""
        with self._database.transaction() as connection:
            number = rows.number_of(session, "s") if session else self._begin(connection, root)
            asked = connection.execute(
                """INSERT INTO tasks (session, content, created, edits_before)
                   VALUES (?, ?, ?, (SELECT coalesce(max(number), 0) FROM edits))""",
                (number, rows.pack(asdict(task)), self._stamp()),
            ).lastrowid
        return f"s{number}", f"t{asked}"

    def end_task(self, id: str, reason: str) -> None:
        """The task ended without a proposal."""
        with self._database.transaction() as connection:
            values = (clean_reason(reason), rows.number_of(id, "t"))
            connection.execute("UPDATE tasks SET reason = ? WHERE number = ?", values)

    def of(self, root: str) -> list[SessionNote]:
        """The sessions of one directory, the one that was last worked in first."""
        return [self._note(row) for row in self._database.rows(_NOTES, os.fsencode(root))]

    def require(self, id: str, root: str) -> str:
        """The id itself; UsageError when there is no such session, or it is another directory's."""
        found = self._database.rows("SELECT root FROM sessions WHERE number = ?", rows.number_of(id, "s"))
        where = os.fsdecode(found[0]["root"]) if found else root
        if not found or where != root:
            elsewhere = f"; it is one of {where}" if found else ""
            raise UsageError(f"There is no session {id} of {root}{elsewhere}.", do="See `continual-code sessions`.")
        return id

    def past(self, id: str) -> Past:
        """Everything about a session; nothing for one that does not exist."""
        number = rows.number_of(id, "s")
        offers: dict[int, list[Offer]] = {}
        for row in self._database.rows(_OFFERS, number):
            offers.setdefault(row["task"], []).append(_offer(row))
        asked = self._database.rows("SELECT * FROM tasks WHERE session = ? ORDER BY number", number)
        turns = (
            Turn(f"t{row['number']}", _task(row), row["reason"], tuple(offers.get(row["number"], ()))) for row in asked
        )
        return Past(id, tuple(turns))

    def points(self, id: str) -> list[Point]:
        """The tasks of a session and its edits that are applied, in the order in which they happened."""
        number = rows.number_of(id, "s")
        asked = self._database.rows("SELECT * FROM tasks WHERE session = ?", number)
        tasks = {row["number"]: _task(row) for row in asked}
        found = [((row["edits_before"], row["number"]), Point(f"t{row['number']}", _task(row))) for row in asked]
        for row in self._database.rows(_APPLIED, number):
            edit = Point(f"p{row['proposal']}", tasks[row["task"]], os.fsdecode(row["path"]))
            found.append(((row["number"], 0), edit))  # an edit comes before the tasks that were asked after it
        return [point for _, point in sorted(found, key=lambda one: one[0])]

    def _begin(self, connection: sqlite3.Connection, root: str) -> int:
        insert = "INSERT INTO sessions (root, created) VALUES (?, ?) RETURNING number"
        return connection.execute(insert, (os.fsencode(root), self._stamp())).fetchall()[0]["number"]

    def _note(self, row: sqlite3.Row) -> SessionNote:
        (first,) = self._database.rows("SELECT * FROM tasks WHERE number = ?", row["first"])
        return SessionNote(f"s{row['number']}", _task(first).text, row["created"], row["tasks"], row["waiting"])


def _task(row: sqlite3.Row) -> Task:
    content = rows.unpack(row["content"], f"t{row['number']}")
    return Task(content["text"], tuple(content["files"]))


def _offer(row: sqlite3.Row) -> Offer:
    proposal, _ = rows.read_proposal(row)
    if row["kind"] is None:
        return Offer(proposal)
    return Offer(proposal, rows.read_verdict(row, proposal.id), row["status"])
