"""What all screens share: the footer and the names of the text styles.

Invariant: every screen ends in the same footer, so the truth about the learner never leaves the view; and a screen is
left once, whatever was pressed before it was gone.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import Screen, ScreenResultType

from continual_code.ui.widgets.status_bar import Source, StatusBar

Topic = Literal["Prompt", "Proposal", "Lists", "Screens"]  # each begins a heading of the help


class Page(Screen[ScreenResultType]):
    """A screen with a footer; subclasses yield `self.footer()` last and say which `keys` work."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("question_mark", "app.help", "Help")]
    # Content refers to these as ".good" and so on; base.tcss gives them their colours.
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "good", "bad", "quiet", "strong", "learn", "status", "added", "removed", "chosen"
    }  # fmt: skip

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    @property
    def keys(self) -> str:
        raise NotImplementedError

    @property
    def topic(self) -> Topic:
        """What the help begins with when it is called from here."""
        return "Screens"

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Leave the screen; a second key that arrives after that would leave the one below, and does nothing."""
        return super().dismiss(result) if self.app.screen is self else AwaitComplete.nothing()

    def footer(self) -> StatusBar:
        return StatusBar(self.source, lambda: self.keys)

    def tick(self) -> None:
        """Bring the footer up to date now."""
        for bar in self.query(StatusBar):
            bar.tick()
