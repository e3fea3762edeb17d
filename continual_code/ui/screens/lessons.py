"""The lessons screen: what was taught, what became of it, and undo.

Invariant: the rows are the session's own list, read again after everything that can change it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from continual_code.errors import ContinualCodeError
from continual_code.events import (
    Checked,
    Event,
    Failed,
    Learned,
    LearnerState,
    Lesson,
    Ready,
    Recorded,
    StudiedAgain,
    Undone,
)
from continual_code.port import Session
from continual_code.standing import standing, when
from continual_code.ui.calls import Calls
from continual_code.ui.clean import clean_line
from continual_code.ui.crediting import UNKNOWN, show_credit
from continual_code.ui.narrate import failure, failure_of
from continual_code.ui.screens.confirm import Confirm
from continual_code.ui.screens.page import Page, Topic
from continual_code.ui.widgets.lesson_list import LessonList, figure, heading, loss, status_of
from continual_code.ui.widgets.status_bar import Source

EMPTY = (
    "No lessons yet.\n\nAsk for an edit. When the proposal is not what you want, press n and say why in one line: "
    "that reason becomes the first lesson, and it will stand here."
)
PARTS = {"lesson-heading", "lesson-list", "lesson-empty", "lesson-courses", "lesson-detail"}
BARS = "▁▂▃▄▅▆▇█"


class LessonsScreen(Page[None]):
    """What would forget something asks first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,f4,q", "dismiss", "Back"),
        ("u", "undo", "Undo"),
        ("b", "rollback", "Back to here"),
        ("p", "pin", "Pin"),
        ("c", "credit", "Credit"),
    ]

    def __init__(self, source: Source, session: Session, calls: Calls) -> None:
        super().__init__(source)
        self._session, self._calls = session, calls

    def compose(self) -> ComposeResult:
        yield Static(id="lesson-heading", markup=False)
        yield LessonList()
        yield Static(id="lesson-empty", markup=False)
        yield Static(id="lesson-courses", markup=False)
        yield Static(id="lesson-detail", markup=False)
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one("#lesson-empty").display = False
        self._reload()

    def on_resize(self) -> None:
        width = self.size.width - 2
        self.query_one("#lesson-heading", Static).update(Content.styled(f"  {heading(width - 2)}", ".quiet"))

    @property
    def topic(self) -> Topic:
        return "Lists"

    @property
    def keys(self) -> str:
        taught = self.query(LessonList) and self.query_one(LessonList).lesson
        return "Up, Down choose · u undo · b back to here · p pin · c credit · Esc back" if taught else "Esc back"

    def hear(self, event: Event) -> None:
        """Something happened while the list is open."""
        if isinstance(event, Ready | Learned | Recorded | Undone | Checked | StudiedAgain):
            self._reload()
        elif isinstance(event, LearnerState) and self._stands:
            self._mark()
        elif isinstance(event, Failed):
            self._say(Content("\n").join(failure(event.what, event.kept, event.do)))

    def action_undo(self) -> None:
        lesson = self.query_one(LessonList).lesson
        if lesson is None:
            return
        if lesson.status == "undone":
            self._say(Content(f"{clean_line(lesson.id, 12)} is undone already."))
            return
        name, comment = clean_line(lesson.id, 12), clean_line(lesson.comment, 80)
        question = f"Undo lesson {name}?\n{comment}\n\nThe model forgets it; the lesson stays in this list."
        self._change(question, f"Undoing {name} …", lambda: self._session.undo(lesson.id))

    def action_rollback(self) -> None:
        lesson, lessons = self.query_one(LessonList).lesson, self.query_one(LessonList).lessons
        if lesson is None or lesson.revision is None or lesson.status != "learned":
            self._say(Content("Only a learned lesson has a revision to go back to."))
            return
        revision = lesson.revision
        later = [each.id for each in lessons if each.status == "learned" and (each.revision or 0) > revision]
        if not later:
            self._say(Content(f"Nothing was learned after {clean_line(lesson.id, 12)}."))
            return
        names = clean_line(", ".join(later), 200)
        question = f"Go back to revision {revision}?\n\nThe model forgets {names}; they stay in this list."
        self._change(question, f"Going back to r{revision} …", lambda: self._session.rollback(revision))

    def action_pin(self) -> None:
        if lesson := self.query_one(LessonList).lesson:
            pinned = not lesson.pinned
            self._calls.submit(
                lambda: self._session.pin(lesson.id, pinned), then=lambda _: self._reload(), failed=self._failed
            )

    def action_credit(self) -> None:
        if lesson := self.query_one(LessonList).lesson:
            show_credit(self, self._session, self._calls, lesson.id, failed=self._failed)

    def on_lesson_list_chosen(self, message: LessonList.Chosen) -> None:
        self._say(detail(message.lesson, self._learning) if message.lesson else Content(""))

    def _change(self, question: str, doing: str, change: Callable[[], None]) -> None:
        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self._say(Content(doing))
                self._calls.submit(change, then=lambda _: self._reload(), failed=self._failed)

        self.app.push_screen(Confirm(question), answered)

    def _reload(self) -> None:
        self._calls.submit(self._session.lessons, then=self._show, failed=self._failed)

    def _show(self, lessons: Sequence[Lesson]) -> None:
        if not self._stands:
            return
        empty = self.query_one("#lesson-empty", Static)
        empty.update(Content(UNKNOWN if self.source.status.loading else EMPTY))
        empty.display = not lessons
        for name in ("#lesson-heading", "#lesson-detail", "#lesson-list"):
            self.query_one(name).display = bool(lessons)
        drawn = courses(lessons, self.size.width - 60)
        self.query_one("#lesson-courses", Static).update(Content.styled(drawn, ".quiet"))
        self.query_one("#lesson-courses").display = bool(drawn)
        self.query_one(LessonList).mark(self._learning)
        self.query_one(LessonList).show(lessons)
        self.query_one(LessonList).focus()

    @property
    def _learning(self) -> str | None:
        """The lesson that is being learned."""
        status = self.source.status
        return status.learner.lesson_id if status.learning else None

    @property
    def _stands(self) -> bool:
        """Whether an answer still finds the table: a screen on its way out loses its parts before it is gone."""
        return {part.id for part in self.children} >= PARTS

    def _mark(self) -> None:
        """Mark the lesson that is being learned, if it is another one than before."""
        rows, learning = self.query_one(LessonList), self._learning
        if rows.learning != learning:
            concerned = rows.learning, learning
            rows.mark(learning)
            if rows.lesson and rows.lesson.id in concerned:
                self._say(detail(rows.lesson, learning))

    def _failed(self, error: ContinualCodeError) -> None:
        if self._stands:
            self.query_one("#lesson-detail").display = True
            self._say(Content("\n").join(failure_of(error)))

    def _say(self, content: Content) -> None:
        self.query_one("#lesson-detail", Static).update(content)


def courses(lessons: Sequence[Lesson], width: int) -> str:
    """How far the lessons have moved the model elsewhere, in lines whose bars take `width` cells; "" if unknown.

    Oldest first; what was undone or refused is no part of it.
    """
    learned = [each for each in lessons if each.status == "learned"]
    drifts = [each.drift for each in learned if each.drift is not None]
    canaries = [each.canary for each in learned if each.canary is not None]
    lines: list[str] = []
    if drifts:
        bars = _bars(drifts, max(drifts), width)
        lines.append(f"drift  {bars} {drifts[-1]:.4f} nats a token on unrelated text")
    if canaries:
        bars = _bars(canaries, 1.0, width)
        lines.append(f"canary {bars} {canaries[-1]:.2f} least likely token of unrelated programs")
    return "\n".join(lines)


def _bars(values: Sequence[float], full: float, width: int) -> str:
    """The newest `width` of them, at least one, where the tallest bar stands for `full`."""
    step = (full or 1.0) / (len(BARS) - 1)
    return "".join(BARS[round(min(max(0.0, value), full) / step)] for value in values[-max(1, width) :])


def detail(lesson: Lesson, learning: str | None = None) -> Content:
    """Everything about one lesson, for the foot of the screen.

    Args:
        learning: the id of the lesson that is being learned.
    """
    figures = {
        "gap": figure(lesson.gap),
        "loss": loss(lesson),
        "revision": "" if lesson.revision is None else f"r{lesson.revision}",
        "seconds": "" if lesson.seconds is None else f"{lesson.seconds:.1f}",
        "drift": "" if lesson.drift is None else f"{lesson.drift:.4f}",
        "canary": "" if lesson.canary is None else f"{lesson.canary:.2f}",
    }
    told = " · ".join(f"{name} {value}" for name, value in figures.items() if value)
    status = status_of(lesson, learning)
    reason = f", because {clean_line(lesson.reason)}" if lesson.reason else ""
    since = "".join(f", {clean_line(each, 60)}" for each in standing(lesson))
    return Content.assemble(
        (f"{clean_line(lesson.id, 12)}  ", ".quiet"),
        (clean_line(lesson.comment, 400) or "(your own edit)", ".strong"),
        "\n",
        f"{clean_line(lesson.path, 200)} · {clean_line(when(lesson.created), 11)} · {status}{reason}{since}",
        "\n",
        (told or ("no step has ended yet" if lesson.id == learning else "no step has run yet"), ".quiet"),
    )
