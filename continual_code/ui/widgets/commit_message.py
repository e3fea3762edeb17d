"""The message of a commit, whose first line the model can write while the person looks on.

Invariant: a subject that the person has changed is never replaced, and what the model wrote in one go is one step for
Ctrl+Z.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from continual_code.ui.widgets.editor import Editor


class CommitMessage(Editor):
    """An editor with a subject, its first line. `begin`, then `write_subject` as often as there is more of it.

    `held` sees every key and every paste first, and says whether it was not for the message.
    """

    def __init__(self, held: Callable[[events.Key | events.Paste], bool], *, id: str) -> None:
        super().__init__(id=id)
        self._held = held

    async def _on_key(self, event: events.Key) -> None:
        if self._held(event):
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        if self._held(event):
            event.stop()
            event.prevent_default()
        else:
            await super()._on_paste(event)

    def open_message(self, text: str, proposed: str) -> None:
        """Load `text`; its subject counts as untouched if it is the `proposed` one."""
        self.open(text)
        self.move_cursor((0, len(self.subject)))
        self._untouched = {"", proposed}
        self.begin()

    @property
    def subject(self) -> str:
        return self.document.get_line(0)

    @property
    def is_touched(self) -> bool:
        """Whether the person has a subject of their own, or has changed what is being written."""
        return self.subject != self._piece[0] if self._piece else self.subject not in self._untouched

    @property
    def is_begun(self) -> bool:
        """Whether what was written since `begin` stands in the text."""
        return self._piece is not None

    def begin(self) -> None:
        """What is written from now on is a step of its own."""
        self._former = self.subject
        self._piece: tuple[str, str] | None = None  # the subject that was written last, and the whole text with it

    def write_subject(self, subject: str) -> None:
        """Put `subject` into the first line, in place of what was written since `begin`. A cursor below stays there."""
        if subject == self.subject:
            return
        selection = self.selection
        if self._piece and self._piece[1] == self.text:
            self.undo()
        self._replace_subject(subject)
        if selection.start[0] and selection.end[0]:
            self.selection = selection
        self._piece = subject, self.text

    def end(self) -> None:
        """The subject is whole; it counts as untouched."""
        self._untouched.add(self.subject)
        self._piece = None

    def take_back(self) -> None:
        """Bring back the subject of before `begin`, unless the person has changed it since."""
        if self._piece and not self.is_touched:
            if self._piece[1] == self.text:
                self.undo()
            else:  # further down something was changed, which must not be undone
                self._replace_subject(self._former)
        self._piece = None

    def _replace_subject(self, subject: str) -> None:
        self.history.checkpoint()
        self.replace(subject, (0, 0), (0, len(self.subject)))
        self.history.checkpoint()
