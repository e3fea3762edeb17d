"""The table of lessons.

Invariant: a lesson is always one row; what a narrow screen has no column for, the detail below it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from continual_code.events import Lesson, LessonStatus
from continual_code.ui.clean import clean_line
from continual_code.ui.widgets.lines import Lines

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
WIDE = 100


class LessonList(Lines, can_focus=True):
    """One row a lesson, newest first, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lesson-list--chosen", "lesson-list--row"}

    class Chosen(Message):
        """The cursor stands on `lesson`, or on nothing."""

        def __init__(self, lesson: Lesson | None) -> None:
            super().__init__()
            self.lesson = lesson

    cursor: reactive[int] = reactive(0)

    def __init__(self) -> None:
        super().__init__(id="lesson-list")
        self._lessons: list[Lesson] = []

    @property
    def lesson(self) -> Lesson | None:
        return self._lessons[self.cursor] if self._lessons else None

    @property
    def line_count(self) -> int:
        return len(self._lessons)

    def line_height(self, index: int, width: int) -> int:
        return 1

    def paint_line(self, index: int, width: int) -> list[Strip]:
        chosen = index == self.cursor
        row = Content(f"{'›' if chosen else ' '} {row_of(self._lessons[index], width - 2)}")
        return self.paint(row, width, "lesson-list--chosen" if chosen else "lesson-list--row")[:1]

    def show(self, lessons: Sequence[Lesson]) -> None:
        """Replace the rows; the cursor stays on the same lesson where it still exists."""
        kept = self.lesson.id if self.lesson else None
        self._lessons = list(reversed(lessons))
        places = {lesson.id: place for place, lesson in enumerate(self._lessons)}
        self.cursor = places.get(kept or "", 0)
        self._painted.clear()
        self.lines_changed(0)
        self.post_message(self.Chosen(self.lesson))

    def action_move(self, step: int) -> None:
        self.cursor = max(0, min(len(self._lessons) - 1, self.cursor + step))

    def on_click(self, event: events.Click) -> None:
        row = self.line_at(event.y + self.scroll_offset.y)
        self.cursor = self.cursor if row is None else row

    def watch_cursor(self, old: int, new: int) -> None:
        self.repaint_line(old)
        self.repaint_line(new)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= new < top + height:
            self.scroll_to(y=new if new < top else new - height + 1, animate=False)
        self.post_message(self.Chosen(self.lesson))


def heading(width: int) -> str:
    """The column names for rows of `width` cells."""
    names = ("id", "when", "comment", "file", "status", "gap", "loss", "rev", "s")
    return _columns(names, width)


def row_of(lesson: Lesson, width: int) -> str:
    """One cleaned row of `width` cells."""
    return _columns(
        (
            lesson.id,
            when(lesson.created),
            lesson.comment or "(your own edit)",
            lesson.path,
            STATUS[lesson.status],
            figure(lesson.gap),
            loss(lesson),
            "" if lesson.revision is None else f"r{lesson.revision}",
            "" if lesson.seconds is None else f"{lesson.seconds:.1f}",
        ),
        width,
    )


def when(created: str) -> str:
    """An ISO time as month, day, hour and minute of this place; anything else as it came, shortened."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%m-%d %H:%M")
    except ValueError:
        return clean_line(created, 11)


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
    text = clean_line(text, 400)
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)
