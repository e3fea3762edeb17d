"""The help screen: keys and commands.

Invariant: it lists the commands from the table that runs them.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from continual_code.ui.commands import COMMANDS
from continual_code.ui.screens.page import Page

KEYS = {
    "Prompt": {
        "Enter": "send",
        "Ctrl+J": "new line",
        "Ctrl+G": "write it in your own editor, $VISUAL or $EDITOR",
        "Up / Down": "earlier tasks, at the first and the last line",
        "Ctrl+R": "search them; again or Down for older ones, Enter takes it",
        "@ or Tab": "name a file",
        "! COMMAND": "run it in the sandbox, here; nothing is written, Esc stops it",
        "PgUp / PgDn": "scroll the transcript",
        "Shift+Tab": "mode: ask, accept edits, read-only (also on a proposal)",
        "Esc": "stop the answer, else the command, else the lesson",
        "Esc Esc": "with an empty prompt: undo the edits since an earlier task",
        "Ctrl+C": "twice to quit; Ctrl+Q quits at once",
    },
    "Proposal (F2)": {
        "y": "accept, the file is written",
        "Y": "accept with a comment",
        "n": "reject: say why, Enter sends",
        "any letter": "reject, and that letter starts the reason",
        "e": "edit the text, Ctrl+S accepts it",
        "Ctrl+G": "edit it in your own editor; back here Ctrl+S accepts it",
        "[ and ]": "the hunk before, the hunk after",
        "Space": "this hunk is not wanted (or is again); y writes the others",
        "d": "one column or two",
        "1 to 4": "start the reason with a common one",
        "Esc": "decide later",
    },
    "Screens": {
        "F1 or ?": "this help",
        "F2": "the proposal that waits",
        "F3": "before and after, of a lesson or /ab",
        "F4": "lessons: undo, go back to one, pin; c shows what the comment says of each token",
        "F5": "run the tests, in the sandbox; Esc stops them",
        "F6": "show a failure of the tests to the model",
        "F7": "commit the last edit: Ctrl+S makes the commit, with the message as you left it",
        "F8": "in that message: the model writes the subject; Esc stops it, Ctrl+Z takes it back",
        "Ctrl+P": "all commands, to search and choose from, and the colours",
    },
}


class HelpScreen(Page[None]):
    """Scrolls with the arrow keys; Esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,f1,question_mark", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            for heading, keys in KEYS.items():
                yield from _table(heading, keys)
            yield from _table("Commands", {f"/{name}": about for name, about in COMMANDS.items()})
        yield self.footer()

    @property
    def keys(self) -> str:
        return "Up, Down scroll · Esc close"


def _table(heading: str, rows: dict[str, str]) -> ComposeResult:
    yield Static(Content.styled(heading, ".strong"))
    for key, about in rows.items():
        with Horizontal(classes="key-row"):
            yield Static(Content(key), classes="key")
            yield Static(Content(about), classes="key-about")
    yield Static()
