"""Two answers side by side: before and after a lesson, or of two revisions.

Invariant: it claims "learned" only where the engine measured it, and its figures are the engine's.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from continual_code.events import Answer, Compared, Proposal, Verdict
from continual_code.ui.clean import clean_line
from continual_code.ui.headline import title_of
from continual_code.ui.looks import Look
from continual_code.ui.narrate import compared_words, retried_words
from continual_code.ui.reviews import Pending
from continual_code.ui.screens.page import Page, Topic
from continual_code.ui.widgets.comparison import Comparison, Side
from continual_code.ui.widgets.review import PAGES, SCROLLS, Review
from continual_code.ui.widgets.status_bar import Source

Judgement = tuple[Pending, Verdict]
WEIGHTS_ALONE = "The weights alone: one prompt for both, no rules in it. Nothing is kept."


class CompareScreen(Page[Judgement | str | None]):
    """Dismissed with the verdict on what is at the right, with words that belong to the prompt, or with None.

    `pending` is None where nothing waits for a verdict.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss", "Back"),
        ("shift+tab", "app.next_mode", "Mode"),
    ]

    def __init__(
        self,
        source: Source,
        headline: Content,
        sides: tuple[Side, Side],
        pending: Pending | None = None,
        *,
        grace: bool = False,
    ) -> None:
        super().__init__(source)
        self._headline, self._sides, self._pending = headline, sides, pending
        self._grace = grace

    def compose(self) -> ComposeResult:
        yield Static(self._headline, id="compare-title", markup=False)
        body = Comparison(*self._sides, judged=self._pending is not None)
        if self._pending is None:
            yield body
        else:
            yield Review(self._pending, title_of(self._pending.proposal), body, self.source, grace=self._grace)
        yield self.footer()

    @property
    def topic(self) -> Topic:
        return "Screens" if self._pending is None else "Proposal"

    @property
    def keys(self) -> str:
        review = self.query(Review).first() if self.query(Review) else None
        return review.keys if review else "Up, Down, PgUp, PgDn scroll · d columns · Esc back"

    def on_key(self, event: events.Key) -> None:
        if self._pending is None and event.key in SCROLLS:
            self.query_one(Comparison).scroll_by(SCROLLS[event.key])
        elif self._pending is None and event.key in PAGES:
            self.query_one(Comparison).page(PAGES[event.key])
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


def after_lesson(source: Source, look: Look, pending: Pending | None, *, grace: bool) -> CompareScreen:
    """The rejected answer and the one after the lesson; the latter may wait for its verdict."""
    retried = look.retried
    mark, style = ("●", ".good") if retried.held else ("○", ".bad")
    reason = f": {clean_line(retried.reason)}" if retried.reason else ""
    headline = Content.assemble((f"{mark} {retried_words(retried)}", style), reason, "\n", (_figures(look), ".quiet"))
    before = Side("Before", _about(retried.before), retried.before)
    after = Side("After", _about(retried.after) if retried.after else "", retried.after, retried.reason)
    return CompareScreen(source, headline, (before, after), pending, grace=grace)


def of_revisions(source: Source, compared: Compared) -> CompareScreen:
    """What two revisions answered; there is nothing to judge."""
    rules = f"\nLeft out of it: {clean_line('; '.join(compared.rules), 200)}" if compared.rules else ""
    task = f"\n{clean_line(compared.task.text, 200)}"
    headline = Content.assemble((compared_words(compared), ".strong"), task, (f"\n{WEIGHTS_ALONE}{rules}", ".quiet"))
    return CompareScreen(source, headline, (_side(compared.before), _side(compared.after)))


def _side(answer: Answer) -> Side:
    made_by = ", ".join(f"lesson {clean_line(id, 12)}" for id in answer.lesson_ids)
    about = "the base" if not answer.revision else made_by
    path = clean_line(answer.edit.path, 40) if answer.edit else ""
    return Side(f"r{answer.revision}", " · ".join(filter(None, (about, path))), answer.edit, answer.reason)


def _about(proposal: Proposal) -> str:
    return f"{clean_line(proposal.id, 12)} {clean_line(proposal.path, 40)} · r{proposal.revision}"


def _figures(look: Look) -> str:
    report = look.learned.report if look.learned else None
    if report is None:
        return f"what the comment still says: {look.retried.gap:.2f} nats a token"
    loss = f"loss {report.loss_before:.2f} → {report.loss_after:.2f}"
    revision = f" · r{report.revision}" if report.revision is not None else ""
    return f"gap {report.gap:.2f} → {look.retried.gap:.2f} · {loss} · {report.seconds:.1f} s{revision}"
