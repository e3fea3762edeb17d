"""Commits of accepted edits, each by consent: a message is proposed, and the person makes it theirs.

Invariant: nothing is committed but by `make`, which is called with the message that the person has seen; the model
is asked for a subject only when the person wants that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from continual_code.errors import ContinualCodeError, UsageError
from continual_code.events import Committed, Listener, Proposal, Worded, Wording
from continual_code.jobs import Jobs, Urgency
from continual_code.port import CommitDraft
from continual_code.subjects import shortened, subject_in

if TYPE_CHECKING:  # the first frame waits for this module, and must not wait for the journal or for torch
    from continual_code.desk import Desk
    from continual_code.engine import Engine
    from continual_code.learning.turns import Turns

NO_SUBJECT = "The model wrote nothing that could be a subject."
TRAILER = "Continual-Code-Lesson"


class LiveCommits:
    """See `port.Commits`.

    Args:
        jobs, turns: the model writes on the serving thread, before the learner.
        engine: raises ContinualCodeError while no model is loaded.
    """

    def __init__(
        self, desk: Callable[[], Desk], emit: Listener, jobs: Jobs, turns: Turns, engine: Callable[[], Engine]
    ) -> None:
        self._desk, self._emit = desk, emit
        self._jobs, self._turns, self._engine = jobs, turns, engine
        self._stop = threading.Event()

    def draft(self, proposal_id: str = "") -> CommitDraft:
        desk = self._desk()
        id = proposal_id or desk.last_applied()
        if not id:
            raise UsageError("There is no applied edit to commit.", kept="No commit was made.")
        record, made = desk.applied(id), desk.journal.commits.of(id)
        if made:
            raise UsageError(f"{id} is committed already, as {made[:12]}.", kept="No other commit was made.")
        branch, held = _held(desk, id)
        proposals = [desk.journal.proposal(each) for each in held]
        lessons = [desk.journal.commits.lesson_from(each.retry_of) for each in proposals if each.retry_of]
        message = proposed_message(proposals[-1], [lesson for lesson in lessons if lesson])
        return CommitDraft(id, record.path, branch, message, tuple(held[:-1]))

    def make(self, proposal_id: str, message: str, others: Sequence[str] = ()) -> None:
        from continual_code.workspace import commit_edit

        desk = self._desk()
        edits = desk.uncommitted(proposal_id)
        if not message.strip():
            raise UsageError("The message is empty.", kept="No commit was made.")
        held = [*others, proposal_id]
        if held != list(edits)[-len(held) :]:
            raise UsageError("It would hold other edits than it was said.", kept="No commit was made.", do="Try again.")
        made = commit_edit(desk.root, [edits[each] for each in held], message)
        for each in held:
            desk.journal.commits.add(each, made.id)
        self._emit(Committed(proposal_id, edits[proposal_id].path, made.id, made.branch, made.index_behind))

    def write_subject(self, proposal_id: str) -> None:
        self._engine()
        desk, self._stop = self._desk(), threading.Event()  # one each: a request that was stopped may still be waiting
        task, path = desk.journal.proposal(proposal_id).task.text, desk.applied(proposal_id).path
        _, (first, *_) = _held(desk, proposal_id)
        ask = partial(self._ask, proposal_id, path, task, desk.change(proposal_id, first), self._stop)
        self._jobs.put(Urgency.PERSON, partial(self._write, proposal_id, ask, self._stop))

    def stop_writing(self) -> None:
        self._stop.set()

    # --- The serving thread ---

    def _write(self, proposal_id: str, ask: Callable[[], Worded], stop: threading.Event) -> None:
        """Say what came of it, whatever that is, unless it was stopped."""
        if stop.is_set():
            return
        worded = Worded(proposal_id, "", NO_SUBJECT)
        try:
            worded = ask()
        except ContinualCodeError as error:
            worded = Worded(proposal_id, "", str(error))
        finally:
            if not stop.is_set():
                self._emit(worded)

    def _ask(self, proposal_id: str, path: str, task: str, change: str, stop: threading.Event) -> Worded:
        self._emit(Wording(proposal_id))
        with self._turns.serving():
            written = self._engine().subjects.write(
                path, task, change,
                on_text=lambda answer: self._emit(Wording(proposal_id, subject_in(answer))),
                stopped=lambda: stop.is_set() or self._turns.closed,
            )  # fmt: skip
        subject = subject_in(written.answer)
        note = f"It read {written.left_out} of the change." if written.left_out else ""
        return Worded(proposal_id, subject, note if subject else NO_SUBJECT)


def _held(desk: Desk, proposal_id: str) -> tuple[str, list[str]]:
    """The branch that a commit of the edit would go to, and the proposals whose edits it would hold, the oldest first.

    Raises:
        UsageError, WorkspaceError: see `Commits.draft`.
    """
    from continual_code.workspace import committable

    edits = desk.uncommitted(proposal_id)
    found = committable(desk.root, list(edits.values()))
    return found.branch, list(edits)[-found.edits :]


def proposed_message(proposal: Proposal, lessons: Sequence[str]) -> str:
    """The first line of the task, and the lessons from which the edits came.

    The model is not asked: it would read the change for seconds while the person waits to type one line.
    """
    first = next((line for line in proposal.task.text.splitlines() if line.strip()), "") or f"Edit {proposal.path}"
    subject = shortened(first)
    trailers = "\n".join(f"{TRAILER}: {lesson}" for lesson in dict.fromkeys(lessons))
    return f"{subject}\n\n{trailers}" if trailers else subject
