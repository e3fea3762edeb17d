"""One lesson from comment to candidate: demonstrate, measure the gap, step.

Invariant: the learning view leaves `learn` either with the candidate that is returned, or
with the adapter that it came with.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from continual_code.events import LessonStatus, Rollout, StepReport
from continual_code.learning import teacher
from continual_code.learning.alignment import departures
from continual_code.learning.common_text import CommonText, is_fresh
from continual_code.learning.correction import corrections
from continual_code.learning.credit import positions_of
from continual_code.learning.divergence import shifted
from continual_code.learning.gate import Gate, Refused
from continual_code.learning.lessons import Candidate, Evidence
from continual_code.learning.remarks import Remarks
from continual_code.learning.scoring import BASE, Scorer, objection, of_tokens
from continual_code.learning.step import Aim, NotFinite, Outcome, Rehearsal, distil
from continual_code.model.chat import Chat
from continual_code.model.generation import Generator
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View
from continual_code.settings import LearningSettings
from continual_code.templates import fill

NOTHING = Outcome(0.0, 0.0, 0)


@dataclass(frozen=True)
class _Untold:
    """What the base thinks of an answer by itself; scored once, because signal and target need it."""

    token_ids: Sequence[int]
    logprobs: Tensor  # [T, V]

    def deciding(self, departures: Sequence[int]) -> tuple[int, ...]:
        """Those of the positions where the base would have written another token."""
        unlike_T = self.logprobs.argmax(dim=-1).cpu() != torch.tensor(self.token_ids)
        return tuple(position for position in departures if unlike_T[position])

    def of_tokens(self) -> Tensor:
        """Of the answer's own tokens, [T]."""
        return of_tokens(self.logprobs, self.token_ids)


@dataclass(frozen=True)
class _Correction(_Untold):
    """An answer that should have been; `told` is what the base, shown the comment, thinks of its tokens, [T]."""

    example: str
    told: Tensor | None  # None: the person wrote it, and the comment need not account for it


class Learner:
    """Learns lessons on the learning view. The learning thread owns it.

    Args:
        common: text that no lesson should touch.
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
        common: CommonText,
        pause: Callable[[], None],
        stage: Callable[[str], None],
    ) -> None:
        self._view, self._chat, self._settings, self._common = view, chat, settings, common
        self._pause, self._stage = pause, stage
        self._prefixes = prefixes
        view.pause_in_layers(pause)  # a whole pass would keep the person waiting for a second or more
        self._scorer = Scorer(view, prefixes, pause)
        self._generator = Generator(view, chat.stop_ids, prefixes)
        self._remarks = Remarks(view, chat, pause)

    def prepare(self, fresh: Mapping[str, Tensor]) -> None:
        """Do ahead what a first lesson would otherwise wait for."""
        self._common.start(fresh, self._pause)
        self._common.canaries.all(self._pause)

    def read_ahead(self, rollout: Rollout, pause: Callable[[], None]) -> None:
        """Read as the base what a lesson from this rollout begins with; what was read stays when `pause` raises."""
        Scorer(self._view, self._prefixes, pause).prefix(BASE, rollout.prompt_ids)

    def learn(
        self, lesson_id: str, rollout: Rollout, evidence: Evidence, adapter: Mapping[str, Tensor], revision: int,
        earlier: Sequence[Rehearsal] = (),
    ) -> Candidate:  # fmt: skip
        """Take one step from `adapter` (which is `revision`) on the rejected rollout.

        Args:
            earlier: what was taught before and should still hold, oldest first.
        """
        started = time.monotonic()
        self._stage("reading")
        if is_fresh(adapter):
            adapter = self._common.start(adapter, self._pause)
        self._view.load(adapter)
        odds = math.inf if evidence.example else self._remarks.odds(evidence.comment)
        is_work = odds >= self._settings.work_floor
        corrected = self._correction(rollout, evidence) if is_work else None
        example = corrected.example if corrected else None
        self._stage("comparing")
        rejected = self._untold(rollout, rollout.token_ids)
        told_T_V = self._told(rollout, rollout.token_ids, evidence.comment, example)
        told_T, untold_T = of_tokens(told_T_V, rollout.token_ids), rejected.of_tokens()
        about = positions_of(self._chat.pieces(rollout.token_ids), evidence.against) if evidence.against else None
        everywhere = sorted(about) if about else list(range(len(rollout.token_ids)))
        departs = departures(rollout.token_ids, corrected.token_ids, about) if corrected else (everywhere, [])
        gap, gaps_T = objection(told_T, untold_T), told_T - untold_T

        def report(status: LessonStatus, reason: str, outcome: Outcome) -> StepReport:
            return StepReport(
                lesson_id, status, reason, None, gap, outcome.loss_before, outcome.loss_after, outcome.updates,
                time.monotonic() - started, self._chat.pieces(rollout.token_ids), tuple(gaps_T.tolist()),
                *((tuple(corrected.token_ids), corrected.deciding(departs[1])) if corrected else ()),
            )  # fmt: skip

        if not is_work:
            return Candidate(report("no_signal", "The remark is not about the code.", NOTHING), None)
        if reason := self._no_signal(rollout, corrected, departs[1], gap):
            return Candidate(report("memory" if self._keeps(odds) else "no_signal", reason, NOTHING), None)
        outcome = NOTHING
        try:
            aims = self._aims(rollout, revision, (rejected, told_T_V), corrected, evidence.comment, example, departs)
            aims += [self._keep(revision, *each) for each in self._common.anchors(len(earlier), self._settings.anchors)]
            self._stage("learning")
            held = [(each, self._apart().prefix(revision, each.prompt_ids)) for each in self._newest(earlier)]
            canaries = self._common.canaries.some(len(earlier), self._settings.canaries, self._pause)
            held += [(each, None) for each in canaries]
            lesson = next((aim.held() for aim in aims if aim.deciding), None)
            outcome = distil(self._view, aims, self._settings, self._pause, held)
            reasked = self._gate(evidence).admit(rollout, adapter, lesson) if self._settings.reask else None
        except (NotFinite, Refused) as error:
            self._view.load(adapter)
            # Its support has shown that the comment is about the code, whatever its odds are.
            is_kept = isinstance(error, Refused) and evidence.comment and self._settings.memory
            return Candidate(report("memory" if is_kept else "refused", str(error), outcome), None)
        except BaseException:
            self._view.load(adapter)
            raise
        return Candidate(report("learned", "", outcome), self._view.tensors(), reasked)

    def objection_to(self, rollout: Rollout, comment: str) -> float:
        """How much the person's own words argue against an answer, nats per token.

        The model's own example is left out: it would also object to every other way of
        doing what the comment asks for.
        """
        told_T_V = self._told(rollout, rollout.token_ids, comment, None)
        return objection(of_tokens(told_T_V, rollout.token_ids), self._untold(rollout, rollout.token_ids).of_tokens())

    def _no_signal(self, rollout: Rollout, corrected: _Correction | None, departs: list[int], gap: float) -> str:
        """Why the weights cannot learn it, in plain words; "" when they can.

        A correction alone proves nothing: a remark that has nothing to do with the code makes
        a small model change something, too. But such a remark does not account for the
        change: shown another one, the model finds its own correction as likely.
        """
        if corrected is None and self._settings.demonstration:
            return "Asked to correct its answer by your comment, the model left it as it is, or broke it."
        if corrected is None:
            return "The comment changes nothing about this answer." if gap < self._settings.gap_floor else ""
        if corrected.told is None:
            return ""
        prompt_ids = self._chat.render(teacher.told(rollout.messages, fill("neutral_remark"), None))
        neutral_T_V = self._base_logprobs(self._apart(rollout.prompt_ids), prompt_ids, corrected.token_ids)
        support_T = corrected.told - of_tokens(neutral_T_V, corrected.token_ids)
        supported = support_T[departs].sum().item() >= self._settings.support_floor
        return "" if supported else "The comment does not change what the model would write here."

    def _correction(self, rollout: Rollout, evidence: Evidence) -> _Correction | None:
        """The person's own version, or the base's correction that the comment accounts for best, if it managed one."""
        if evidence.example:
            return self._scored(rollout, evidence.example)
        if not (self._settings.demonstration and evidence.comment):
            return None
        self._stage("rewriting")
        asked = rollout, evidence.comment, evidence.is_sound
        with self._view.adapter_off():
            found = corrections(self._generator, self._chat, *asked, self._pause)
        scored = [self._scored(rollout, example, evidence.comment) for example in found]
        return max(scored, key=lambda each: _effect(rollout, each), default=None)

    def _scored(self, rollout: Rollout, example: str, comment: str | None = None) -> _Correction:
        token_ids = [*self._chat.encode(example), rollout.token_ids[-1]]  # a model may have several ends
        untold = self._untold(rollout, token_ids).logprobs
        told_T = of_tokens(self._told(rollout, token_ids, comment, None), token_ids) if comment else None
        return _Correction(token_ids, untold, example, told_T)

    def _keeps(self, odds: float) -> bool:
        """Whether a remark with these odds of being about the code stays in the prompt if it cannot be learned."""
        return self._settings.memory and odds >= self._settings.memory_floor

    def _gate(self, evidence: Evidence) -> Gate:
        self._stage("asking again")
        canaries, floor = self._common.canaries.all(self._pause), self._settings.canary_floor
        return Gate(
            self._view, self._chat, canaries=canaries, floor=floor, is_sound=evidence.is_sound, pause=self._pause
        )

    def _newest(self, earlier: Sequence[Rehearsal]) -> Sequence[Rehearsal]:
        return earlier[max(0, len(earlier) - self._settings.rehearse) :]

    def _told(self, rollout: Rollout, token_ids: Sequence[int], comment: str, example: str | None) -> Tensor:
        """What the base, shown the comment and the example, thinks of an answer to the rollout's prompt, [T, V]."""
        return self._base_logprobs(
            self._scorer, self._chat.render(teacher.told(rollout.messages, comment, example)), token_ids
        )

    def _untold(self, rollout: Rollout, token_ids: Sequence[int]) -> _Untold:
        return _Untold(token_ids, self._base_logprobs(self._scorer, rollout.prompt_ids, token_ids))

    def _base_logprobs(self, scorer: Scorer, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Tensor:
        hidden_T_D = scorer.hidden(BASE, prompt_ids, token_ids)
        with self._view.adapter_off():
            return scorer.logprobs(hidden_T_D)

    def _aims(
        self, rollout: Rollout, revision: int, rejected: tuple[_Untold, Tensor], corrected: _Untold | None,
        comment: str, example: str | None, departs: tuple[list[int], list[int]],
    ) -> list[Aim]:  # fmt: skip
        """The rejected answer, where the model must decide otherwise, and the corrected one, which it does not know.

        What the correction leaves as it was is no part of the lesson: it may show earlier
        lessons, which must stay, or bad habits, which must not be taught.
        """
        learn_on = self._settings.learn_on if corrected else "rollout"
        aims = [] if learn_on == "demonstration" else [self._aim(rollout, revision, *rejected, departs[0])]
        if corrected and learn_on != "rollout":
            told_T_V = self._told(rollout, corrected.token_ids, comment, example)
            deciding = corrected.deciding(departs[1])
            aims.append(self._aim(rollout, revision, corrected, told_T_V, departs[1], deciding))
        return aims

    def _aim(
        self, rollout: Rollout, revision: int, answer: _Untold, told_T_V: Tensor, departs: Sequence[int],
        deciding: Sequence[int] = (),
    ) -> Aim:  # fmt: skip
        token_ids, prefix = answer.token_ids, self._scorer.prefix(revision, rollout.prompt_ids)
        if self._settings.target == "base_teacher":
            return Aim(rollout.prompt_ids, token_ids, prefix, told_T_V, deciding)
        student_T_V = self._scorer.logprobs(self._scorer.hidden(revision, rollout.prompt_ids, token_ids))
        beta, clip = self._settings.beta, self._settings.shift_clip
        if self._settings.departures_only:
            target, rows = student_T_V.clone(), torch.tensor(departs, device=student_T_V.device)
            target[rows] = shifted(student_T_V[rows], told_T_V[rows], answer.logprobs[rows], beta=beta, clip=clip)
        else:
            target = shifted(student_T_V, told_T_V, answer.logprobs, beta=beta, clip=clip)
        return Aim(rollout.prompt_ids, token_ids, prefix, target, deciding)

    def _keep(self, revision: int, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Aim:
        """An answer that has nothing to do with the lesson; the student should go on as it is."""
        scorer = self._apart()
        student_T_V = scorer.logprobs(scorer.hidden(revision, prompt_ids, token_ids))
        return Aim(prompt_ids, token_ids, scorer.prefix(revision, prompt_ids), student_T_V)

    def _apart(self, known_ids: Sequence[int] = ()) -> Scorer:
        """For prompts that are not this lesson's: they neither push out its prefixes nor depend on what is kept.

        What `known_ids` begins with is an exception: the base has read it already.
        """
        prefixes = PrefixStore()
        if known_ids:
            prefixes.put(BASE, self._scorer.prefix(BASE, known_ids))
        return Scorer(self._view, prefixes, self._pause)


def _effect(rollout: Rollout, correction: _Correction) -> float:
    """How much likelier the comment makes what a correction changes, nats per changed token."""
    departs = departures(rollout.token_ids, correction.token_ids)[1]
    return 0.0 if correction.told is None else (correction.told - correction.of_tokens())[departs].mean().item()
