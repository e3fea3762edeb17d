"""Everything the journal holds about the lessons of one model, read at once.

Invariant: it is one state of the file, also while another process learns; a proposal that is damaged is
missing here and costs nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from continual_code.errors import StateError
from continual_code.events import Lesson, LookKind, Message, Proposal, Revision, StepReport, Verdict
from continual_code.feedback import rows
from continual_code.feedback.database import Database
from continual_code.feedback.ledger import LESSONS, known_key

_ANSWERS = """
    SELECT number AS proposal, path, content, kind, comment, edited, unwanted
    FROM proposals LEFT JOIN verdicts ON proposal = number WHERE model = ? ORDER BY number
"""
_LOOKS = """
    SELECT looks.* FROM looks JOIN lessons ON lessons.number = looks.lesson WHERE model = ? ORDER BY looks.number
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """A proposal, the prompt behind it, and what the person said to it (None: nothing yet)."""

    proposal: Proposal
    messages: tuple[Message, ...]
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a lesson: whether it held under a revision."""

    lesson_id: str
    revision: int
    kind: LookKind
    held: bool


@dataclass(frozen=True, slots=True)
class Chronicle:
    """`answers` by proposal id, oldest first; `lessons` oldest first, each with the report of its last step.

    `looks` are at any of them, oldest first.
    """

    head: int
    revisions: tuple[Revision, ...]
    lessons: tuple[tuple[Lesson, StepReport | None], ...]
    answers: dict[str, Answer]
    looks: tuple[Look, ...] = ()


def read_chronicle(path: Path, key: str) -> Chronicle:
    """Read the journal at `path`; the model is that of `journal_key`, whatever its name was when it was taught.

    Raises:
        StateError: the file cannot be read.
    """
    database = Database(path)
    try:
        with database.transaction() as connection:
            model = known_key(connection, key)
            heads = connection.execute("SELECT head FROM models WHERE model = ?", (model,)).fetchall()
            query = "SELECT * FROM revisions WHERE model = ? ORDER BY number"
            revisions = connection.execute(query, (model,)).fetchall()
            query = f"{LESSONS} WHERE lessons.model = ? ORDER BY lessons.number"
            lessons = connection.execute(query, (model,)).fetchall()
            answers = connection.execute(_ANSWERS, (model,)).fetchall()
            looks = connection.execute(_LOOKS, (model,)).fetchall()
    finally:
        database.close()
    return Chronicle(
        head=heads[0]["head"] if heads else 0,
        revisions=tuple(map(rows.read_revision, revisions)),
        lessons=tuple(rows.read_lessons(lessons)),
        answers=_answers(answers),
        looks=tuple(Look(f"l{row['lesson']}", row["revision"], row["kind"], bool(row["held"])) for row in looks),
    )


def _answers(found: Sequence[sqlite3.Row]) -> dict[str, Answer]:
    answers = (_answer(row) for row in found)
    return {answer.proposal.id: answer for answer in answers if answer}


def _answer(row: sqlite3.Row) -> Answer | None:
    try:
        proposal, rollout = rows.read_proposal(row)
        verdict = None if row["kind"] is None else rows.read_verdict(row, proposal.id)
    except StateError:  # of one proposal; whoever shows the lessons says so beside the lesson
        return None
    return Answer(proposal, rollout.messages, verdict)
