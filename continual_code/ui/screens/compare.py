"""Two answers side by side: before and after a lesson, or of two revisions.

Invariant: it claims "learned" only where the engine measured it, and its figures are the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from continual_code.events import Answer, Compared, Proposal, Verdict
from continual_code.ui.clean import clean_line
from continual_code.ui.grace import Grace, typed
from continual_code.ui.headline import title_of
from continual_code.ui.looks import Look
from continual_code.ui.narrate import compared_words, retried_words
from continual_code.ui.reviews import Pending
from continual_code.ui.screens.page import Page, Topic
from continual_code.ui.widgets.body import scrolled
from continual_code.ui.widgets.comparison import Comparison, Side
from continual_code.ui.widgets.review import Review
from continual_code.ui.widgets.status_bar import Source

Judgement = tuple[Pending, Verdict]
WEIGHTS_ALONE = "The weights alone: one prompt for both, no rules in it. Nothing is kept."


class CompareScreen(Page[Judgement | None]):
    """Dismissed with the verdict on what is at the right, or with None.

    `pending` is None where nothing waits for a verdict; `grace`: the person did not open it; `type_on` takes
    what was typed or pasted here and belongs to the prompt.
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
        pending: Pending | None,
        type_on: Callable[[str], None],
        *,
        grace: bool,
    ) -> None:
        super().__init__(source)
        self._headline, self._pending, self._type_on = headline, pending, type_on
        self._body = Comparison(*sides, judged=pending is not None)
        self._is_unasked, self._grace = grace, Grace(source.clock, holds=grace)

    def compose(self) -> ComposeResult:
        yield Static(self._headline, id="compare-title", markup=False)
        if self._pending is None:
            yield self._body
        else:
            title = title_of(self._pending.proposal)
            yield Review(self._pending, title, self._body, self.source, grace=self._is_unasked)
        yield self.footer()

    @property
    def topic(self) -> Topic:
        return "Screens" if self._pending is None else "Proposal"

    @property
    def keys(self) -> str:
        review = self.query(Review).first() if self.query(Review) else None
        return review.keys if review else "Up, Down, PgUp, PgDn scroll · d columns · Esc back"

    def on_key(self, event: events.Key) -> None:
        if self._is_early and (words := typed(event)):
            self._leave_with(words)
            event.stop()
        elif self._pending is None and not scrolled(self._body, event.key) and event.key == "d":
            self._body.toggle_layout()

    def on_paste(self, event: events.Paste) -> None:
        if self._is_early:
            self._leave_with(event.text)

    @property
    def _is_early(self) -> bool:
        """Whether words are for the prompt, from the first letter on: none of them decides anything here."""
        return self._pending is None and not (self.is_current and self._grace.is_over)

    def _leave_with(self, words: str) -> None:
        """Go back to the prompt; what comes until the screen is gone follows."""
        self._type_on(words)
        self.dismiss(None)

    def on_review_judged(self, message: Review.Judged) -> None:
        message.stop()
        self.dismiss((message.pending, message.verdict))

    def on_review_typed(self, message: Review.Typed) -> None:
        message.stop()
        self._leave_with(message.text)

    def on_review_put_aside(self) -> None:
        self.dismiss(None)

    def on_review_mode_changed(self) -> None:
        self.tick()


def after_lesson(
    source: Source, look: Look, pending: Pending | None, type_on: Callable[[str], None], *, grace: bool
) -> CompareScreen:
    """The rejected answer and the one after the lesson; the latter may wait for its verdict."""
    retried = look.retried
    mark, style = ("●", ".good") if retried.held else ("○", ".bad")
    reason = f": {clean_line(retried.reason)}" if retried.reason else ""
    headline = Content.assemble((f"{mark} {retried_words(retried)}", style), reason, "\n", (_figures(look), ".quiet"))
    before = Side("Before", _about(retried.before), retried.before)
    after = Side("After", _about(retried.after) if retried.after else "", retried.after, retried.reason)
    return CompareScreen(source, headline, (before, after), pending, type_on, grace=grace)


def of_revisions(source: Source, compared: Compared, type_on: Callable[[str], None], *, grace: bool) -> CompareScreen:
    """What two revisions answered; there is nothing to judge."""
    rules = f"\nLeft out of it: {clean_line('; '.join(compared.rules), 200)}" if compared.rules else ""
    task = f"\n{clean_line(compared.task.text, 200)}"
    headline = Content.assemble((compared_words(compared), ".strong"), task, (f"\n{WEIGHTS_ALONE}{rules}", ".quiet"))
    sides = _side(compared.before), _side(compared.after)
    return CompareScreen(source, headline, sides, None, type_on, grace=grace)


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
