"""Keys and what they do, in two columns; one widget, for a hundred would take a fifth of a second to lay out."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.strip import Strip

from continual_code.ui.widgets.lines import Lines, wrapped_height

KEY_CELLS = 15


class KeyList(Lines, can_focus=True):
    """Scrolls with the arrow keys. `tables` are keys and their meanings under a heading each."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]], *, id: str) -> None:
        super().__init__(id=id)
        self._rows: list[tuple[str, str]] = []
        for heading, keys in tables.items():
            self._rows += [("", heading), *keys.items(), ("", "")]

    @property
    def line_count(self) -> int:
        return len(self._rows)

    def line_height(self, index: int, width: int) -> int:
        key, about = self._rows[index]
        return wrapped_height(Content(about), _room(width)) if key else 1

    def paint_line(self, index: int, width: int) -> list[Strip]:
        key, about = self._rows[index]
        if not key:
            return self.paint(Content.styled(about, ".strong"), width)
        first, *later = Content(about).wrap(_room(width))
        named = Content.assemble((f"  {key}".ljust(KEY_CELLS), ".learn"), first)
        return [self.paint(row, width)[0] for row in (named, *(Content(" " * KEY_CELLS) + each for each in later))]


def _room(width: int) -> int:
    return max(8, width - KEY_CELLS)
