"""A diff with line numbers, marks and colours, in one column or two.

Invariant: nothing is cut off: a line longer than the column continues on the next row.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.segment import Segment
from textual.content import Content
from textual.message import Message
from textual.strip import Strip

from continual_code.events import Proposal
from continual_code.ui.diff import CONTEXT, Diff, Row, diff_of
from continual_code.ui.hunks import CURRENT, UNWANTED
from continual_code.ui.syntax import coloured
from continual_code.ui.widgets.lines import Lines

STYLES = {"-": "diff--removed", "+": "diff--added", " ": "diff--same"}
EDGE = 3
LEAD = CONTEXT + 1  # rows above a hunk that is scrolled to: its context, and what is hidden before that
MARKS = {"-": "diff--minus", "+": "diff--plus", " ": "diff--same"}


class DiffView(Lines):
    """What a proposal changes; `judged`: it waits for a verdict, so each hunk can be marked at the left edge.

    The comparison and the colours are computed on a worker thread, since a file of some
    thousand lines takes longer than a keystroke may wait.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *STYLES.values(), *MARKS.values(), "diff--gutter", "diff--current", "diff--unwanted", "diff--cross",
    }  # fmt: skip
    can_focus = False

    class Compared(Message):
        """How many hunks there are to judge is known now."""

        def __init__(self, hunks: int) -> None:
            super().__init__()
            self.hunks = hunks

    def __init__(self, proposal: Proposal, *, judged: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._proposal, self._judged = proposal, judged
        self._diff: Diff | None = None
        self._old: list[Content] = []
        self._new: list[Content] = []
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
        row = self.rows[index]
        columns = self._columns(row, width)
        return max(1, *(folded_height(self._code(*column), self._room(width)) for column in columns))

    def paint_line(self, index: int, width: int) -> list[Strip]:
        if not self.rows:
            return self.paint(Content("" if self._diff is None else "The text is the same as before."), width)
        row = self.rows[index]
        edge = self._paint_edge(row)
        if row.mark == "⋯":
            text = Content(f"{'⋯':>{self._digits}} {row.hidden} lines")
            return [Strip.join([edge, strip]) for strip in self.paint(text, width - edge.cell_length, "diff--gutter")]
        height, unwanted = self.line_height(index, width), row.hunk in self._unwanted
        columns = self._columns(row, width)
        sides = [self._paint_side(*column, height, self._room(width), unwanted=unwanted) for column in columns]
        return [Strip.join([edge, *parts]) for parts in zip(*sides, strict=True)]

    def _compare(self) -> None:
        diff, path = diff_of(self._proposal), self._proposal.path
        plain = [Content(line) for line in diff.old], [Content(line) for line in diff.new]
        self.app.call_later(partial(self._show, diff, *plain))
        self.app.call_later(partial(self._show, diff, coloured(diff.old, path), coloured(diff.new, path)))

    def _show(self, diff: Diff, old: list[Content], new: list[Content]) -> None:
        if self._judged and self._diff is None:
            self.post_message(self.Compared(diff.hunks))
        self._diff, self._old, self._new = diff, old, new
        self._painted.clear()
        self.lines_changed(0)

    @property
    def _edge(self) -> int:
        """Cells at the left edge that say what is judged."""
        return EDGE if self._judged else 0

    @property
    def _digits(self) -> int:
        return max(2, len(str(max(len(self._old), len(self._new)))))

    def _room(self, width: int) -> int:
        """Cells for code, beside the edge, the number, the mark and the spaces."""
        column = (width - self._edge) // (2 if self.side_by_side else 1)
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

    def _paint_edge(self, row: Row) -> Strip:
        if not self._judged:
            return Strip([])
        current = CURRENT if row.hunk is not None and row.hunk == self._current else " "
        cross = f"{UNWANTED} " if row.hunk in self._unwanted else "  "
        marks = (current, "diff--current"), (cross, "diff--cross")
        return Strip([Segment(text, self.get_visual_style(name).rich_style) for text, name in marks])

    def _paint_side(self, mark: str, index: int | None, height: int, room: int, *, unwanted: bool) -> list[Strip]:
        absent = index is None
        sign = " " if absent or mark == "=" else mark
        name = "diff--unwanted" if unwanted else STYLES[sign]
        number = "" if absent else str(index + 1)
        gutter = self.get_visual_style("diff--gutter").rich_style
        style = self.get_visual_style(name)
        line = self._code(mark, index)
        pieces = (line.without_spans if unwanted else line).fold(room)
        code = [strip for piece in pieces for strip in self.paint(piece, room, name)[:1]]
        blank = Strip.blank(room, style.rich_style)
        code += [blank] * (height - len(code))
        marked = self.get_visual_style("diff--unwanted" if unwanted else MARKS[sign]).rich_style
        first = [Segment(f"{number:>{self._digits}} ", gutter), Segment(f"{sign} ", marked)]
        later = [Segment(" " * (self._digits + 1), gutter), Segment("  ", style.rich_style)]
        return [Strip([*(first if at == 0 else later), *strip]) for at, strip in enumerate(code)]


def folded_height(code: Content, room: int) -> int:
    """Rows that a line of code takes in `room` cells."""
    text = code.plain
    return max(1, -(-len(text) // room)) if text.isascii() else len(code.fold(room))
