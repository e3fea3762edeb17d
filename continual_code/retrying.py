"""After a lesson its task is asked again, without the comment: the only proof that a person trusts.

Invariant: a task is asked again once for each lesson of this session, on the serving thread; what came of a rejected
one is measured on the learning thread and kept in the journal before the screen hears of it. Of a proposal that was
taken, changed or in part, both answers are only shown: its file has moved on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from continual_code.comparing import show_lesson
from continual_code.errors import ContinualCodeError
from continual_code.events import HELD_SHARE, Event, Lesson, NoEdit, Proposal, Proposed, Retried, VerdictKind
from continual_code.jobs import Jobs, Urgency

if TYPE_CHECKING:  # they load torch
    from continual_code.learning.head import Published
    from continual_code.serving import Serving


class Retries:
    """Asks the rejected tasks of one session again.

    Args:
        serving: what answers; raises ContinualCodeError while the model is still loading.
        wanted: whether a task is asked again by itself at all.
    """

    def __init__(
        self, serving: Callable[[], Serving], jobs: Jobs, emit: Callable[[Event], None], *, wanted: bool
    ) -> None:
        self._serving, self._jobs, self._emit, self._wanted = serving, jobs, emit, wanted
        # By lesson, of this session: the tasks of earlier ones are not asked again.
        self._waiting: dict[str, VerdictKind] = {}

    def expect(self, lesson: Lesson, kind: VerdictKind) -> None:
        """A verdict taught something: the task is to be asked again once the lesson counts."""
        if self._wanted:
            self._waiting[lesson.id] = kind

    def begin(self, lesson: Lesson, published: Published | None) -> None:
        """The lesson counts from now on: in the weights that were published, or as a line of the prompt."""
        kind = self._waiting.pop(lesson.id, None)
        if kind == "reject":
            self._jobs.put(Urgency.RETRY, lambda: self._ask(lesson, published))
        elif kind and published:
            self._jobs.put(Urgency.RETRY, lambda: self._show(lesson, published.revision))

    def _show(self, lesson: Lesson, revision: int) -> None:
        serving = self._serving()
        taken = serving.engine.lineage.journal.proposal(lesson.proposal_id)
        show_lesson(serving, lesson.id, taken, revision)

    def _ask(self, lesson: Lesson, published: Published | None) -> None:
        serving = self._serving()
        engine = serving.engine
        before = engine.lineage.journal.proposal(lesson.proposal_id)
        try:
            after = serving.propose(before.task, retry_of=before.id, known=published)
        except ContinualCodeError as error:
            self._emit(NoEdit(before.task, str(error), "", before.id))
            self._emit(Retried(lesson.id, before, None, False, lesson.gap or 0.0, str(error)))
            return
        self._emit(Proposed(after))
        engine.worker.do(partial(self._measure, lesson, before, after))

    def _measure(self, lesson: Lesson, before: Proposal, after: Proposal) -> None:
        """What the comment still holds against the answer (on the learning thread)."""
        engine = self._serving().engine
        journal, worker = engine.lineage.journal, engine.worker
        rollouts = journal.rollout(before.id), journal.rollout(after.id)
        old_gap, new_gap = worker.objections(lesson.comment, *rollouts)
        follows = worker.shows(lesson, *rollouts) or new_gap <= HELD_SHARE * old_gap
        held = follows and after.after != before.after
        journal.checks.retried(lesson.id, after.revision, held)
        self._emit(Retried(lesson.id, before, after, held, new_gap))
