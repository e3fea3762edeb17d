"""A program for a pseudo-terminal: the app while everything it is told is hostile.

With "naive" as argument it paints the same payloads with a plain Textual widget instead.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from hostile import PAYLOADS
from scripted import ScriptedSession, credited, learned, lesson, proposal, ready
from textual.app import App, ComposeResult
from textual.widgets import Static

from continual_code.events import Failed, Listener, NoEdit, Proposed, Started, Streamed, StudiedAgain, Task
from continual_code.port import Opened
from continual_code.ui import run

TEXT = "\n".join(f"{name} {payload} shown" for name, payload in PAYLOADS.items())


class Naive(App[None]):
    def compose(self) -> ComposeResult:
        # Lone surrogates cannot be written at all: without them, so that the rest is.
        yield Static(TEXT.encode(errors="ignore").decode(), markup=False)


class Hostile(ScriptedSession):
    def start(self, listener: Listener) -> Opened:
        opened = super().start(listener)
        task = Task(TEXT)
        self.play(replace(ready(), model=TEXT, device=TEXT), Started(task, 1, 2, (TEXT,)))
        self.play(*(Streamed(f"{name} {payload} shown\n") for name, payload in PAYLOADS.items()))
        self.play(NoEdit(task, TEXT), learned(status="failed", reason=TEXT), Failed(TEXT, TEXT, TEXT))
        self.play(credited(TEXT, tuple(PAYLOADS.values()), (-3.0,) * len(PAYLOADS)))
        self.play(StudiedAgain(lesson(TEXT), None, 1.0, TEXT))
        self.play(Proposed(proposal(path=TEXT, before=None, after=TEXT, left_out=(TEXT,))))
        return opened


if __name__ == "__main__":
    if sys.argv[1:] == ["naive"]:
        Naive().run()
    else:
        sys.exit(run(Hostile()).code)
