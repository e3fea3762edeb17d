"""Two answers to the same task, each with what it changes.

Invariant: both are compared with the same file, so what differs is what was learned in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from continual_code.events import Change
from continual_code.ui.clean import clean_line
from continual_code.ui.widgets.diff_view import DiffView


@dataclass(frozen=True, slots=True)
class Side:
    """An answer, its name and what is known `about` it; `reason` says why there is no `change`."""

    name: str
    about: str
    change: Change | None
    reason: str = ""


class Comparison(Container):
    """Side by side on wide screens, one above the other on narrow ones; `toggle_layout` swaps that.

    `judged`: what is at the right waits for its verdict, so its hunks are told apart.
    """

    def __init__(self, left: Side, right: Side, *, judged: bool = False) -> None:
        super().__init__(id="comparison")
        self._left, self._right = left, right
        self._after = DiffView(right.change, judged=judged) if right.change else None

    def compose(self) -> ComposeResult:
        yield from self._pane(self._left, DiffView(self._left.change) if self._left.change else None)
        yield from self._pane(self._right, self._after)

    def scroll_by(self, rows: int) -> None:
        for view in self.query(DiffView):
            view.scroll_by(rows)

    def page(self, pages: int) -> None:
        for view in self.query(DiffView):
            view.page(pages)

    def toggle_layout(self) -> None:
        self.toggle_class("-swapped")

    def mark(self, hunk: int, unwanted: frozenset[int]) -> None:
        if self._after:
            self._after.mark(hunk, unwanted)

    def reveal(self, hunk: int) -> None:
        if self._after:
            self._after.reveal(hunk)

    def _pane(self, side: Side, view: DiffView | None) -> ComposeResult:
        with Vertical(classes="pane"):
            title = Content.assemble((side.name, ".strong"), (f"  {side.about}", ".quiet"))
            yield Static(title, classes="pane-title", markup=False)
            yield view or Static(Content(f"No edit this time. {clean_line(side.reason, 400)}"), markup=False)
