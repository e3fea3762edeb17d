"""Text in the person's own editor, in place of the screen.

Invariant: only the person can read the file that the editor gets, and it is gone afterwards with whatever the editor
left beside it. Whatever the editor does, the screen comes back, and a text that it did not save is as it was.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from textual.app import App, SuspendNotSupported
from textual.content import Content

from continual_code.errors import ContinualCodeError
from continual_code.ui.clean import clean_line
from continual_code.ui.narrate import failure_of
from continual_code.ui.widgets.text_entry import TextEntry

KEPT = "Your text is as it was."


def edited(app: App[Any], text: str, name: str) -> str:
    """`text` as the person saved it in $VISUAL or $EDITOR, in a file of that name; the screen is away meanwhile.

    A newline that the editor put at the end of a text without one is left out again.

    Raises:
        ContinualCodeError: there is no editor, or it failed.
    """
    command = _command()
    try:
        with TemporaryDirectory(prefix="continual-code-", ignore_cleanup_errors=True) as directory:
            path = Path(directory) / clean_line(name)
            _write(path, text)
            _leave_to(app, [*command, str(path)])
            saved = path.read_bytes().decode()
    except (OSError, UnicodeError) as error:
        raise ContinualCodeError(f"The text could not be handed over: {clean_line(str(error))}.", kept=KEPT) from error
    return saved if text.endswith("\n") else saved.removesuffix("\n")


def go_on_elsewhere(app: App[Any], prompt: TextEntry, say: Callable[[Sequence[Content]], None]) -> None:
    """The prompt's text as `edited`; what it became is one step for Ctrl+Z, and `say` tells why there is none."""
    text = prompt.whole_text
    try:
        saved = edited(app, text, "task.md")
    except ContinualCodeError as error:
        say(failure_of(error))
        return
    if saved != text:
        prompt.select_all()
        prompt.paste(saved)


def _command() -> list[str]:
    line = os.environ.get("VISUAL", "").strip() or os.environ.get("EDITOR", "").strip()
    if not line:
        raise ContinualCodeError("No editor is set.", kept=KEPT, do="Set VISUAL or EDITOR, such as EDITOR=nano.")
    try:
        return shlex.split(line)
    except ValueError as error:
        raise ContinualCodeError(f"The editor {clean_line(line, 60)} cannot be read: {error}.", kept=KEPT) from error


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text.encode())


def _leave_to(app: App[Any], command: list[str]) -> None:
    """Raises ContinualCodeError unless the editor ended well; the screen is back in any case."""
    name, failure = clean_line(command[0], 60), ""
    try:
        with app.suspend(), _interrupts_are_the_editors():
            try:
                code = subprocess.call(command)
                failure = f"{name} ended with code {code}" if code else ""
            except OSError as error:  # nothing may be raised in here, or the screen stays away
                failure = f"{name} could not be started: {error.strerror}"
    except SuspendNotSupported:
        failure = "This terminal does not let the screen make way for an editor"
    if failure:
        raise ContinualCodeError(f"{failure}.", kept=KEPT)


@contextmanager
def _interrupts_are_the_editors() -> Iterator[None]:
    """Ctrl+C reaches every program of the terminal; here it must not end the screen behind the editor."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # not SIG_IGN, which the editor would inherit
    yield
    signal.signal(signal.SIGINT, before)
