"""A screen on which the person picks one thing out of a list.

Invariant: leaving without a choice changes nothing, and what a choice does stands on the screen before it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from continual_code.ui.screens.page import Page, Topic
from continual_code.ui.widgets.choices import Choices, RowText
from continual_code.ui.widgets.status_bar import Source


@dataclass(frozen=True, slots=True)
class Choice:
    """`row` is its line in the list, `detail` what is said about it below; both must be cleaned already."""

    id: str
    row: RowText
    detail: Content


class Picker(Page[str | None]):
    """Dismissed with the id of the choice, or with None. `choices` holds at least one; `verb` says what Enter does."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Back")]

    def __init__(self, source: Source, heading: str, choices: Sequence[Choice], *, verb: str) -> None:
        super().__init__(source)
        self._heading, self._choices, self._verb = heading, choices, verb

    def compose(self) -> ComposeResult:
        yield Static(Content.styled(self._heading, ".strong"), id="picker-heading", markup=False)
        yield Choices([choice.row for choice in self._choices], id="picker-choices")
        yield Static(self._choices[0].detail, id="picker-detail", markup=False)
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one(Choices).focus()

    @property
    def topic(self) -> Topic:
        return "Lists"

    @property
    def keys(self) -> str:
        return f"Up, Down choose · Enter {self._verb} · Esc back"

    def on_choices_moved(self) -> None:
        self.query_one("#picker-detail", Static).update(self._chosen.detail)

    def on_choices_chosen(self) -> None:
        self.dismiss(self._chosen.id)

    @property
    def _chosen(self) -> Choice:
        return self._choices[self.query_one(Choices).cursor]
