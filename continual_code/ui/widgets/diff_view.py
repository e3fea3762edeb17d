"""A diff with line numbers, marks and colours, in one column or two.

Invariant: nothing is cut off: a line longer than the column continues on the next row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from continual_code.events import Change
from continual_code.ui.diff import CONTEXT, Diff, Row, diff_of
from continual_code.ui.hunks import CURRENT, UNWANTED
from continual_code.ui.syntax import coloured
from continual_code.ui.widgets.lines import Lines
from continual_code.ui.words import changed_words

STYLES = {"-": "diff--removed", "+": "diff--added", " ": "diff--same"}
EDGE = 3
LEAD = CONTEXT + 1  # rows above a hunk that is scrolled to: its context, and what is hidden before that
MARKS = {"-": "diff--minus", "+": "diff--plus", " ": "diff--same"}
WORDS = {"-": "diff--word-removed", "+": "diff--word-added"}


@dataclass(frozen=True, slots=True)
class Side:
    """One side's lines as they are shown. `code` is coloured some time after the rest is there."""

    code: Sequence[str | Content]
    widths: Sequence[int]  # cells


@dataclass(frozen=True, slots=True)
class Column:
    """A part of a row: mark, line index, and the line of the other side that this one was or became."""

    mark: str
    index: int | None
    facing: int | None = None

    @property
    def sign(self) -> str:
        return " " if self.index is None or self.mark == "=" else self.mark


class DiffView(Lines):
    """The lines of a change; `judged`: it waits for a verdict, so each hunk can be marked at the left edge.

    The comparison and the colours are computed on a worker thread, since a file of some
    thousand lines takes longer than a keystroke may wait; words are compared when their row is painted.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *STYLES.values(), *MARKS.values(), *WORDS.values(),
        "diff--gutter", "diff--current", "diff--unwanted", "diff--cross",
    }  # fmt: skip
    can_focus = False

    class Compared(Message):
        """How many hunks there are to judge is known now."""

        def __init__(self, hunks: int) -> None:
            super().__init__()
            self.hunks = hunks

    def __init__(self, change: Change, *, judged: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._change, self._judged = change, judged
        self._diff: Diff | None = None
        self._old = self._new = Side((), ())
        self._current: int | None = None
        self._unwanted: frozenset[int] = frozenset()
        self._awaited: int | None = None  # a hunk to scroll to once its place is known
        self.side_by_side = False

    def on_mount(self) -> None:
        self.run_worker(self._compare, thread=True, group="diff")

    def toggle_layout(self) -> None:
        """Switch between one column and two."""
        self.side_by_side = not self.side_by_side
        self._painted.clear()
        self.lines_changed(0)

    def mark(self, hunk: int, unwanted: frozenset[int]) -> None:
        """Show which hunk the keys are about, and which ones are not wanted."""
        self._current, self._unwanted = hunk, unwanted
        self._painted.clear()
        self.refresh()

    def reveal(self, hunk: int) -> None:
        """Scroll to the hunk, unless all of it is in view, it fills the view, or it begins at the top already."""
        self._awaited = None if self.is_measured else hunk
        lines = [index for index, row in enumerate(self.rows) if row.hunk == hunk]
        if self._awaited is not None or not lines:
            return
        top, bottom = self.top_of(lines[0]), self.top_of(lines[-1] + 1)
        height = self.scrollable_content_region.height
        first = self.scroll_offset.y
        wanted = top - max(0, min(LEAD, height - 1))
        is_all = first <= top and bottom <= first + height
        is_filling = top <= first and first + height <= bottom
        if not (is_all or is_filling or wanted <= first <= top):
            self.scroll_by(wanted - first)

    def lines_changed(self, first: int) -> None:
        super().lines_changed(first)
        if self._awaited is not None:
            self.reveal(self._awaited)

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
        room = self._room(width)
        return max(self._height(column, room) for column in self._columns(self.rows[index]))

    def paint_line(self, index: int, width: int) -> list[Strip]:
        if not self.rows:
            return self.paint(Content("" if self._diff is None else "The text is the same as before."), width)
        row = self.rows[index]
        edge = self._paint_edge(row)
        if row.mark == "⋯":
            text = Content(f"{'⋯':>{self._digits}} {row.hidden} lines")
            return [Strip.join([edge, strip]) for strip in self.paint(text, width - edge.cell_length, "diff--gutter")]
        height, room, unwanted = self.line_height(index, width), self._room(width), row.hunk in self._unwanted
        columns = [self._paint_column(column, height, room, unwanted=unwanted) for column in self._columns(row)]
        return [Strip.join([edge, *parts]) for parts in zip(*columns, strict=True)]

    def _compare(self) -> None:
        diff = diff_of(self._change)
        old, new = (Side(lines, [cell_len(line) for line in lines]) for lines in (diff.old, diff.new))
        self.app.call_later(partial(self._show, diff, old, new))

    def _show(self, diff: Diff, old: Side, new: Side) -> None:
        if self._judged:
            self.post_message(self.Compared(diff.hunks))
        self._diff, self._old, self._new = diff, old, new
        self._painted.clear()
        self.lines_changed(0)
        # Not before: beside the measuring of the lines it would take half of the interpreter.
        self.run_worker(partial(self._colour, diff), thread=True, group="diff")

    def _colour(self, diff: Diff) -> None:
        old, new = (coloured(lines, self._change.path) for lines in (diff.old, diff.new))
        self.app.call_later(partial(self._show_coloured, old, new))

    def _show_coloured(self, old: list[Content], new: list[Content]) -> None:
        self._old, self._new = replace(self._old, code=old), replace(self._new, code=new)
        self._painted.clear()
        self.refresh()

    @property
    def _edge(self) -> int:
        """Cells at the left edge that say what is judged."""
        return EDGE if self._judged else 0

    @property
    def _digits(self) -> int:
        return max(2, len(str(max(len(self._old.code), len(self._new.code)))))

    def _room(self, width: int) -> int:
        """Cells for code, beside the edge, the number, the mark and the spaces."""
        column = (width - self._edge) // (2 if self.side_by_side else 1)
        return max(8, column - self._digits - 3)

    def _columns(self, row: Row) -> list[Column]:
        if not self.side_by_side:
            return [Column(row.mark, row.old if row.mark == "-" else row.new, row.facing)]
        if row.mark == " ":
            return [Column("=", row.old), Column(" ", row.new)]
        return [Column("-", row.old, row.new), Column("+", row.new, row.old)]

    def _side(self, mark: str) -> Side:
        return self._old if mark in "-=" else self._new

    def _height(self, column: Column, room: int) -> int:
        """Rows that the column's code takes in `room` cells."""
        if column.index is None or self._side(column.mark).widths[column.index] <= room:
            return 1
        return folded_height(self._code(column), room)

    def _code(self, column: Column) -> Content:
        if column.index is None:
            return Content("")
        code = self._side(column.mark).code[column.index]
        return code if isinstance(code, Content) else Content(code)

    def _marked(self, column: Column) -> Content:
        """The code, with the words standing out that the line it faces does not have."""
        code = self._code(column)
        if column.index is None or column.facing is None or self._diff is None:
            return code
        old, new = (column.index, column.facing) if column.mark == "-" else (column.facing, column.index)
        removed, added = changed_words(self._diff.old[old], self._diff.new[new])
        style = self.get_visual_style(STYLES[column.mark], WORDS[column.mark])
        for start, end in removed if column.mark == "-" else added:
            code = code.stylize(style, start, end)
        return code

    def _paint_edge(self, row: Row) -> Strip:
        if not self._judged:
            return Strip([])
        current = CURRENT if row.hunk is not None and row.hunk == self._current else " "
        cross = f"{UNWANTED} " if row.hunk in self._unwanted else "  "
        marks = (current, "diff--current"), (cross, "diff--cross")
        return Strip([Segment(text, self.get_visual_style(name).rich_style) for text, name in marks])

    def _paint_column(self, column: Column, height: int, room: int, *, unwanted: bool) -> list[Strip]:
        name = "diff--unwanted" if unwanted else STYLES[column.sign]
        number = "" if column.index is None else str(column.index + 1)
        gutter = self.get_visual_style("diff--gutter").rich_style
        style = self.get_visual_style(name)
        line = self._code(column).without_spans if unwanted else self._marked(column)
        code = [strip for piece in line.fold(room) for strip in self.paint(piece, room, name)[:1]]
        blank = Strip.blank(room, style.rich_style)
        code += [blank] * (height - len(code))
        marked = self.get_visual_style("diff--unwanted" if unwanted else MARKS[column.sign]).rich_style
        first = [Segment(f"{number:>{self._digits}} ", gutter), Segment(f"{column.sign} ", marked)]
        later = [Segment(" " * (self._digits + 1), gutter), Segment("  ", style.rich_style)]
        return [Strip([*(first if at == 0 else later), *strip]) for at, strip in enumerate(code)]


def folded_height(code: Content, room: int) -> int:
    """Rows that a line of code takes in `room` cells."""
    text = code.plain
    return max(1, -(-len(text) // room)) if text.isascii() else len(code.fold(room))
