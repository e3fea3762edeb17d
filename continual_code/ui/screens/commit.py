"""The message of a commit, to be changed before it is made.

Invariant: only Ctrl+S makes the commit; what was typed is handed back however the screen is left.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from continual_code.port import CommitDraft
from continual_code.ui.clean import clean_line
from continual_code.ui.screens.page import Page
from continual_code.ui.widgets.editor import Editor
from continual_code.ui.widgets.status_bar import Source

ABOUT = "The commit holds this edit alone. What you have staged stays staged; no hook runs."


class CommitScreen(Page[tuple[str, bool]]):
    """Dismissed with the message, and whether to commit with it."""

    def __init__(self, source: Source, draft: CommitDraft, message: str) -> None:
        super().__init__(source)
        self._draft, self._message = draft, message

    def compose(self) -> ComposeResult:
        id, path = clean_line(self._draft.proposal_id, 12), clean_line(self._draft.path)
        heading = f"Commit {id} ({path}) on {clean_line(self._draft.branch)}"
        yield Static(Content.styled(heading, ".strong"), id="commit-heading", markup=False)
        yield Static(Content.styled(ABOUT, ".quiet"), id="commit-about", markup=False)
        yield Editor(id="commit-message")
        yield self.footer()

    def on_mount(self) -> None:
        editor = self.query_one(Editor)
        editor.open(self._message)
        editor.move_cursor((0, len(self._message.partition("\n")[0])))
        editor.focus()

    @property
    def keys(self) -> str:
        return "Ctrl+S commits · Esc back, without a commit"

    def on_editor_accepted(self, message: Editor.Accepted) -> None:
        self.dismiss((message.text, True))

    def on_editor_left(self) -> None:
        self.dismiss((self.query_one(Editor).text, False))
