"""The slash commands that ask something of the session, or of its mode.

Invariant: each says in the transcript what came of it; none waits on the screen's loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from textual.content import Content

from continual_code.errors import UsageError
from continual_code.port import Session
from continual_code.ui.calls import Calls, OnError
from continual_code.ui.clean import clean_line
from continual_code.ui.commands import Command
from continual_code.ui.modes import NOT_WRITTEN, ORDER, Modes
from continual_code.ui.narrate import quiet


class Errands:
    """`say` writes lines to the transcript."""

    def __init__(self, session: Session, calls: Calls, say: Callable[[Sequence[Content]], None], modes: Modes) -> None:
        self._session, self._calls, self._say, self._modes = session, calls, say, modes

    def run(self, command: Command, *, failed: OnError) -> bool:
        """Start what `command` asks for; False when it is not one of these."""
        match command.name:
            case "undo":
                self._calls.submit(lambda: self._undo(command.argument), failed=failed)
            case "export":
                self._calls.submit(lambda: self._export(command.argument), then=self._exported, failed=failed)
            case "mode":
                self._change_mode(command.argument)
            case _:
                return False
        return True

    def _undo(self, id: str) -> None:
        """Undo `id`, or the last applied edit when it is empty; the `Undone` event tells the rest."""
        chosen = id or self._session.last_applied()
        if not chosen:
            raise UsageError("There is no applied edit to undo.", do="/undo l3 undoes a lesson, /lessons lists them.")
        if chosen.startswith("p") and not self._modes.writes:
            raise UsageError(f"{chosen} was not undone.", kept=NOT_WRITTEN)
        self._session.undo(chosen)

    def _change_mode(self, word: str) -> None:
        if not self._modes.choose(word):
            modes = ", ".join(mode.word for mode in ORDER)
            known = f"There is no mode {clean_line(word, 40)}" if word else f"The mode is {self._modes.current.name}"
            self._say([quiet(f"{known}; /mode takes {modes}.")])

    def _export(self, directory: str) -> Path:
        """Export the adapter to `directory`, relative to the session's root."""
        if not directory:
            raise UsageError("/export needs a directory.", do="For example: /export adapter")
        return self._session.export(self._session.root / Path(directory).expanduser())

    def _exported(self, path: Path) -> None:
        self._say([Content.assemble(("✓ exported to ", ".good"), clean_line(str(path), 400)), quiet("")])
