"""The footer: the person's mode, what the engine does, which model answers, and which keys work now.

Invariant: it shows what its source says at this moment; it keeps no state of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from continual_code.ui.modes import Modes
from continual_code.ui.status import Status

TICK = 0.1


class Source(Protocol):
    """Whoever knows the truth: the app."""

    status: Status
    clock: Callable[[], float]
    modes: Modes

    @property
    def hint(self) -> str:
        """What to say instead of the keys, for a moment; usually empty."""
        ...


class StatusBar(Static):
    """Two rows, refreshed by `tick`; `keys` is asked for the second row each time."""

    def __init__(self, source: Source, keys: Callable[[], str]) -> None:
        super().__init__(markup=False)
        self._source, self._keys = source, keys
        self._shown: tuple[str, ...] = ()

    def on_mount(self) -> None:
        self.set_interval(TICK, self.tick)
        self.tick()

    def on_resize(self) -> None:
        self._shown = ()
        self.tick()

    def tick(self) -> None:
        """Repaint if anything changed since the last time."""
        status = self._source.status
        state = f"mode {self._source.modes.current.name} · {status.words(self._source.clock())}"
        width = self.size.width
        room = width - cell_len(state) - 2
        right = next((engine for engine in status.engine() if cell_len(engine) <= room), "")
        words = (state, right, self._source.hint or self._keys())
        if words != self._shown and width:
            self._shown = words
            self.update(self._painted(*words), layout=False)

    def _painted(self, state: str, right: str, keys: str) -> Content:
        width = self.size.width
        gap = " " * max(0, width - cell_len(state) - cell_len(right))
        return Content.assemble((state, ".status"), gap, (right, ".quiet"), "\n", (fitting(keys, width), ".quiet"))


def fitting(keys: str, width: int) -> str:
    """As many of the " · "-separated keys as fit, the last one always kept (it is the way out)."""
    parts = keys.split(" · ")
    while len(parts) > 1 and cell_len(" · ".join(parts)) > width:
        del parts[-2]
    return " · ".join(parts)[:width]
