"""Rows of one line with a cursor.

Invariant: the cursor stands on a row as long as there is one, and that row is in view.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from continual_code.ui.widgets.lines import Lines


class Rows(Lines, can_focus=True):
    """What a list is drawn by; `row` and `line_count` say what is in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--chosen", "rows--row"}

    cursor: reactive[int] = reactive(0)

    def row(self, index: int, width: int) -> str:
        """The cleaned text of a row, `width` cells at most."""
        raise NotImplementedError

    def moved(self) -> Message:
        """Says that the cursor stands on another row."""
        raise NotImplementedError

    def line_height(self, index: int, width: int) -> int:
        return 1

    def paint_line(self, index: int, width: int) -> list[Strip]:
        chosen = index == self.cursor
        row = Content(f"{'›' if chosen else ' '} {self.row(index, width - 2)}")
        return self.paint(row, width, "rows--chosen" if chosen else "rows--row")[:1]

    def action_move(self, step: int) -> None:
        self.cursor = max(0, min(self.line_count - 1, self.cursor + step))

    def on_click(self, event: events.Click) -> None:
        row = self.line_at(event.y + self.scroll_offset.y)
        self.cursor = self.cursor if row is None else row

    def watch_cursor(self, old: int, new: int) -> None:
        self.repaint_line(old)
        self.repaint_line(new)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not top <= new < top + height:
            self.scroll_to(y=new if new < top else new - height + 1, animate=False)
        self.post_message(self.moved())


def fitted(text: str, width: int) -> str:
    """`text` in `width` cells at most, with an ellipsis where it was cut."""
    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)) + "…"


def fitted_end(text: str, width: int) -> str:
    """The end of `text` in `width` cells at most, with an ellipsis where it was cut."""
    if cell_len(text) <= width:
        return text
    end = text[-max(1, width) :]
    while cell_len(end) >= max(2, width):
        end = end[1:]
    return f"…{end}"
