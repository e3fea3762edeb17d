"""A list of rows of which the person chooses one.

Invariant: the cursor stands on a row as long as there is one, and that row is in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from continual_code.ui.widgets.lines import Lines


class Choices(Lines, can_focus=True):
    """One line a row; the rows must be cleaned already. Enter chooses."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
        Binding("enter", "choose", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"choices--chosen", "choices--row"}

    class Moved(Message):
        """The cursor stands on another row."""

    class Chosen(Message):
        """The person chose the row under the cursor."""

    cursor: reactive[int] = reactive(0)

    def __init__(self, rows: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = rows

    @property
    def line_count(self) -> int:
        return len(self._rows)

    def line_height(self, index: int, width: int) -> int:
        return 1

    def paint_line(self, index: int, width: int) -> list[Strip]:
        chosen = index == self.cursor
        row = fitted(f"{'›' if chosen else ' '} {self._rows[index]}", width)
        return self.paint(Content(row), width, "choices--chosen" if chosen else "choices--row")[:1]

    def on_mount(self) -> None:
        self.lines_changed(0)

    def action_move(self, step: int) -> None:
        self.cursor = max(0, min(len(self._rows) - 1, self.cursor + step))

    def action_choose(self) -> None:
        self.post_message(self.Chosen())

    def on_click(self, event: events.Click) -> None:
        row = self.line_at(event.y + self.scroll_offset.y)
        self.cursor = self.cursor if row is None else row

    def watch_cursor(self, old: int, new: int) -> None:
        self.repaint_line(old)
        self.repaint_line(new)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= new < top + height:
            self.scroll_to(y=new if new < top else new - height + 1, animate=False)
        self.post_message(self.Moved())


def fitted(text: str, width: int) -> str:
    """`text` in `width` cells at most, with an ellipsis where it was cut."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"
