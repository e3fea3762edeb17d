"""Two proposals for the same task: the rejected one and the one after the lesson.

Invariant: both are compared with the same file, so what differs is what the lesson changed.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.widgets import Static

from continual_code.events import Proposal, Retried
from continual_code.ui.clean import clean_line
from continual_code.ui.widgets.diff_view import DiffView


class Comparison(Container):
    """Side by side on wide screens, one above the other on narrow ones; `toggle_layout` swaps that.

    `judged`: the new proposal waits for its verdict, so its hunks are told apart.
    """

    def __init__(self, retried: Retried, *, judged: bool) -> None:
        super().__init__(id="comparison")
        self._retried = retried
        self._after = DiffView(retried.after, judged=judged) if retried.after else None

    def compose(self) -> ComposeResult:
        yield from self._pane("Before", self._retried.before, DiffView(self._retried.before))
        if self._retried.after and self._after:
            yield from self._pane("After", self._retried.after, self._after)
            return
        with Vertical(classes="pane"):
            yield Static(Content.styled("After", ".strong"), classes="pane-title", markup=False)
            yield Static(Content(f"No edit this time. {clean_line(self._retried.reason, 400)}"), markup=False)

    def scroll_by(self, rows: int) -> None:
        for view in self.query(DiffView):
            view.scroll_by(rows)

    def toggle_layout(self) -> None:
        self.toggle_class("-swapped")

    def mark(self, hunk: int, unwanted: frozenset[int]) -> None:
        if self._after:
            self._after.mark(hunk, unwanted)

    def reveal(self, hunk: int) -> None:
        if self._after:
            self._after.reveal(hunk)

    def _pane(self, name: str, proposal: Proposal, view: DiffView) -> ComposeResult:
        about = f"  {clean_line(proposal.id, 12)} {clean_line(proposal.path, 40)} · r{proposal.revision}"
        with Vertical(classes="pane"):
            title = Content.assemble((name, ".strong"), (about, ".quiet"))
            yield Static(title, classes="pane-title", markup=False)
            yield view
