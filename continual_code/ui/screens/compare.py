"""The before-and-after screen: what the rejected task gets now that the lesson is learned.

Invariant: it claims "learned" only where the engine measured it, and its figures are the engine's.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from continual_code.events import Verdict
from continual_code.ui.clean import clean_line
from continual_code.ui.headline import title_of
from continual_code.ui.narrate import retried_words
from continual_code.ui.retries import Look
from continual_code.ui.reviews import Pending
from continual_code.ui.screens.page import Page
from continual_code.ui.widgets.comparison import Comparison
from continual_code.ui.widgets.review import SCROLLS, Review
from continual_code.ui.widgets.status_bar import Source

Judgement = tuple[Pending, Verdict]


class CompareScreen(Page[Judgement | str | None]):
    """Dismissed with the verdict on the new proposal, with words that belong to the prompt, or with None.

    `pending` is None when the new proposal has its verdict already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss", "Back"),
        ("shift+tab", "app.next_mode", "Mode"),
    ]

    def __init__(
        self,
        source: Source,
        look: Look,
        pending: Pending | None,
        *,
        grace: bool,
    ) -> None:
        super().__init__(source)
        self._retried, self._learned, self._pending = look.retried, look.learned, pending
        self._grace = grace

    def compose(self) -> ComposeResult:
        yield Static(self._headline(), id="compare-title", markup=False)
        body = Comparison(self._retried, judged=self._pending is not None)
        if self._pending is None:
            yield body
        else:
            yield Review(self._pending, title_of(self._pending.proposal), body, self.source, grace=self._grace)
        yield self.footer()

    @property
    def keys(self) -> str:
        review = self.query(Review).first() if self.query(Review) else None
        return review.keys if review else "Up, Down scroll · d columns · Esc back"

    def on_key(self, event: events.Key) -> None:
        if self._pending is None and event.key in SCROLLS:
            self.query_one(Comparison).scroll_by(SCROLLS[event.key])
        elif self._pending is None and event.key == "d":
            self.query_one(Comparison).toggle_layout()

    def on_review_judged(self, message: Review.Judged) -> None:
        message.stop()
        self.dismiss((message.pending, message.verdict))

    def on_review_typed(self, message: Review.Typed) -> None:
        message.stop()
        self.dismiss(message.text)

    def on_review_put_aside(self) -> None:
        self.dismiss(None)

    def on_review_mode_changed(self) -> None:
        self.tick()

    def _headline(self) -> Content:
        retried = self._retried
        mark, style = ("●", ".good") if retried.held else ("○", ".bad")
        reason = f": {clean_line(retried.reason)}" if retried.reason else ""
        return Content.assemble((f"{mark} {retried_words(retried)}", style), reason, "\n", (self._figures(), ".quiet"))

    def _figures(self) -> str:
        report = self._learned.report if self._learned else None
        if report is None:
            return f"what the comment still says: {self._retried.gap:.2f} nats a token"
        loss = f"loss {report.loss_before:.2f} → {report.loss_after:.2f}"
        revision = f" · r{report.revision}" if report.revision is not None else ""
        return f"gap {report.gap:.2f} → {self._retried.gap:.2f} · {loss} · {report.seconds:.1f} s{revision}"
