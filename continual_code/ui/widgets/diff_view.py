"""A diff with line numbers, marks and colours, in one column or two.

Invariant: nothing is cut off: a line longer than the column continues on the next row.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.segment import Segment
from textual.content import Content
from textual.strip import Strip

from continual_code.ui.diff import Diff, Row, diff_of
from continual_code.ui.syntax import coloured
from continual_code.ui.widgets.lines import Lines

STYLES = {"-": "diff--removed", "+": "diff--added", " ": "diff--same"}
MARKS = {"-": "diff--minus", "+": "diff--plus", " ": "diff--same"}


class DiffView(Lines):
    """Compares two texts of the file `path`; `before` is None for a new file.

    The comparison and the colours are computed on a worker thread, since a file of some
    thousand lines takes longer than a keystroke may wait.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {*STYLES.values(), *MARKS.values(), "diff--gutter"}
    can_focus = False

    def __init__(self, path: str, before: str | None, after: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._path, self._before, self._after = path, before, after
        self._diff: Diff | None = None
        self._old: list[Content] = []
        self._new: list[Content] = []
        self.side_by_side = False

    def on_mount(self) -> None:
        self.run_worker(self._compare, thread=True, group="diff")

    def toggle_layout(self) -> None:
        """Switch between one column and two."""
        self.side_by_side = not self.side_by_side
        self._painted.clear()
        self.lines_changed(0)

    @property
    def rows(self) -> tuple[Row, ...]:
        if self._diff is None:
            return ()
        return self._diff.paired if self.side_by_side else self._diff.inline

    @property
    def line_count(self) -> int:
        return max(1, len(self.rows))

    def line_height(self, index: int, width: int) -> int:
        if not self.rows:
            return 1
        row = self.rows[index]
        columns = self._columns(row, width)
        return max(1, *(folded_height(self._code(*column), self._room(width)) for column in columns))

    def paint_line(self, index: int, width: int) -> list[Strip]:
        if not self.rows:
            return self.paint(Content("" if self._diff is None else "The text is the same as before."), width)
        row = self.rows[index]
        if row.mark == "⋯":
            return self.paint(Content(f"{'⋯':>{self._digits}} {row.hidden} lines"), width, "diff--gutter")
        height = self.line_height(index, width)
        sides = [self._paint_side(*column, height, self._room(width)) for column in self._columns(row, width)]
        return [Strip.join(parts) for parts in zip(*sides, strict=True)]

    def _compare(self) -> None:
        diff = diff_of(self._before, self._after)
        self.app.call_later(
            partial(self._show, diff, [Content(line) for line in diff.old], [Content(line) for line in diff.new])
        )
        self.app.call_later(partial(self._show, diff, coloured(diff.old, self._path), coloured(diff.new, self._path)))

    def _show(self, diff: Diff, old: list[Content], new: list[Content]) -> None:
        self._diff, self._old, self._new = diff, old, new
        self._painted.clear()
        self.lines_changed(0)

    @property
    def _digits(self) -> int:
        return max(2, len(str(max(len(self._old), len(self._new)))))

    def _room(self, width: int) -> int:
        """Cells for code, beside the number, the mark and the spaces."""
        column = width // 2 if self.side_by_side else width
        return max(8, column - self._digits - 3)

    def _columns(self, row: Row, width: int) -> list[tuple[str, int | None]]:
        """Mark and line index for each column of the row."""
        if not self.side_by_side:
            return [(row.mark, row.old if row.mark == "-" else row.new)]
        if row.mark == " ":
            return [("=", row.old), (" ", row.new)]
        return [("-", row.old), ("+", row.new)]

    def _code(self, mark: str, index: int | None) -> Content:
        if index is None:
            return Content("")
        return (self._old if mark in "-=" else self._new)[index]

    def _paint_side(self, mark: str, index: int | None, height: int, room: int) -> list[Strip]:
        absent = index is None
        sign = " " if absent or mark == "=" else mark
        name = STYLES[sign]
        number = "" if absent else str(index + 1)
        gutter = self.get_visual_style("diff--gutter").rich_style
        style = self.get_visual_style(name)
        code = [strip for piece in self._code(mark, index).fold(room) for strip in self.paint(piece, room, name)[:1]]
        blank = Strip.blank(room, style.rich_style)
        code += [blank] * (height - len(code))
        marked = self.get_visual_style(MARKS[sign]).rich_style
        first = [Segment(f"{number:>{self._digits}} ", gutter), Segment(f"{sign} ", marked)]
        later = [Segment(" " * (self._digits + 1), gutter), Segment("  ", style.rich_style)]
        return [Strip([*(first if at == 0 else later), *strip]) for at, strip in enumerate(code)]


def folded_height(code: Content, room: int) -> int:
    """Rows that a line of code takes in `room` cells."""
    text = code.plain
    return max(1, -(-len(text) // room)) if text.isascii() else len(code.fold(room))
