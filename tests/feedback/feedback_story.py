"""Short ways to put proposals and lessons into a journal."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from continual_code.events import Lesson, Message, Proposal, Rollout, StepReport, Task, Verdict
from continual_code.feedback.journal import Journal, RevisionRow

MODEL, ROOT = "tiny@0123", "/home/someone/project"
NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)
ROLLOUT = Rollout(
    messages=(Message("system", "Edit."), Message("user", "Sort it.")),
    prompt_ids=(1, 2, 3),
    token_ids=(4, 5),
    logprobs=(-0.1, -1.2345678901234567),
    temperature=0.7,
    top_p=0.9,
    seed=11,
    revision=0,
    finish="stop",
)


def report(lesson_id: str, status: str = "learned", reason: str = "") -> StepReport:
    return StepReport(lesson_id, status, reason, None, 0.5, 0.4, 0.1, 3, 2.5, ("a", "b"), (-1.0, 0.25))  # pyright: ignore[reportArgumentType]


def memory_of(journal: Journal, model: str = MODEL) -> tuple[str, ...]:
    """The comments that prompts repeat."""
    return tuple(reminder.comment for reminder in journal.memory(model))


class Story:
    """What a person and a learner would do, in one call each."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def propose(self, model: str = MODEL) -> Proposal:
        return self.journal.add_proposal(
            model=model, root=ROOT, task=Task("Sort it.", ("a.py",)), path="a.py", before="b\na\n", after="a\nb\n",
            rollout=ROLLOUT, seconds=1.5, left_out=("b.py is too long",),
        )  # fmt: skip

    def reject(self, comment: str = "Keep the order.", model: str = MODEL) -> Lesson:
        lesson = self.journal.record_verdict(Verdict(self.propose(model).id, "reject", comment))
        assert lesson is not None
        return lesson

    def reject_long_ago(self, comment: str, path: Path) -> str:
        """A rejection as the first version wrote it into the file at `path`; the id of its lesson."""
        number = int(self.propose().id[1:])
        with closing(sqlite3.connect(path)) as connection, connection:
            values = (number, "reject", comment, None, NOON.isoformat())
            connection.execute(
                "INSERT INTO verdicts (proposal, kind, comment, edited, created) VALUES (?, ?, ?, ?, ?)", values
            )
            insert = "INSERT INTO lessons (proposal, model, status, created) VALUES (?, ?, 'pending', ?)"
            return f"l{connection.execute(insert, (number, MODEL, NOON.isoformat())).lastrowid}"

    def learn_long_ago(self, comment: str, path: Path) -> None:
        """A lesson as the first version learned it, in the file at `path`."""
        number = int(self.reject_long_ago(comment, path)[1:])
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO models (model, head, issued) VALUES (?, 1, 1)", (MODEL,))
            values = (MODEL, 1, 0, "000001", "0" * 64, f'["l{number}"]', NOON.isoformat())
            connection.execute("INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            connection.execute("UPDATE lessons SET status = 'learned', revision = 1 WHERE number = ?", (number,))

    def publish(self, lesson_id: str, *, parent: int | None = None, model: str = MODEL) -> int:
        number = self.journal.next_revision_number(model)
        parent = self.journal.head(model) if parent is None else parent
        row = RevisionRow(number, parent, f"{number:06d}", "0" * 64, (lesson_id,))
        self.journal.publish(model=model, revision=row, lesson_id=lesson_id, report=report(lesson_id))
        return number

    def learn(self, comment: str = "Keep the order.") -> Lesson:
        lesson = self.reject(comment)
        self.journal.begin_attempt(lesson.id)
        self.publish(lesson.id)
        return self.journal.lesson(lesson.id)

    def statuses(self) -> list[str]:
        return [lesson.status for lesson in self.journal.lessons(MODEL)]

    def everything(self) -> list[object]:
        """All that a reader can see; equal before and after means that nothing was changed."""
        reads: list[Callable[[], object]] = [
            lambda: self.journal.lessons(MODEL),
            lambda: self.journal.pending(MODEL),
            lambda: self.journal.edits(ROOT),
            lambda: self.journal.head(MODEL),
            lambda: self.journal.revisions(MODEL),
        ]
        return [read() for read in reads]
