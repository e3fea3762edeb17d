"""A journal in which a person taught several lessons, and a page as a browser would read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from continual_code.events import Lesson, LessonStatus, Message, Proposal, Rollout, StepReport, Task, Verdict
from continual_code.feedback.chronicle import read_chronicle
from continual_code.feedback.journal import Journal, RevisionRow
from continual_code.report.facts import Entry, Facts, facts_of

MODEL, NOON = "tiny@012345678901", datetime(2030, 5, 6, 12, tzinfo=UTC)
BEFORE, AFTER = "def double(x):\n    return x + x\n", "def double(x):\n    return x * 2\n"
BETTER = "def double(x: int) -> int:\n    return x * 2\n"
HINTS = "Always add type hints."
TOKENS, GAPS = ("def", " double", "(x", "):", "\n", "    return"), (0.0, 0.01, -2.5, -0.7, -0.1, 0.3)
ROLLOUT = Rollout((Message("user", "Edit."),), (1, 2), (3, 4), (-0.1, -0.2), 0.0, 1.0, 1, 0, "stop")


class Taught:
    """What a person and a learner would do, in one call each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path, clock=lambda: NOON)

    def propose(
        self,
        after: str = AFTER,
        *,
        revision: int = 0,
        retry_of: str | None = None,
        rules: Sequence[str] = (),
        before: str | None = BEFORE,
        path: str = "tool.py",
        task: str = "Use multiplication.",
    ) -> Proposal:
        told = "\n\nRule you must follow: " + "\n".join(rules) if rules else ""
        rollout = replace(ROLLOUT, revision=revision, messages=(Message("user", f"Edit.{told}"),))
        return self.journal.add_proposal(
            model=MODEL, root="/project", task=Task(task), path=path, before=before, after=after, rollout=rollout,
            seconds=1.0, retry_of=retry_of,
        )  # fmt: skip

    def reject(self, comment: str = HINTS, proposal: Proposal | None = None) -> Lesson:
        lesson = self.journal.record_verdict(Verdict((proposal or self.propose()).id, "reject", comment))
        assert lesson is not None
        return lesson

    def learn(self, lesson: Lesson, tokens: Sequence[str] = TOKENS, gaps: Sequence[float] = GAPS) -> int:
        number, parent = self.journal.next_revision_number(MODEL), self.journal.head(MODEL)
        row = RevisionRow(number, parent, f"{number:06d}", "0" * 64, (lesson.id,))
        report = step(lesson, "learned", tokens=tokens, gaps=gaps)
        self.journal.publish(model=MODEL, revision=row, lesson_id=lesson.id, report=report)
        return number

    def end(self, lesson: Lesson, status: LessonStatus, reason: str) -> None:
        self.journal.finish(lesson.id, step(lesson, status, reason))

    def facts(self) -> Facts:
        chronicle = read_chronicle(self.path, MODEL)
        return facts_of(chronicle, model="tiny", weights="0123456789ab" * 5, made=NOON.isoformat())

    def entry(self, id: str) -> Entry:
        return next(entry for entry in self.facts().entries if entry.id == id)


def step(
    lesson: Lesson,
    status: LessonStatus,
    reason: str = "",
    *,
    tokens: Sequence[str] = TOKENS,
    gaps: Sequence[float] = GAPS,
) -> StepReport:
    drift, canary = (0.0042, 0.97) if status == "learned" else (None, None)
    figures = 0.5, 0.4, 0.1, 3, 2.5
    return StepReport(
        lesson.id, status, reason, None, *figures, tuple(tokens), tuple(gaps), drift=drift, canary=canary
    )  # fmt: skip


class Outline(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.classes: dict[str, list[str]] = {}
        self._parts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._open.append(dict(attrs).get("class") or "")

    def handle_data(self, data: str) -> None:
        self._parts.append(data)
        if self._open:
            self.classes.setdefault(self._open[-1], []).append(data)
