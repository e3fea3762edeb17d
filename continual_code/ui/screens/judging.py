"""The part of the main screen that judges: the card of a proposal, and two answers side by side.

Invariant: a card opens by itself only while the person types nothing and judges nothing, and a proposal
whose verdict could not be recorded waits on.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from continual_code.errors import ContinualCodeError
from continual_code.events import Compared, Proposal, Retried, Verdict
from continual_code.port import Session
from continual_code.ui.calls import Calls
from continual_code.ui.headline import title_of
from continual_code.ui.looks import Looks
from continual_code.ui.narrate import accepted_unseen, failure_of, quiet
from continual_code.ui.reviews import Pending, Reviews
from continual_code.ui.screens.compare import Judgement, after_lesson, of_revisions
from continual_code.ui.screens.page import Page, Topic
from continual_code.ui.widgets.diff_view import DiffView
from continual_code.ui.widgets.prompt import Prompt
from continual_code.ui.widgets.review import Review
from continual_code.ui.widgets.status_bar import Source


class JudgingPage(Page[None]):
    """A page with a prompt and a container `#card`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "review", "Review"),
        Binding("f3", "compare", "Before and after"),
        Binding("shift+tab", "app.next_mode", "Mode"),
    ]

    def __init__(self, source: Source, session: Session, calls: Calls) -> None:
        super().__init__(source)
        self._session, self._calls = session, calls
        self._reviews = Reviews()
        self._looks = Looks()
        self._proposals: dict[str, Proposal] = {}

    @property
    def prompt(self) -> Prompt:
        return self.query_one(Prompt)

    @property
    def review(self) -> Review | None:
        """The open card, if any."""
        return next((card for card in self.query(Review) if card.is_attached and not card.closing), None)

    @property
    def topic(self) -> Topic:
        return "Proposal" if self.review is not None and self.review.has_focus_within else "Prompt"

    def say(self, lines: Iterable[Content]) -> None:
        """Write lines to the transcript."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        self._offer()

    def action_review(self) -> None:
        if self.review is not None:
            self.review.resume()
        elif pending := self._reviews.first():
            self._open(pending, grace=False)

    def action_compare(self) -> None:
        self._compare(grace=False)

    def _refresh(self) -> None:
        """Bring the notice and the footer up to date."""
        raise NotImplementedError

    def _take(self, proposal: Proposal) -> Pending:
        """From now on `proposal` waits for its verdict."""
        self._proposals[proposal.id] = proposal
        return self._reviews.add(proposal)

    def _proposed(self, proposal: Proposal) -> None:
        """Accept a proposal that the mode takes, or show it."""
        pending = self._take(proposal)
        if self.source.modes.takes(proposal):
            self.say(accepted_unseen(proposal))
            self._judge(pending, Verdict(proposal.id, "accept"))
        else:
            self._offer()

    def _to_look_at(self, event: Retried | Compared) -> None:
        self._looks.add(event)
        if self._free:
            self._compare(grace=True)

    @property
    def _free(self) -> bool:
        """Whether the focus may move: the person types nothing and judges nothing."""
        return self.is_active and self.review is None and not self.prompt.in_use

    def _offer(self) -> None:
        """Open the oldest proposal that was not shown yet, if the person is free."""
        if self._free and (pending := self._reviews.unseen()):
            self._open(pending, grace=True)

    def _open(self, pending: Pending, *, grace: bool) -> None:
        proposal = pending.proposal
        pending.seen = True
        body = DiffView(proposal, judged=True, id="diff")
        title = title_of(proposal, waiting=len(self._reviews))
        self.query_one("#card").mount(Review(pending, title, body, self.source, grace=grace))
        self.set_class(True, "-reviewing")
        self._refresh()

    def _close(self) -> None:
        self.query(Review).remove()
        self.set_class(False, "-reviewing")
        self.prompt.focus()
        self._refresh()

    def on_review_judged(self, message: Review.Judged) -> None:
        self._close()
        self._judge(message.pending, message.verdict)

    def on_review_put_aside(self) -> None:
        self._close()

    def on_review_typed(self, message: Review.Typed) -> None:
        if self.query(Review):
            self._close()
        self.prompt.paste(message.text)

    def on_review_mode_changed(self) -> None:
        self.tick()

    def _judge(self, pending: Pending, verdict: Verdict) -> None:
        self._reviews.remove(pending.proposal.id)
        self._calls.submit(partial(self._session.judge, verdict), failed=partial(self._not_judged, pending))
        self._offer()
        self._refresh()

    def _not_judged(self, pending: Pending, error: ContinualCodeError) -> None:
        self._reviews.put_back(pending)
        self.say(failure_of(error))
        self._refresh()

    def _compare(self, *, grace: bool) -> None:
        look = self._looks.look()
        if look is None:
            self.say([quiet("No lesson was tried again yet, and no revisions were compared.")])
        elif isinstance(look, Compared):
            self.app.push_screen(of_revisions(self.source, look, self.prompt.paste, grace=grace), self._compared)
        else:
            after = look.retried.after
            pending = self._reviews.get(after.id) if after else None
            screen = after_lesson(self.source, look, pending, self.prompt.paste, grace=grace)
            self.app.push_screen(screen, self._compared)

    def _compared(self, outcome: Judgement | None) -> None:
        if outcome is not None:
            self._judge(*outcome)
        self._refresh()
