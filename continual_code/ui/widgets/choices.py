"""A list of rows of which the person chooses one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from continual_code.ui.widgets.rows import Rows, fitted

RowText = str | Callable[[int], str]  # what makes it for so many cells, where it is more than cut off


class Choices(Rows):
    """The rows must be cleaned already. Enter chooses."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", show=False)]

    class Moved(Message):
        """The cursor stands on another row."""

    class Chosen(Message):
        """The person chose the row under the cursor."""

    def __init__(self, rows: Sequence[RowText], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = rows

    @property
    def line_count(self) -> int:
        return len(self._rows)

    def row(self, index: int, width: int) -> str:
        row = self._rows[index]
        return fitted(row if isinstance(row, str) else row(width), width)

    def moved(self) -> Message:
        return self.Moved()

    def on_mount(self) -> None:
        self.lines_changed(0)

    def action_choose(self) -> None:
        self.post_message(self.Chosen())
