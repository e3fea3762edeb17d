"""How lessons and revisions change state, as steps inside a transaction that the journal began.

Invariant: every step checks the state that it leaves, and raises before anything
inconsistent can be committed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from continual_code.errors import StateError, UsageError
from continual_code.events import HELD_SHARE, LessonStatus, LookKind, StepReport, Verdict
from continual_code.feedback import rows
from continual_code.feedback.comments import clean_reason
from continual_code.feedback.planning import chain

_FROM = """
    FROM lessons JOIN verdicts USING (proposal) JOIN proposals ON proposals.number = lessons.proposal
        LEFT JOIN checks ON checks.lesson = lessons.number
"""
_LESSON = """
    lessons.*, proposals.path, verdicts.comment, checks.created AS checked, checks.revision AS checked_at,
        checks.objection_left, (
            SELECT held FROM looks WHERE looks.lesson = lessons.number AND kind = 'retry' ORDER BY looks.number DESC
        ) AS retry_held
"""
_WEIGHTS = 13  # characters at the end of a model's key that say which weights it has: "@" and 12 digits
LESSONS = f"SELECT {_LESSON} {_FROM}"
MATERIAL = f"SELECT {_LESSON}, proposals.content, verdicts.kind, verdicts.edited, verdicts.unwanted {_FROM}"
PENDING = f"{MATERIAL} WHERE lessons.model = ? AND status = 'pending' ORDER BY lessons.number LIMIT ?"


@dataclass(frozen=True, slots=True)
class RevisionRow:
    """A stored revision about to be published. `sha256` is its manifest's, `path` is relative."""

    number: int
    parent: int
    path: str
    sha256: str
    lesson_ids: tuple[str, ...]


def only(found: Sequence[sqlite3.Row], what: str) -> sqlite3.Row:
    if not found:
        raise UsageError(f"There is no {what}.")
    return found[0]


def lesson_row(connection: sqlite3.Connection, id: str) -> sqlite3.Row:
    query = f"{LESSONS} WHERE lessons.number = ?"
    return only(connection.execute(query, (rows.number_of(id, "l"),)).fetchall(), f"lesson {id}")


def insert_proposal(
    connection: sqlite3.Connection, values: Mapping[str, object], asked: str | None, retry_of: str | None
) -> int:
    """A row of `proposals`; an answer to a retried task belongs to the task that was asked first."""
    answered = "SELECT task FROM proposals WHERE number = ?"
    first = connection.execute(answered, (rows.number_of(retry_of, "p"),)).fetchone() if retry_of else None
    task = rows.number_of(asked, "t") if asked else first and first["task"]
    named = {**values, "task": task} if task else values
    insert = f"INSERT INTO proposals ({', '.join(named)}) VALUES ({', '.join('?' * len(named))}) RETURNING number"
    return connection.execute(insert, tuple(named.values())).fetchall()[0]["number"]


def require_unjudged(connection: sqlite3.Connection, proposal: int) -> sqlite3.Row:
    """`model` and `root` of a proposal that still waits for its verdict."""
    query = "SELECT model, root, kind FROM proposals LEFT JOIN verdicts ON proposal = number WHERE number = ?"
    row = only(connection.execute(query, (proposal,)).fetchall(), f"proposal p{proposal}")
    if row["kind"] is not None:
        raise UsageError(f"Proposal p{proposal} already has a verdict ({row['kind']}).", kept="Nothing was changed.")
    return row


def insert_verdict(connection: sqlite3.Connection, verdict: Verdict, created: str) -> None:
    """`verdict.comment` is clean already."""
    edited = None if verdict.edited is None else rows.pack(verdict.edited)
    values = (verdict.kind, verdict.comment, edited, created, json.dumps(verdict.unwanted))
    insert = "INSERT INTO verdicts (proposal, kind, comment, edited, created, unwanted) VALUES (?, ?, ?, ?, ?, ?)"
    connection.execute(insert, (rows.number_of(verdict.proposal_id, "p"), *values))


def is_lesson(verdict: Verdict) -> bool:
    """Whether there is something to learn from: the person's own text, or a reason against what was proposed."""
    is_against = verdict.kind == "reject" or bool(verdict.unwanted)
    return verdict.kind == "edit" or (is_against and bool(verdict.comment))


def require_pending(connection: sqlite3.Connection, id: str, model: str | None = None) -> sqlite3.Row:
    row = lesson_row(connection, id)
    if model not in (None, row["model"]):
        raise StateError(f"Lesson {id} belongs to another model.", kept="Nothing was changed.")
    if row["status"] != "pending":
        raise StateError(f"Lesson {id} is {row['status']}, not pending.", kept="Nothing was changed.")
    return row


def end_lesson(
    connection: sqlite3.Connection,
    id: str,
    status: LessonStatus,
    reason: str,
    report: StepReport | None = None,
    revision: int | None = None,
) -> None:
    """A pending lesson gets its outcome."""
    reason = clean_reason(reason)
    kept = None if report is None else rows.write_report(replace(report, reason=reason, revision=revision))
    connection.execute(
        "UPDATE lessons SET status = ?, reason = ?, report = coalesce(?, report), revision = ? WHERE number = ?",
        (status, reason, kept, revision, rows.number_of(id, "l")),
    )


def take_back(connection: sqlite3.Connection, model: str, ids: Sequence[str], status: LessonStatus) -> None:
    """Lessons that count, or wait, stop doing so.

    "pending" makes them wait as if they had never been tried, and one that was undone, too.
    """
    change, undone = "", ""
    if status == "pending":
        change, undone = ", reason = '', attempts = 0, revision = NULL, report = NULL", ", 'undone'"
    for id in ids:
        moved = connection.execute(
            f"""UPDATE lessons SET status = ?{change}
                WHERE number = ? AND model = ? AND status IN ('learned', 'memory', 'pending'{undone})""",
            (status, rows.number_of(id, "l"), model),
        )
        if moved.rowcount != 1:
            raise StateError(f"Lesson {id} is neither learned nor kept nor pending.", kept="Nothing was changed.")
    forget_checks(connection, ids)


def record_check(connection: sqlite3.Connection, id: str, revision: int, objection_left: float, created: str) -> None:
    """What the newest look at a lesson found takes the place of what an earlier one did."""
    values = (rows.number_of(id, "l"), revision, objection_left, created)
    connection.execute("INSERT OR REPLACE INTO checks VALUES (?, ?, ?, ?)", values)
    insert_look(connection, id, revision, "check", objection_left <= HELD_SHARE, created)


def insert_look(
    connection: sqlite3.Connection, id: str, revision: int, kind: LookKind, held: bool, created: str
) -> None:
    """One more entry in the history of a lesson."""
    values = (rows.number_of(id, "l"), revision, kind, held, created)
    connection.execute("INSERT INTO looks (lesson, revision, kind, held, created) VALUES (?, ?, ?, ?, ?)", values)


def forget_checks(connection: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Of lessons that do not count any more, or not for now."""
    connection.executemany("DELETE FROM checks WHERE lesson = ?", [(rows.number_of(id, "l"),) for id in ids])


def known_key(connection: sqlite3.Connection, key: str) -> str:
    """The key that the weights of `key` (see `journal_key`) are known by already, whatever their name was then.

    Their revisions lie in one place, so there must be one history of them.
    """
    known = connection.execute(
        """SELECT model FROM (
               SELECT model, 0 AS kind, rowid AS place FROM models UNION ALL SELECT model, 1, number FROM proposals
           ) WHERE substr(model, ?) = ? ORDER BY kind, place LIMIT 1""",
        (-_WEIGHTS, key[-_WEIGHTS:]),
    ).fetchall()
    return known[0]["model"] if known else key


def insert_revision(connection: sqlite3.Connection, model: str, revision: RevisionRow, created: str) -> None:
    connection.execute(
        """INSERT INTO models (model, issued) VALUES (?, ?)
           ON CONFLICT (model) DO UPDATE SET issued = max(issued, excluded.issued)""",
        (model, revision.number),
    )
    values = (revision.number, revision.parent, revision.path, revision.sha256, json.dumps(revision.lesson_ids))
    connection.execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)", (model, *values, created))


def move_head(connection: sqlite3.Connection, model: str, revision: RevisionRow) -> None:
    moved = connection.execute(
        "UPDATE models SET head = ? WHERE model = ? AND head = ?", (revision.number, model, revision.parent)
    )
    if moved.rowcount != 1:
        raise StateError(
            f"Revision {revision.number} was made from revision {revision.parent}, which no longer serves.",
            kept="Nothing was changed; the lesson still waits.",
        )


def check_history(connection: sqlite3.Connection, model: str, head: int) -> None:
    """A lesson must count as learned exactly when its revision is the head or an ancestor of the head."""
    found = connection.execute("SELECT * FROM revisions WHERE model = ?", (model,)).fetchall()
    revisions = [rows.read_revision(row) for row in found]
    serving = set(chain(revisions, head))
    query = "SELECT number, status, revision FROM lessons WHERE model = ? AND revision IS NOT NULL"
    lessons = connection.execute(query, (model,)).fetchall()
    wrong = [f"l{row['number']}" for row in lessons if (row["status"] == "learned") != (row["revision"] in serving)]
    if wrong or (head and head not in serving):
        raise StateError(
            f"Revision {head} does not go with the lessons as they are now ({', '.join(wrong) or 'unknown revision'}).",
            kept="Nothing was changed.",
            do="Try again: another lesson may have ended in the meantime.",
        )
