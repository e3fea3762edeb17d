"""One lesson from comment to candidate: demonstrate, measure the gap, step.

Invariant: the learning view leaves `learn` either with the candidate that is returned, or
with the adapter that it came with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from continual_code.events import LessonStatus, Rollout, StepReport
from continual_code.learning import teacher
from continual_code.learning.divergence import shifted
from continual_code.learning.scoring import BASE, Scorer, objection, of_tokens
from continual_code.learning.step import NotFinite, Outcome, distil
from continual_code.model.chat import Chat
from continual_code.model.generation import Generator, Sampling
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View
from continual_code.settings import LearningSettings

SHARES = (1.0, 0.5, 0.25)  # of the step, tried in this order


@dataclass(frozen=True)
class Candidate:
    """What a lesson came to. `tensors` is None unless the status is "learned"."""

    report: StepReport
    tensors: dict[str, Tensor] | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the person said, and their own version in the form of an answer, where they gave one."""

    comment: str
    example: str | None = None


class Learner:
    """Learns lessons on the learning view. The learning thread owns it.

    Args:
        pause: called between pieces of work; blocks while the person is being served, and
            raises `Interrupted` when the person cancelled the step.
        stage: told in plain words what is being done.
    """

    def __init__(
        self,
        view: View,
        chat: Chat,
        prefixes: PrefixStore,
        settings: LearningSettings,
        *,
        pause: Callable[[], None],
        stage: Callable[[str], None],
    ) -> None:
        self._view, self._chat, self._settings = view, chat, settings
        self._pause, self._stage = pause, stage
        self._scorer = Scorer(view, prefixes, pause)
        self._generator = Generator(view, chat.stop_ids, prefixes)

    def learn(self, lesson_id: str, rollout: Rollout, evidence: Evidence, adapter: Mapping[str, Tensor],
              revision: int) -> Candidate:  # fmt: skip
        """Take one step from `adapter` (which is `revision`) on the rejected rollout."""
        started = time.monotonic()
        self._view.load(adapter)
        example = evidence.example or self._demonstration(rollout, evidence.comment)
        self._stage("comparing")
        told_T_V, untold_T_V = self._base_logprobs(rollout, evidence.comment, example)
        told_T, untold_T = of_tokens(told_T_V, rollout.token_ids), of_tokens(untold_T_V, rollout.token_ids)
        gap, gaps_T = objection(told_T, untold_T), told_T - untold_T

        def report(status: LessonStatus, reason: str, outcome: Outcome) -> StepReport:
            return StepReport(
                lesson_id, status, reason, None, gap, outcome.loss_before, outcome.loss_after, outcome.updates,
                time.monotonic() - started, self._chat.pieces(rollout.token_ids), tuple(gaps_T.tolist()),
            )  # fmt: skip

        if gap < self._settings.gap_floor:
            reason = "The comment changes nothing about this answer, as far as the model understands it."
            return Candidate(report("no_signal", reason, Outcome(0.0, 0.0, 0)), None)
        try:
            outcome = self._step(rollout, revision, told_T_V, untold_T_V)
            sound = not self._settings.reask or self._shrink_until_it_ends(rollout, adapter)
        except NotFinite as error:
            self._view.load(adapter)
            return Candidate(report("refused", str(error), Outcome(0.0, 0.0, 0)), None)
        except BaseException:
            self._view.load(adapter)
            raise
        if not sound:
            self._view.load(adapter)
            reason = "Even a quarter of the step made the answer run on without an end."
            return Candidate(report("refused", reason, outcome), None)
        return Candidate(report("learned", "", outcome), self._view.tensors())

    def objection_to(self, rollout: Rollout, comment: str) -> float:
        """How much the person's own words argue against an answer, nats per token.

        The model's own example is left out: it would also object to every other way of
        doing what the comment asks for. Measured on 0.5B and a rule about type hints:
        0.071 for the rejected answer, 0.017 for a retry that follows the rule, 0.012 to
        0.021 for remarks that have nothing to do with the code.
        """
        told_T_V, untold_T_V = self._base_logprobs(rollout, comment, None)
        return objection(of_tokens(told_T_V, rollout.token_ids), of_tokens(untold_T_V, rollout.token_ids))

    def _demonstration(self, rollout: Rollout, comment: str) -> str | None:
        """The base's own correction of the rejected answer, if it managed one."""
        if not (self._settings.demonstration and comment):
            return None
        self._stage("rewriting")
        rejected = self._chat.decode(rollout.token_ids)
        prompt_ids = self._chat.render(teacher.revision_request(rollout.messages, rejected, comment))
        sampling = Sampling(max_tokens=2 * len(rollout.token_ids) + 128)
        with self._view.adapter_off():
            answer = self._generator.generate(prompt_ids, sampling, owner=BASE, stopped=self._yielding)
        return teacher.demonstration(self._chat.decode(answer.token_ids), rejected) if answer.finish == "stop" else None

    def _shrink_until_it_ends(self, rollout: Rollout, adapter: Mapping[str, Tensor]) -> bool:
        """Halve the step until the candidate, asked again without the comment, comes to an end."""
        self._stage("asking again")
        stepped = self._view.tensors()
        sampling = Sampling(max_tokens=2 * len(rollout.token_ids) + 128)
        generator = Generator(self._view, self._chat.stop_ids, PrefixStore())  # the candidate's keys are nobody else's
        for share in SHARES:
            self._view.load({name: adapter[name].lerp(stepped[name], share) for name in stepped})
            answer = generator.generate(rollout.prompt_ids, sampling, owner=share, stopped=self._yielding)
            if answer.finish == "stop":
                return True
        return False

    def _yielding(self) -> bool:
        self._pause()
        return False

    def _base_logprobs(self, rollout: Rollout, comment: str, example: str | None) -> tuple[Tensor, Tensor]:
        prompt_ids = self._chat.render(teacher.told(rollout.messages, comment, example))
        told_T_D = self._scorer.hidden(BASE, prompt_ids, rollout.token_ids)
        untold_T_D = self._scorer.hidden(BASE, rollout.prompt_ids, rollout.token_ids)
        with self._view.adapter_off():
            return self._scorer.logprobs(told_T_D), self._scorer.logprobs(untold_T_D)

    def _step(self, rollout: Rollout, revision: int, told_T_V: Tensor, untold_T_V: Tensor) -> Outcome:
        self._stage("learning")
        settings, prompt_ids = self._settings, rollout.prompt_ids
        prefix = self._scorer.prefix(revision, prompt_ids)
        return distil(
            self._view, prompt_ids=prompt_ids, token_ids=rollout.token_ids, prefix=prefix,
            target_T_V=self._target(revision, rollout, told_T_V, untold_T_V), settings=settings, pause=self._pause,
        )  # fmt: skip

    def _target(self, revision: int, rollout: Rollout, told_T_V: Tensor, untold_T_V: Tensor) -> Tensor:
        if self._settings.target == "base_teacher":
            return told_T_V
        student_T_V = self._scorer.logprobs(self._scorer.hidden(revision, rollout.prompt_ids, rollout.token_ids))
        return shifted(student_T_V, told_T_V, untold_T_V, beta=self._settings.beta, clip=self._settings.shift_clip)
