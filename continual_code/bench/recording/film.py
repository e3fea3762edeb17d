"""What is kept of a screen: pictures (SVG), and a film of all that happened (asciicast, version 2).

Invariant: the film repaints rows that changed, so every moment of it is a whole screen.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console
from rich.text import Text

from continual_code.bench.recording.screen import Screen

TITLE = "continual-code"
BETWEEN = 0.1  # seconds of film from one change to the next


def picture(screen: Screen) -> str:
    """The screen as it is, as an SVG document."""
    console = Console(record=True, file=io.StringIO(), width=screen.columns, color_system="truecolor")
    for index in range(screen.rows):
        console.print(screen.row(index), no_wrap=True, crop=True)
    return console.export_svg(title=TITLE)


class Film:
    """A film of `screen`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._console = Console(
            file=io.StringIO(), width=screen.columns, force_terminal=True, color_system="truecolor", no_color=False
        )
        self._now = 0.0
        self._next = 0.0
        self._events: list[str] = []

    def advance(self, seconds: float) -> None:
        """So much of the film has passed, and the screen is as it is."""
        self._now += seconds
        if self._now >= self._next and (rows := self._screen.changed()):
            painted = "".join(f"\x1b[{row + 1};1H{self._ansi(self._screen.row(row))}" for row in rows)
            self._events.append(json.dumps([round(self._now, 2), "o", painted]))
            self._next = self._now + BETWEEN

    def save(self, path: Path) -> None:
        header = {"version": 2, "width": self._screen.columns, "height": self._screen.rows, "title": TITLE}
        path.write_text("\n".join([json.dumps(header), *self._events, ""]), encoding="utf-8")

    def _ansi(self, row: Text) -> str:
        with self._console.capture() as capture:
            self._console.print(row, end="", no_wrap=True, crop=True)
        return capture.get()
