"""What a terminal shows after everything that was written to it.

Invariant: a row is as wide as the screen, whatever is shown in it instead of what was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from functools import cache
from itertools import groupby
from typing import Any

import pyte
from pyte.screens import Char
from rich.style import Style
from rich.text import Text

ALTERNATE = 1049  # the mode in which a program paints a screen of its own, and leaves the shell's as it was
FLAGS = {
    "bold": "bold",
    "italics": "italic",
    "underscore": "underline",
    "strikethrough": "strike",
    "reverse": "reverse",
}


class Screen:
    """So many columns and rows; `shown_as` says what is shown instead of some texts, which must be no longer."""

    def __init__(self, columns: int, rows: int, shown_as: Mapping[str, str]) -> None:
        self.columns, self.rows = columns, rows
        self._shown_as = shown_as
        self._screen = _WithAlternate(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def feed(self, written: bytes) -> None:
        self._stream.feed(written)

    @property
    def text(self) -> str:
        """All rows, without styles and as they were written."""
        return "\n".join(self._screen.display)

    def row(self, index: int) -> Text:
        return Text.assemble(*self._runs(index))

    def changed(self) -> list[int]:
        """The rows that changed since the last call."""
        rows = sorted(row for row in self._screen.dirty if row < self.rows)
        self._screen.dirty.clear()
        return rows

    def _runs(self, index: int) -> Iterator[tuple[str, Style]]:
        line = self._screen.buffer[index]
        for style, cells in groupby((line[column] for column in range(self.columns)), _style):
            text = "".join(cell.data for cell in cells)
            for written, shown in self._shown_as.items():
                text = text.replace(written, shown).ljust(len(text))
            yield text, style


class _WithAlternate(pyte.Screen):
    """With the second screen that programs use for themselves, which `pyte` leaves out."""

    def set_mode(self, *modes: int, **kwargs: Any) -> None:
        if ALTERNATE in modes:
            self._aside = deepcopy(self.buffer), copy(self.cursor)
            self.erase_in_display(2)
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: Any) -> None:
        super().reset_mode(*modes, **kwargs)
        if ALTERNATE in modes:
            self.buffer, self.cursor = self._aside
            self.dirty.update(range(self.lines))


def _style(cell: Char) -> Style:
    return _style_of(cell.fg, cell.bg, tuple(name for flag, name in FLAGS.items() if getattr(cell, flag)))


@cache
def _style_of(colour: str, ground: str, flags: tuple[str, ...]) -> Style:
    return Style.parse(" ".join([*flags, _colour(colour), "on", _colour(ground)]))


def _colour(name: str) -> str:
    """A colour by `pyte`'s name as `rich` calls it."""
    if len(name) == 6 and not set(name) - set("0123456789abcdef"):
        return f"#{name}"
    return name.replace("brown", "yellow").replace("bright", "bright_")
