"""F7 and /commit: the message of a commit, and what happens to it.

Invariant: nothing is committed before the person has seen its message and pressed Ctrl+S; a message that was written
and not used is there again the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.app import App
from textual.content import Content

from continual_code.errors import ContinualCodeError, UsageError
from continual_code.events import Applied, Committed, Event, Started, Undone
from continual_code.port import CommitDraft, Session
from continual_code.ui.calls import Calls, OnError
from continual_code.ui.clean import clean_line
from continual_code.ui.modes import NOT_WRITTEN
from continual_code.ui.narrate import failure_of
from continual_code.ui.screens.commit import CommitScreen
from continual_code.ui.widgets.status_bar import Source


class Committing:
    """`say` writes lines to the transcript, `type_on` into the prompt. `offers`: every accepted edit is offered."""

    def __init__(
        self,
        source: Source,
        session: Session,
        calls: Calls,
        say: Callable[[Sequence[Content]], None],
        type_on: Callable[[str], None],
    ) -> None:
        self._source, self._session, self._calls, self._say, self._type_on = source, session, calls, say, type_on
        self._messages: dict[str, str] = {}
        self._offered = ""
        self.offers = False

    def hear(self, event: Event) -> bool:
        """Take in what was written; True when it should be offered now."""
        match event:
            case Applied(id) if self.offers:
                self._offered = id
                return True
            case Committed(id) | Undone(id) if id == self._offered:
                self._offered = ""
            case Started(retry_of=None):
                self._offered = ""
        return False

    def notice(self) -> str:
        """What F7 would do, while an edit is offered."""
        return f"F7 commits {clean_line(self._offered, 12)}" if self._offered else ""

    def begin(self, app: App[None], proposal_id: str = "", *, failed: OnError | None = None) -> None:
        """Show the message for the edit of a proposal; `failed` says why there is none."""
        show = partial(self._show, app, unasked=False)
        self._calls.submit(partial(self._draft, proposal_id), then=show, failed=failed)

    def offer(self, app: App[None], is_free: Callable[[], bool]) -> None:
        """Show the message for the last edit, if the person is still free to look at it once it is known."""
        show = partial(self._show, app, unasked=True)
        self._calls.submit(partial(self._draft, ""), then=lambda draft: show(draft) if is_free() else None)

    def _draft(self, proposal_id: str) -> CommitDraft:
        if not self._source.modes.writes:
            raise UsageError("No commit was made.", kept=NOT_WRITTEN)
        return self._session.commits.draft(proposal_id)

    def _show(self, app: App[None], draft: CommitDraft, *, unasked: bool) -> None:
        if not isinstance(app.screen, CommitScreen):
            message = self._messages.pop(draft.proposal_id, draft.message)
            screen = CommitScreen(
                self._source, self._session, self._calls, draft, message, self._type_on, grace=unasked
            )
            app.push_screen(screen, partial(self._decided, draft))

    def _decided(self, draft: CommitDraft, outcome: tuple[str, bool] | None) -> None:
        if outcome is None:
            return
        message, agreed = outcome
        self._messages[draft.proposal_id] = message
        if agreed:
            make = partial(self._session.commits.make, draft.proposal_id, message, draft.others)
            self._calls.submit(make, failed=self._refused)

    def _refused(self, error: ContinualCodeError) -> None:
        self._say(failure_of(error))
