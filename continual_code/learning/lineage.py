"""The chain of revisions of one base model: what serves now, what came before, how to go back.

Invariant: the head is always a revision that verifies (or 0, the base), and only the
holder of the lock moves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import Tensor

from continual_code.adapters.card import model_card
from continual_code.adapters.export import export_peft
from continual_code.adapters.store import AdapterStore
from continual_code.disk import Lock, private_dir
from continual_code.errors import DamagedError, StateError, UsageError
from continual_code.events import Lesson, Reminder, StepReport
from continual_code.feedback.journal import Journal
from continual_code.feedback.ledger import RevisionRow
from continual_code.feedback.planning import Rewind, chain, plan_fallback, plan_rollback, plan_undo
from continual_code.learning.lessons import Earlier
from continual_code.model.manifest import journal_key
from continual_code.settings import LearningSettings, dotted


class Lineage:
    """Journal and adapter store of one model, seen together.

    Args:
        model: the id the person chose.
        base_digest: sha256 identity of the base weights; revisions of other weights are refused.
        base_model: what `AutoModelForCausalLM.from_pretrained` takes to load them, for an export to name.
    """

    def __init__(
        self, journal: Journal, state_dir: Path, model: str, base_digest: str, base_model: str | None = None
    ) -> None:
        self.journal, self.model, self.base_digest = journal, model, base_digest
        self.base_model = base_model or model
        self.key = journal.known_key(journal_key(model, base_digest))
        directory = private_dir(state_dir / "revisions" / base_digest[:12])
        self.store = AdapterStore(directory)
        self.lock = Lock(directory / "lock")

    @property
    def head(self) -> int:
        """The revision that serves, 0 for the base."""
        return self.journal.head(self.key)

    def lessons(self) -> list[Lesson]:
        return self.journal.lessons(self.key)

    def memory(self) -> tuple[Reminder, ...]:
        """What prompts repeat."""
        return self.journal.memory(self.key)

    def taught(self) -> list[Earlier]:
        """What the standing lessons left, oldest first."""
        return [each for lesson in self.standing() for each in self.left_by(lesson)]

    def lines(self) -> list[Earlier]:
        """What the lessons would have left that became lines of the prompt, oldest first."""
        kept = [each for each in self.lessons() if each.status == "memory" and not each.superseded_by]
        return [each for lesson in kept for each in self.left_by(lesson)]

    def standing(self) -> list[Lesson]:
        """The lessons that are in the serving weights, oldest first, less those that later ones supersede."""
        return [lesson for lesson in self.lessons() if lesson.status == "learned" and not lesson.superseded_by]

    def left_by(self, lesson: Lesson) -> list[Earlier]:
        """What one lesson left, or would have left, if there was a corrected answer to teach and it can be read."""
        try:
            rollout, report = self.journal.rollout(lesson.proposal_id), self.journal.report(lesson.id)
        except DamagedError:
            return []
        return Earlier.of(rollout, report, lesson.comment, lesson.pinned)

    def recover(self) -> str | None:
        """Bring journal and store into agreement after a crash or damage; needs the lock.

        Returns:
            What had to be given up, in plain words; None when all was sound.
        """
        self._adopt_orphans()
        self.store.sweep([revision.number for revision in self.journal.revisions(self.key)])
        return self._fall_back()

    def load_head(self) -> dict[str, Tensor] | None:
        """The serving adapter's tensors; None for the base."""
        return self.load(self.head)

    def load(self, number: int) -> dict[str, Tensor] | None:
        """A revision's tensors; None for the base.

        Raises:
            StateError: it is damaged, or not there.
        """
        return self.store.load(number, base_digest=self.base_digest)[1] if number else None

    def publish(
        self, lesson_id: str, report: StepReport, tensors: Mapping[str, Tensor], lora: Mapping[str, Any]
    ) -> int:
        """Store a revision durably, then make it the head and its lesson learned in one transaction."""
        row = self._write(lesson_id, tensors, lora)
        report = replace(report, revision=row.number)
        self.journal.publish(model=self.key, revision=row, lesson_id=lesson_id, report=report)
        return row.number

    def study_again(
        self, lesson_id: str, report: StepReport, tensors: Mapping[str, Tensor], lora: Mapping[str, Any]
    ) -> int:
        """Store a revision durably in which a learned lesson was taught again, then make it the head."""
        row = self._write(lesson_id, tensors, lora)
        self.journal.checks.study_again(self.key, row, lesson_id, report)
        return row.number

    def undo(self, lesson_id: str) -> Rewind:
        """Take a lesson back; later ones wait to be learned again. Needs the lock."""
        lesson = self.journal.lesson(lesson_id)
        plan = plan_undo(lesson, revisions=self.journal.revisions(self.key), head=self.head, lessons=self.lessons())
        return self._carry_out(plan)

    def rollback(self, number: int) -> Rewind:
        """Serve an earlier revision; what was learned after it is forgotten. Needs the lock."""
        revisions = self.journal.revisions(self.key)
        return self._carry_out(plan_rollback(number, revisions=revisions, head=self.head, lessons=self.lessons()))

    def export(self, directory: Path, settings: LearningSettings) -> Path:
        """Write the serving adapter as a PEFT directory; its card names `settings`, with which it was taught.

        Raises:
            UsageError: nothing was learned yet.
        """
        if not self.head:
            raise UsageError("There is nothing to export: no lesson has been learned yet.")
        manifest, tensors = self.store.load(self.head, base_digest=self.base_digest)
        learned = set(chain(self.journal.revisions(self.key), self.head))
        card = model_card(
            base_model=self.base_model, base_digest=self.base_digest, revision=self.head, lora=manifest.lora,
            settings=dotted(settings), lessons=[lesson for lesson in self.lessons() if lesson.revision in learned],
            created=manifest.created,
        )  # fmt: skip
        return export_peft(directory, tensors=tensors, lora=manifest.lora, base_model=self.base_model, card=card)

    def _write(self, lesson_id: str, tensors: Mapping[str, Tensor], lora: Mapping[str, Any]) -> RevisionRow:
        parent, number = self.head, self.journal.next_revision_number(self.key)
        stored = self.store.write(
            number=number, parent=parent, lesson_ids=(lesson_id,), base_digest=self.base_digest, lora=lora,
            tensors=tensors, created=_now(),
        )  # fmt: skip
        return RevisionRow(number, parent, stored.path, stored.sha256, (lesson_id,))

    def _carry_out(self, plan: Rewind) -> Rewind:
        """Raises StateError: the revision to go back to is damaged or not there; nothing was changed."""
        if plan.to and (trouble := self.store.verify(plan.to, self.base_digest)):
            raise StateError(
                trouble, kept="Nothing was changed.", do="Revision 0, the base, can always be gone back to."
            )
        self.journal.rewind(self.key, **asdict(plan))
        return plan

    def _adopt_orphans(self) -> None:
        found = self.store.numbers()
        # A journal that knows lessons was not lost: a revision it never published is a killed step's, learned again.
        if not found or self.journal.revisions(self.key) or self.lessons():
            return
        rows = []
        for number in found:
            if self.store.verify(number, self.base_digest) is None:
                manifest, _ = self.store.load(number, base_digest=self.base_digest)
                rows.append(RevisionRow(number, manifest.parent, f"{number:06d}", manifest.digest, ()))
        known = {row.number for row in rows} | {0}
        whole = [row for row in rows if row.parent in known]
        if whole:
            self.journal.adopt(self.key, whole, head=max(row.number for row in whole))

    def _fall_back(self) -> str | None:
        revisions = self.journal.revisions(self.key)
        line = chain(revisions, self.head)
        sound = self.store.newest_sound(line, self.base_digest) or 0
        if not line or sound == line[0]:
            return None
        reason = self.store.verify(line[0], self.base_digest)
        plan = plan_fallback(sound, revisions=revisions, head=self.head, lessons=self.lessons())
        self._carry_out(plan)
        waiting = ", ".join(plan.requeue) or "none"
        return f"{reason} Revision {sound} serves instead; lessons to be learned again: {waiting}."


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
