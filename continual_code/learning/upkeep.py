"""What the learner does while nothing is wanted: it looks whether earlier lessons still hold, and studies faded ones.

Invariant: a lesson that the weights no longer hold is a line of the prompt until they do; a piece of this work that
is interrupted leaves no trace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from torch import Tensor

from continual_code.errors import Interrupted
from continual_code.events import Checked, Event, LearnerState, Lesson, StudiedAgain
from continual_code.feedback.rows import PendingLesson
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Evidence
from continual_code.learning.lineage import Lineage
from continual_code.settings import LearningSettings


class Upkeep:
    """Looks after the lessons in the weights, a piece at a time; belongs to the learning thread.

    Args:
        adapter: reads the tensors that serve.
        evidence: what the teacher is shown for a lesson.
    """

    def __init__(
        self, lineage: Lineage, learner: Learner, settings: LearningSettings, *, lora: Mapping[str, object],
        adapter: Callable[[], Mapping[str, Tensor]], evidence: Callable[[PendingLesson], Evidence],
        emit: Callable[[Event], None],
    ) -> None:  # fmt: skip
        self._lineage, self._learner, self._settings, self._lora = lineage, learner, settings, lora
        self._adapter, self._evidence_of, self._emit = adapter, evidence, emit
        self._tried: set[str] = set()  # what fades again at once, or is stopped, is not studied for ever
        self.rest()

    def rest(self) -> None:
        """Something was wanted: once nothing is again, there may be more to do, and the whole budget is there."""
        self._spent, self._is_done = 0.0, False

    def work(self) -> bool:
        """One piece, if there is one and the budget has room for it; whether it moved the head.

        Raises:
            Interrupted: something is wanted.
        """
        if self._is_done or self._spent >= self._settings.idle_budget:
            return False
        started = time.monotonic()
        try:
            moved = self._piece()
        except Interrupted:
            raise
        except Exception:  # it would fail the same way a second later
            self._is_done = True
            raise
        self._spent += time.monotonic() - started
        return moved

    def _piece(self) -> bool:
        head = self._lineage.head
        standing = self._lineage.standing()
        if due := [lesson for lesson in standing if lesson.checked_at != head]:
            self._check(min(due, key=lambda lesson: lesson.checked), head)
            return False
        faded = [lesson for lesson in standing if lesson.faded and lesson.id not in self._tried]
        if self._settings.consolidate and faded:
            return self._study(max(faded, key=lambda lesson: lesson.objection_left or 0.0), head)
        self._is_done = True
        return False

    def _check(self, lesson: Lesson, head: int) -> None:
        self._emit(LearnerState("checking", lesson.id))
        left = self._objection_left(lesson, head)
        if self._lineage.journal.checks.add(lesson.id, head, left):
            found = self._lineage.journal.lesson(lesson.id)
            if found.faded != lesson.faded:
                self._emit(Checked(found))

    def _objection_left(self, lesson: Lesson, head: int) -> float:
        """See `Lesson`; 0 where the weights still decide as they were taught, without the task being asked again."""
        rollout, adapter = self._lineage.journal.rollout(lesson.proposal_id), self._adapter()
        taught = self._lineage.left_by(lesson)
        if taught and self._learner.still_decides(taught, adapter):
            return 0.0
        if not lesson.comment:
            return 1.0
        now = self._learner.objection_to(self._learner.attempt(rollout, adapter, head), lesson.comment)
        first = self._learner.objection_to(rollout, lesson.comment)
        return now / first if first else 0.0

    def _study(self, lesson: Lesson, head: int) -> bool:
        started, adapter = time.monotonic(), self._adapter()
        self._emit(LearnerState("learning", lesson.id, stage="studying it again"))
        self._tried.add(lesson.id)
        material = self._lineage.journal.checks.material(lesson.id)
        fresh = self._learner.attempt(material.rollout, adapter, head)
        answered = fresh if fresh.finish == "stop" else material.rollout
        # The lines that were marked stood in another answer; and what was said later is not contradicted by this.
        evidence = replace(self._evidence_of(material), against=(), supersedes=False)
        others = [each for each in self._lineage.taught() if each.lesson_id != lesson.id]
        candidate = self._learner.learn(lesson.id, answered, evidence, adapter, head, others)
        revision = None
        if candidate.tensors is not None:
            revision = self._lineage.study_again(lesson.id, candidate.report, candidate.tensors, self._lora)
        self._emit(StudiedAgain(lesson, revision, time.monotonic() - started, candidate.report.reason))
        return revision is not None
