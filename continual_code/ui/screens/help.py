"""The help screen: keys and commands.

Invariant: it lists the commands from the table that runs them.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from continual_code.ui.commands import COMMANDS
from continual_code.ui.screens.page import Page, Topic
from continual_code.ui.widgets.key_list import KeyList
from continual_code.ui.widgets.status_bar import Source

KEYS = {
    "Prompt": {
        "Enter": "send",
        "Ctrl+J": "new line; where the terminal tells it apart, Shift+Enter as well",
        "Ctrl+G": "write it in your own editor, $VISUAL or $EDITOR",
        "Up / Down": "earlier tasks, at the first and the last line",
        "Ctrl+R": "search them; again or Down for older ones, Enter takes it",
        "@": "name a file",
        "! COMMAND": "run it in the sandbox, here; nothing is written, Esc stops it",
        "Tab": "with a list of names open: take the chosen one, as Enter does after Up or Down; Esc closes it",
        "PgUp / PgDn": "scroll the transcript",
        "Shift+Tab": "mode: ask, accept edits, read-only (also on a proposal)",
        "Esc": "stop the answer, else the command, else the lesson",
        "Esc Esc": "with an empty prompt: undo the edits since an earlier task",
        "Ctrl+C": "copy what is selected; with nothing selected, twice to quit; Ctrl+Q quits at once",
    },
    "Proposal (F2)": {
        "y": "accept, the file is written",
        "Y": "accept with a comment",
        "n": "reject: say why, Enter sends",
        "any letter": "reject, and that letter starts the reason",
        "e": "edit the text, Ctrl+S accepts it; once you have begun to, only a second y takes the model's",
        "Ctrl+G": "edit it in your own editor; back here Ctrl+S accepts it",
        "[ and ]": "the hunk before, the hunk after",
        "Space": "this hunk is not wanted (or is again); y writes the others",
        "d": "one column or two",
        "1 to 4": "start the reason with a common one",
        "Up / Down": "scroll; PgUp and PgDn by pages, Home and End to the ends",
        "Esc": "decide later; while a comment or the text is open: back to the card, nothing is lost",
    },
    "Lists (F4, /rewind, /search, /model)": {
        "Up / Down": "choose, as k and j do; PgUp and PgDn by ten, Home and End to the ends",
        "Enter": "/rewind, /search, /model: take the chosen one",
        "u": "F4: undo the lesson",
        "b": "F4: go back to its revision",
        "p": "F4: pin it, or no longer",
        "c": "F4: what its comment says of each token",
        "Esc or q": "back",
    },
    "Screens: F2 to F7 work at the prompt and on a proposal": {
        "F1 or ?": "this help",
        "F2": "the proposal that waits",
        "F3": "before and after, of a lesson or /ab",
        "F4": "lessons",
        "F5": "run the tests, in the sandbox; Esc stops them",
        "F6": "show a failure of the tests to the model",
        "F7": "commit the last edit: Ctrl+S makes the commit, with the message as you left it",
        "F8": "in that message: the model writes the subject; Esc stops it, Ctrl+Z takes it back",
        "Ctrl+P": "all commands, to search and choose from, and the colours",
    },
}


class HelpScreen(Page[None]):
    """Begins with `topic`, what it was called from; scrolls with the arrow keys; Esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,f1,question_mark", "dismiss", "Close")]

    def __init__(self, source: Source, topic: Topic) -> None:
        super().__init__(source)
        self._topic = topic

    def compose(self) -> ComposeResult:
        tables = {**KEYS, "Commands": {f"/{name}": about for name, about in COMMANDS.items()}}
        headings = sorted(tables, key=lambda heading: not heading.startswith(self._topic))
        yield KeyList({heading: tables[heading] for heading in headings}, id="help")
        yield self.footer()

    @property
    def keys(self) -> str:
        return "Up, Down, PgUp, PgDn scroll · Esc close"
