"""The lines below a proposal: what a reason does, or why the last key did not do what it does.

Invariant: what was said in answer to a key stands until the next thing is done on the card.
"""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from continual_code.ui.card import invitation
from continual_code.ui.reviews import Pending


class Hint(Static):
    """`said` is the answer that stands there; empty while it invites."""

    def __init__(self) -> None:
        super().__init__(id="review-hint", markup=False)
        self.said = ""

    def invite(self, pending: Pending) -> None:
        self.said = ""
        self.update(invitation(pending))

    def say(self, text: str) -> None:
        """Answer with cleaned `text`, whatever else is open."""
        self.said = text
        self.update(Content.styled(text, ".bad"))
        self.display = True
