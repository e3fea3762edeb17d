"""Commits of accepted edits, each by consent: a message is proposed, and the person makes it theirs.

Invariant: nothing is committed but by `make`, which is called with the message that the person has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from textwrap import shorten
from typing import TYPE_CHECKING

from continual_code.errors import UsageError
from continual_code.events import Committed, Listener, Proposal
from continual_code.port import CommitDraft

if TYPE_CHECKING:  # the first frame waits for this module, and must not wait for the journal
    from continual_code.desk import Desk

SUBJECT = 72  # characters
TRAILER = "Continual-Code-Lesson"


class LiveCommits:
    """See `port.Commits`."""

    def __init__(self, desk: Callable[[], Desk], emit: Listener) -> None:
        self._desk, self._emit = desk, emit

    def draft(self, proposal_id: str = "") -> CommitDraft:
        from continual_code.workspace import branch_for

        desk = self._desk()
        id = proposal_id or desk.last_applied()
        if not id:
            raise UsageError("There is no applied edit to commit.", kept="No commit was made.")
        record, made, proposal = desk.applied(id), desk.journal.commits.of(id), desk.journal.proposal(id)
        if made:
            raise UsageError(f"{id} is committed already, as {made[:12]}.", kept="No other commit was made.")
        lesson = desk.journal.commits.lesson_from(proposal.retry_of) if proposal.retry_of else None
        return CommitDraft(id, record.path, branch_for(desk.root, record), proposed_message(proposal, lesson))

    def make(self, proposal_id: str, message: str) -> None:
        from continual_code.workspace import commit_edit

        desk = self._desk()
        record = desk.applied(proposal_id)
        if not message.strip():
            raise UsageError("The message is empty.", kept="No commit was made.")
        made = commit_edit(desk.root, record, message)
        desk.journal.commits.add(proposal_id, made.id)
        self._emit(Committed(proposal_id, record.path, made.id, made.branch, made.index_behind))


def proposed_message(proposal: Proposal, lesson_id: str | None) -> str:
    """The first line of the task, and the lesson from which the edit came.

    The model is not asked: it would read the diff for seconds while the person waits to type one line.
    """
    first = next((line for line in proposal.task.text.splitlines() if line.strip()), "") or f"Edit {proposal.path}"
    subject = shorten(first, SUBJECT, placeholder=" …").removesuffix(".")
    subject = first.strip()[:SUBJECT] if subject == "…" else subject  # one word that is longer
    return f"{subject}\n\n{TRAILER}: {lesson_id}" if lesson_id else subject
