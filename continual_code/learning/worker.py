"""The background thread that turns pending verdicts into revisions, one after the other.

Invariant: only this thread touches the learning view and moves the head; a lesson ends
exactly once, or stays pending when the program stops.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from torch import Tensor

from continual_code.errors import ContinualCodeError, DamagedError, Interrupted, StateError, unexpected
from continual_code.events import (
    Credited,
    Event,
    Failed,
    Learned,
    LearnerState,
    Lesson,
    Rollout,
    StepReport,
)
from continual_code.feedback.rows import PendingLesson
from continual_code.learning.head import Head, Published
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Candidate, Credit, Evidence, Stage
from continual_code.learning.lineage import Lineage
from continual_code.learning.turns import Turns
from continual_code.learning.upkeep import Upkeep
from continual_code.model.threads import dismiss_helpers
from continual_code.settings import LearningSettings

POLL_SECONDS = 1.0  # how often verdicts recorded by other processes, and a lock that became free, are looked for


class Worker:
    """Learns in the background.

    Args:
        learner: built on the learning view, with `turns.pause` as its pause; it is handed whom to tell what is being
            done, and what a comment says of each token of the rejected answer.
        initial: the tensors of revision 0.
        evidence: what the teacher is shown for a lesson.
        publish: hands a new head to the serving side.
        remind: tells the serving side that a comment is kept as a line of the prompt from now on.
        emit: sends an event to the screen.
        settings: how long nothing must be wanted before it looks after earlier lessons, and for how long.
    """

    def __init__(
        self,
        lineage: Lineage,
        learner: Callable[[Stage, Credit], Learner],
        turns: Turns,
        *,
        initial: Mapping[str, Tensor],
        lora: Mapping[str, object],
        evidence: Callable[[PendingLesson], Evidence],
        publish: Callable[[Published], None],
        remind: Callable[[Lesson], None],
        emit: Callable[[Event], None],
        settings: LearningSettings,
    ) -> None:
        self._lineage, self._turns, self._initial, self._lora = lineage, turns, initial, lora
        self._evidence_of, self._remind, self._emit = evidence, remind, emit
        self._learner, self._settings = learner(self._stage, self._credit), settings
        self.head = Head(lineage, initial, publish, lambda trouble: emit(Failed(trouble)))
        self._upkeep = Upkeep(
            lineage, self._learner, settings, lora=lora, adapter=self.head.adapter, evidence=evidence, emit=emit
        )
        self._wake = threading.Event()
        self._jobs: deque[Callable[[], None]] = deque()
        self._current: tuple[str, float] | None = None
        self._is_stuck = False  # what failed would fail again: nothing is tried before something is wanted
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)

    def start(self) -> None:
        self._jobs.append(self._prepare)
        self._thread.start()

    def wake(self) -> None:
        """There may be a new verdict."""
        self._turns.want()
        self._wake.set()

    def do(self, job: Callable[[], None]) -> None:
        """Run `job` on the learning thread, before the next lesson."""
        self._jobs.append(job)
        self.wake()

    def read_ahead(self, proposal_id: str) -> None:
        """The person looks at a proposal: meanwhile read what a lesson from its rejection would begin with."""
        self.do(lambda: self._read_ahead(proposal_id))

    def close(self, timeout: float) -> None:
        """Stop; a lesson in progress stays pending."""
        self._turns.close()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        if not self._thread.is_alive():
            self._lineage.lock.release()

    def objections(self, comment: str, *rollouts: Rollout) -> list[float]:
        """How much a comment argues against each answer, nats per token (on the learning thread)."""
        return [self._learner.objection_to(rollout, comment) for rollout in rollouts]

    def shows(self, lesson: Lesson, rejected: Rollout, answer: Rollout) -> bool:
        """Whether most of what a lesson taught is in an answer and was not in the rejected one."""
        return any(each.shows_in(answer.token_ids, rejected.token_ids) for each in self._lineage.left_by(lesson))

    # --- The thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while not self._turns.closed:
            try:
                self._work()
            except Interrupted:
                continue
            except ContinualCodeError as error:
                self._emit(Failed(error.what, error.kept, error.do))
            except Exception as error:  # the top of this thread: say it, go on with the next lesson
                self._emit(Failed(unexpected(error), "The adapter stays as it was."))
            dismiss_helpers()
            self._wake.wait(POLL_SECONDS)

    def _work(self) -> None:
        self._is_stuck = self._is_stuck and not self._wake.is_set()
        self._wake.clear()  # first: what comes from now on is not overlooked
        learns = self._lineage.lock.held or self._take_over()
        while self._jobs and not self._turns.closed:
            self._turns.begin()  # whoever cancelled a lesson did not mean what comes after it
            self._jobs.popleft()()
        if not learns:
            self.head.follow()
            self._emit(LearnerState("read_only", stage=f"process {self._lineage.lock.holder()} is learning"))
            return
        try:
            self._learn_what_waits()
        except ContinualCodeError as error:
            self._is_stuck = not isinstance(error, Interrupted)  # a full disk, say, of which no lesson is to blame
            raise

    def _learn_what_waits(self) -> None:
        while not (self._turns.closed or self._jobs or self._is_stuck):
            pending = self._next()
            if pending is None:
                self._look_after()
                return
            try:
                self._attempt(pending)
            finally:
                self._current = None

    def _next(self) -> PendingLesson | None:
        """The lesson that waits longest; those of a proposal that cannot be read any more end before it."""
        while True:
            try:
                pending = self._lineage.journal.pending(self._lineage.key, limit=1)
                return pending[0] if pending else None
            except DamagedError as error:
                damaged = next(each.id for each in self._lineage.lessons() if each.status == "pending")
                self._conclude(damaged, _without_effect(damaged, "failed", str(error)))

    def _look_after(self) -> None:
        """Nothing waits: see to earlier lessons, if nobody has wanted anything for a while."""
        if self._turns.idle_for < self._settings.idle_seconds:
            self._upkeep.rest()
        else:
            self._turns.begin(self._is_wanted)
            if self._upkeep.work():
                self.head.serve()
        self._emit(LearnerState("idle"))

    def _is_wanted(self) -> bool:
        return self._wake.is_set() or self._turns.idle_for < self._settings.idle_seconds

    def _read_ahead(self, proposal_id: str) -> None:
        if self._lineage.lock.held:
            rollout = self._lineage.journal.rollout(proposal_id)
            self._turns.begin(self._wake.is_set)  # a verdict goes first
            self._learner.read_ahead(rollout)

    def _take_over(self) -> bool:
        """Become the one that learns; False while another process is. What it published is served from now on."""
        if not self._lineage.lock.try_acquire():
            return False
        if trouble := self._lineage.recover():
            self._emit(Failed(trouble))
        self.head.serve()
        self._jobs.append(self._prepare)
        return True

    def _prepare(self) -> None:
        if self._lineage.lock.held:  # whoever does not learn would read for nothing
            waiting = self._lineage.journal.queued(self._lineage.key)
            self._emit(LearnerState("preparing", queued=waiting))
            self._learner.prepare(None if self._lineage.head else self._initial)

    def _attempt(self, pending: PendingLesson) -> None:
        lesson_id, journal = pending.lesson.id, self._lineage.journal
        self._turns.begin()
        adapter = self.head.adapter()
        self._current = (lesson_id, time.monotonic())
        try:
            journal.begin_attempt(lesson_id)
            candidate = self._learn(pending, adapter)
        except Interrupted:
            if self._turns.closed:
                journal.release(lesson_id)
                raise
            candidate = _without_effect(lesson_id, "refused", "You stopped it.")
        except ContinualCodeError as error:
            if journal.lesson(lesson_id).status != "pending":  # parked by begin_attempt
                self._emit(Failed(error.what, error.kept, error.do))
                return
            candidate = _without_effect(lesson_id, "failed", str(error))
        except Exception as error:  # out of memory, a broken kernel, a bug: a second try would end the same way
            candidate = _without_effect(lesson_id, "failed", f"The step failed: {unexpected(error)}")
        self._conclude(lesson_id, candidate)

    def _learn(self, pending: PendingLesson, adapter: Mapping[str, Tensor]) -> Candidate:
        evidence, earlier, lines = self._evidence_of(pending), self._lineage.taught(), self._lineage.lines()
        given = pending.rollout, evidence, adapter, self._lineage.head
        return self._learner.learn(pending.lesson.id, *given, earlier, lines)

    def _conclude(self, lesson_id: str, candidate: Candidate) -> None:
        try:
            report = self._store(lesson_id, candidate)
        except (OSError, StateError) as error:
            with suppress(StateError):
                self._lineage.journal.release(lesson_id)
            if isinstance(error, StateError):
                raise
            raise StateError(
                f"What {lesson_id} taught could not be stored: {error.strerror or error}.",
                kept="The lesson waits, and the adapter stays as it was.",
                do="Make room; it is learned again when you next ask for something.",
            ) from error
        lesson = self._lineage.journal.lesson(lesson_id)
        self._emit(Learned(lesson, report))
        if candidate.tensors is not None and report.revision is not None:
            self.head.hand_over(Published(report.revision, candidate.tensors, lesson, candidate.reasked))
        elif report.status == "memory":
            self._remind(lesson)

    def _store(self, lesson_id: str, candidate: Candidate) -> StepReport:
        report = candidate.report
        if candidate.tensors is None:
            self._make_way(report)
            self._lineage.journal.finish(lesson_id, report)
            return report
        self._stage("saving")
        number = self._lineage.publish(lesson_id, report, candidate.tensors, self._lora)
        return replace(report, revision=number)

    def _make_way(self, report: StepReport) -> None:
        """Take back what stands against a line of the prompt: what the weights hold is stronger than what they read.

        It comes before the lesson ends: a lesson that is begun anew, because the program stopped between the two,
        finds nothing against it any more.
        """
        for lesson_id in report.supersedes:
            undone = self.head.undo(lesson_id)
            self._emit(replace(undone, detail=f"{report.lesson_id} says otherwise. {undone.detail}"))

    def _stage(self, stage: str) -> None:
        if self._current is None:
            return
        lesson_id, started = self._current
        queued = self._lineage.journal.queued(self._lineage.key) - 1
        self._emit(LearnerState("learning", lesson_id, max(queued, 0), stage, time.monotonic() - started))

    def _credit(self, tokens: Sequence[str], gaps: Sequence[float]) -> None:
        if self._current is not None:
            self._emit(Credited(self._current[0], tuple(tokens), tuple(gaps)))


def _without_effect(lesson_id: str, status: str, reason: str) -> Candidate:
    report = StepReport(lesson_id, status, reason, None, 0.0, 0.0, 0.0, 0, 0.0)  # type: ignore[arg-type]
    return Candidate(report, None)
