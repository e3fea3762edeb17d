"""The table of lessons.

Invariant: a lesson is always one row; what a narrow screen has no column for, the detail below it shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import set_cell_size
from textual.message import Message

from continual_code.events import Lesson, LessonStatus
from continual_code.standing import when
from continual_code.ui.clean import clean_line
from continual_code.ui.widgets.rows import Rows, fitted

STATUS: dict[LessonStatus, str] = {
    "pending": "◌ waiting",
    "learned": "● learned",
    "memory": "◐ in prompt",
    "no_signal": "○ no signal",
    "refused": "○ refused",
    "failed": "! failed",
    "undone": "↶ undone",
    "rolled_back": "↶ rolled back",
}
LEARNING = "● learning"
WIDE = 100


class LessonList(Rows):
    """One row a lesson, newest first, with a cursor."""

    class Chosen(Message):
        """The cursor stands on `lesson`, or on nothing."""

        def __init__(self, lesson: Lesson | None) -> None:
            super().__init__()
            self.lesson = lesson

    def __init__(self) -> None:
        super().__init__(id="lesson-list")
        self._lessons: list[Lesson] = []
        self.learning: str | None = None

    @property
    def lesson(self) -> Lesson | None:
        return self._lessons[self.cursor] if self._lessons else None

    @property
    def lessons(self) -> Sequence[Lesson]:
        """Newest first."""
        return self._lessons

    @property
    def line_count(self) -> int:
        return len(self._lessons)

    def row(self, index: int, width: int) -> str:
        return row_of(self._lessons[index], width, self.learning)

    def moved(self) -> Message:
        return self.Chosen(self.lesson)

    def mark(self, learning: str | None) -> None:
        """Say of which lesson, by its id, the row says that it is being learned."""
        self.learning = learning
        self._painted.clear()
        self.lines_changed(0)

    def show(self, lessons: Sequence[Lesson]) -> None:
        """Replace the rows; the cursor stays on the same lesson where it still exists."""
        kept = self.lesson.id if self.lesson else None
        self._lessons = list(reversed(lessons))
        places = {lesson.id: place for place, lesson in enumerate(self._lessons)}
        self.cursor = places.get(kept or "", 0)
        self._painted.clear()
        self.lines_changed(0)
        self.post_message(self.moved())


def heading(width: int) -> str:
    """The column names for rows of `width` cells."""
    names = ("id", "when", "comment", "file", "status", "gap", "loss", "rev", "s")
    return _columns(names, width)


def row_of(lesson: Lesson, width: int, learning: str | None = None) -> str:
    """One cleaned row of `width` cells."""
    return _columns(
        (
            lesson.id,
            clean_line(when(lesson.created), 11),
            lesson.comment or "(your own edit)",
            lesson.path,
            status_of(lesson, learning),
            figure(lesson.gap),
            loss(lesson),
            "" if lesson.revision is None else f"r{lesson.revision}",
            "" if lesson.seconds is None else f"{lesson.seconds:.1f}",
        ),
        width,
    )


def status_of(lesson: Lesson, learning: str | None = None) -> str:
    """Its mark and word; a lesson that has faded stands in weights and prompt, and a pinned one has a mark more.

    Args:
        learning: the id of the lesson that is being learned.
    """
    is_learned_now = lesson.status == "pending" and lesson.id == learning
    word = LEARNING if is_learned_now else "◒ in both" if lesson.faded else STATUS[lesson.status]
    return word + (" ▪" if lesson.pinned else "")


def figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def loss(lesson: Lesson) -> str:
    """Loss before and after, nats a token; empty when the step never ran."""
    return "" if lesson.loss_before is None else f"{lesson.loss_before:.2f} → {figure(lesson.loss_after)}"


def _columns(cells: tuple[str, ...], width: int) -> str:
    fixed = {0: 5, 1: 11, 4: 13} | ({5: 5, 6: 11, 7: 4, 8: 5} if width + 2 >= WIDE else {})
    shown = sorted({*fixed, 2, 3})
    room = max(16, width - sum(fixed.values()) - len(shown) + 1)
    widths = fixed | {2: room - room // 3, 3: room // 3}
    return " ".join(_cell(cells[at], widths[at]) for at in shown)


def _cell(text: str, width: int) -> str:
    return set_cell_size(fitted(clean_line(text, 400), width), width)
