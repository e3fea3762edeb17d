"""The one line in which the person says why.

Invariant: while it has the focus every letter, digit and Tab is text or nothing; no key
that would judge a proposal elsewhere does so here.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from continual_code.ui.widgets.text_entry import TextEntry


class Comment(TextEntry):
    """Enter sends (empty is allowed), Esc goes back and keeps the text."""

    class Sent(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The person went back; the text stays in the comment."""

    def paste(self, text: str) -> None:
        super().paste(" ".join(text.splitlines()))

    async def _on_key(self, event: events.Key) -> None:
        match event.key:
            case "enter":
                self.post_message(self.Sent(self.whole_text.strip()))
            case "escape":
                self.post_message(self.Left())
            case "tab" | "shift+tab" | "ctrl+j":
                pass
            case _:
                await super()._on_key(event)
                return
        event.stop()
        event.prevent_default()
