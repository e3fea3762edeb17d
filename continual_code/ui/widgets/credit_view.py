"""The rejected answer with its marks.

Invariant: nothing is cut off, and a line that continues on the next row has one sign, beside its first row.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.strip import Strip

from continual_code.ui.credit import SIGNS, Line
from continual_code.ui.widgets.diff_view import folded_height
from continual_code.ui.widgets.lines import Lines

GUTTER = 2  # cells: the sign of the strongest objection in the line, and a space


class CreditView(Lines):
    """Scrolls with the arrow keys; the screen has the styles that the lines name."""

    def __init__(self) -> None:
        super().__init__(id="credit-view")
        self._lines: Sequence[Line] = ()

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def show(self, lines: Sequence[Line]) -> None:
        """Replace what is shown."""
        self._lines = lines
        self._painted.clear()
        self.lines_changed(0)

    def line_height(self, index: int, width: int) -> int:
        return folded_height(self._lines[index].content, _room(width))

    def paint_line(self, index: int, width: int) -> list[Strip]:
        line = self._lines[index]
        sign = (SIGNS[line.mark], f".credit-{line.mark}") if line.mark else " "
        first, *later = line.content.fold(_room(width))
        rows = [Content.assemble(sign, " ", first), *(Content.assemble(" " * GUTTER, piece) for piece in later)]
        return [strip for row in rows for strip in self.paint(row, width)[:1]]


def _room(width: int) -> int:
    return max(8, width - GUTTER)
