"""What a comment says of each token of the rejected answer, while its lesson is learned and afterwards.

Invariant: what is marked can be told from the rest without colours, and a newer step on the same lesson is shown at
once.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from continual_code.events import Credited, Event, Lesson
from continual_code.ui.clean import clean_line
from continual_code.ui.credit import MARKS, SIGNS, argued_against, marked_lines
from continual_code.ui.narrate import NOTHING_ARGUED
from continual_code.ui.screens.page import Page
from continual_code.ui.widgets.credit_view import CreditView
from continual_code.ui.widgets.status_bar import Source

ABOUT = "The rejected answer, token by token; what you wrote is"


class CreditScreen(Page[None]):
    """Scrolls; Esc closes."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,c", "dismiss", "Back")]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"credit-{mark}" for mark in MARKS}

    def __init__(self, source: Source, lesson: Lesson, credited: Credited) -> None:
        super().__init__(source)
        self._lesson, self._credited = lesson, credited

    def compose(self) -> ComposeResult:
        yield Static(id="credit-heading", markup=False)
        yield CreditView()
        yield self.footer()

    def on_mount(self) -> None:
        self._show()

    @property
    def keys(self) -> str:
        return "Up, Down, PgUp, PgDn scroll · Esc back"

    def hear(self, event: Event) -> None:
        """Something happened while it is open."""
        if isinstance(event, Credited) and event.lesson_id == self._lesson.id:
            self._credited = event
            self._show()

    def _show(self) -> None:
        tokens, gaps = self._credited.tokens, self._credited.gaps
        for heading in self.query("#credit-heading").results(Static):
            heading.update(_heading(self._lesson, is_blamed=bool(argued_against(tokens, gaps))))
        for view in self.query(CreditView):
            view.show(marked_lines(tokens, gaps))


def _heading(lesson: Lesson, *, is_blamed: bool) -> Content:
    named = [Content.styled(f"{SIGNS.get(mark, '')} {name}", f".credit-{mark}") for mark, (name, _) in MARKS.items()]
    return Content.assemble(
        (f"{clean_line(lesson.id, 12)}  ", ".quiet"),
        (clean_line(lesson.comment, 400) or "(your own edit)", ".strong"),
        "\n",
        (ABOUT if is_blamed else f"{NOTHING_ARGUED.capitalize()}.", ".quiet"),
        "\n",
        Content(" ").join(named),  # 58 cells: one row of the narrowest screen
    )
