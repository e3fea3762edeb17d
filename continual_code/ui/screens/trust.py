"""The question whether a project's own settings count, asked before anything of them does.

Invariant: every character of every setting can be read here before the answer, and whatever the person was typing
when the screen came, nothing but a choice of theirs trusts the file.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from continual_code.port import TrustAnswer, TrustQuestion
from continual_code.ui.clean import clean, clean_line
from continual_code.ui.grace import Grace
from continual_code.ui.screens.page import Page
from continual_code.ui.widgets.choices import Choices
from continual_code.ui.widgets.status_bar import Source

WHY = (
    "It came with the project, and settings can run commands (tests.command runs after your edits, in the sandbox) "
    "and choose which model is fetched and how it learns. Nothing of it counts yet."
)


class _Choice(NamedTuple):
    answer: TrustAnswer
    row: str


CHOICES = (
    _Choice("ignore", "Ignore it, and ask again next time"),
    _Choice("once", "Trust it for this session"),
    _Choice("always", "Trust this content always; a changed file asks again"),
)


class TrustScreen(Page[TrustAnswer]):
    """Dismissed with the answer; a file with a fault can only be ignored."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss('ignore')", "Ignore"),
        Binding("pageup", "scroll(-1)", priority=True),  # of the settings: three choices need no pages
        Binding("pagedown", "scroll(1)", priority=True),
    ]

    def __init__(self, source: Source, question: TrustQuestion) -> None:
        super().__init__(source)
        self._question = question
        self._grace = Grace(source.clock, holds=True)

    def compose(self) -> ComposeResult:
        path = clean_line(self._question.path, 400)
        yield Static(Content.styled(f"Trust the settings in {path}?", ".strong"), id="trust-heading", markup=False)
        yield Static(Content.styled(WHY, ".quiet"), id="trust-why", markup=False)
        with VerticalScroll(id="trust-settings", can_focus=False):
            yield Static(self._settings(), markup=False)
        yield Choices([choice.row for choice in self._choices], id="trust-choices")
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one(Choices).focus()

    @property
    def keys(self) -> str:
        return "Up, Down choose · Enter decides · PgUp, PgDn scroll · Esc ignores it"

    def action_scroll(self, pages: int) -> None:
        settings = self.query_one("#trust-settings")
        settings.scroll_relative(y=pages * max(1, settings.size.height - 1), animate=False)

    def on_choices_chosen(self) -> None:
        if self._grace.is_over:
            self.dismiss(self._choices[self.query_one(Choices).cursor].answer)

    @property
    def _choices(self) -> tuple[_Choice, ...]:
        return CHOICES[:1] if self._question.fault else CHOICES

    def _settings(self) -> Content:
        if self._question.fault:
            return Content.styled(f"It cannot be used: {clean(self._question.fault)}", ".bad")
        return Content("\n".join(map(clean, self._question.settings)) or "(it sets nothing)")
