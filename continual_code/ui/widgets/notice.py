"""The lines above the prompt that say what waits for the person.

Invariant: it is laid out again only when its words change, since the footer's events come often.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static


class Notice(Static):
    """Hidden while there is nothing to say; its lines are cleaned already."""

    def __init__(self) -> None:
        super().__init__(id="notice", markup=False)
        self._lines: list[Content] = []

    def on_mount(self) -> None:
        self.display = False

    def show(self, lines: Sequence[Content]) -> None:
        """Replace the lines."""
        if [line.plain for line in lines] == [line.plain for line in self._lines]:
            return
        self._lines = list(lines)
        self.display = bool(lines)
        self.update(Content("\n").join(lines))
