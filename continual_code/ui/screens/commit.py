"""The message of a commit, to be changed before it is made.

Invariant: only Ctrl+S makes the commit, never with a subject that the model is still writing; what was typed is handed
back however the screen is left.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from continual_code.errors import ContinualCodeError
from continual_code.events import Event, Worded, Wording
from continual_code.port import CommitDraft, Session
from continual_code.ui.calls import Calls
from continual_code.ui.clean import clean_line
from continual_code.ui.grace import Grace
from continual_code.ui.screens.page import Page
from continual_code.ui.widgets.commit_message import CommitMessage
from continual_code.ui.widgets.notice import Notice
from continual_code.ui.widgets.status_bar import Source

ABOUT = "What you have staged stays staged; no hook runs."
YOURS = "The subject is no longer the proposed one and stays. Empty it for F8."
WAITING = "Waiting for the answer; then the model writes the subject."
READING = "The model reads the change and writes the subject."
STOPPED = "The model was stopped; the message is yours."


class CommitScreen(Page[tuple[str, bool]]):
    """Dismissed with the message, and whether to commit with it.

    `grace`: the person did not open it; `type_on` takes what was typed or pasted here and belongs to the prompt.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f8", "write", "The model writes the subject")]

    def __init__(
        self,
        source: Source,
        session: Session,
        calls: Calls,
        draft: CommitDraft,
        message: str,
        type_on: Callable[[str], None],
        *,
        grace: bool,
    ) -> None:
        super().__init__(source)
        self._type_on, self._grace = type_on, Grace(source.clock, holds=grace)
        self._session, self._calls = session, calls
        self._draft, self._message = draft, message
        self._asked = self._reading = False
        self._note = ""

    def compose(self) -> ComposeResult:
        id, path = clean_line(self._draft.proposal_id, 12), clean_line(self._draft.path)
        heading = f"Commit {id} ({path}) on {clean_line(self._draft.branch)}"
        yield Static(Content.styled(heading, ".strong"), id="commit-heading", markup=False)
        others = clean_line(", ".join(self._draft.others))
        holds = f"this edit and what it builds on, {others}" if others else "this edit alone"
        yield Static(Content.styled(f"The commit holds {holds}. {ABOUT}", ".quiet"), id="commit-about", markup=False)
        yield Notice()
        yield CommitMessage(self._hold, id="commit-message")
        yield self.footer()

    def on_mount(self) -> None:
        self.message.open_message(self._message, proposed=self._draft.message.partition("\n")[0])
        self.message.focus()

    @property
    def message(self) -> CommitMessage:
        return self.query_one(CommitMessage)

    @property
    def keys(self) -> str:
        if self._asked:
            return "Esc stops the model" if self.message.is_begun else "Ctrl+S commits · Esc stops the model"
        return "Ctrl+S commits · F8 asks the model · Esc back, no commit"

    def hear(self, event: Event) -> None:
        """Show what the model writes; what comes after it was stopped is nothing to look at."""
        if self._asked:
            match event:
                case Wording(id, subject) if id == self._draft.proposal_id:
                    self._reading = True
                    self._write(subject)
                case Worded(id, subject, note) if id == self._draft.proposal_id:
                    self._end(subject, note)
            self._show()

    def on_editor_accepted(self, message: CommitMessage.Accepted) -> None:
        if not (self._asked and self.message.is_begun):
            self._leave(message.text, agreed=True)

    def on_editor_left(self) -> None:
        if self._asked:
            self.message.take_back()
            self._stop(STOPPED)
        else:
            self._leave(self.message.text, agreed=False)

    def action_write(self) -> None:
        if self._asked:
            return
        if self.message.is_touched:
            self._note = YOURS
        else:
            self._asked, self._reading = True, False
            self.message.begin()
            ask = partial(self._session.commits.write_subject, self._draft.proposal_id)
            self._calls.submit(ask, failed=self._refused)
        self._show()

    def _hold(self, event: events.Key | events.Paste) -> bool:
        """Whether it came before the message could be read, or after it was left."""
        if self.is_current and self._grace.is_over:
            return False
        if words := self._grace.words(event):
            self._type_on(words)
            self._leave(self.message.text, agreed=False)
        return True

    def _write(self, subject: str) -> None:
        if self.message.is_touched:
            self._stop("You changed the subject, so the model was stopped.")
        elif subject:
            self.message.write_subject(subject)

    def _end(self, subject: str, note: str) -> None:
        self._write(subject)
        if not self._asked:  # the person was faster
            return
        self._asked = False
        if subject:
            self.message.end()
            self._note = f"The model wrote the subject; Ctrl+Z takes it back. {clean_line(note)}"
        else:
            self.message.take_back()
            self._note = f"{clean_line(note)} The message is as it was."

    def _refused(self, error: ContinualCodeError) -> None:
        if self.is_attached:
            self._asked, self._note = False, clean_line(str(error), 400)
            self._show()

    def _stop(self, note: str) -> None:
        self._asked, self._note = False, note
        self._calls.submit(self._session.commits.stop_writing)  # after the request that it stops
        self._show()

    def _leave(self, text: str, *, agreed: bool) -> None:
        if self._asked:
            self._stop("")
        self.dismiss((text, agreed))

    def _show(self) -> None:
        """Bring the note and the footer up to date."""
        waits = self.source.status.answering and not self._reading
        note = (WAITING if waits else READING) if self._asked else self._note
        self.query_one(Notice).show([Content.styled(note, ".learn")] if note else [])
        self.tick()
