"""One lesson from comment to candidate: demonstrate, measure the gap, step.

Invariant: the learning view leaves `learn` either with the candidate that is returned, or
with the adapter that it came with.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from continual_code.events import HELD_SHARE, LessonStatus, Rollout, StepReport
from continual_code.learning import teacher
from continual_code.learning.answering import answer
from continual_code.learning.common_text import CommonText, is_fresh
from continual_code.learning.contradiction import Contradiction
from continual_code.learning.correction import corrections
from continual_code.learning.gate import Gate, Refused
from continual_code.learning.hindsight import Hindsight
from continual_code.learning.holding import Holding
from continual_code.learning.lessons import Candidate, Credit, Earlier, Evidence, Reasked, Stage
from continual_code.learning.reach import anchored
from continual_code.learning.rehearsal import Held, Rehearsal, weakest
from continual_code.learning.remarks import Remarks
from continual_code.learning.scoring import Scorer
from continual_code.learning.step import Aim, NotFinite, Outcome, distil
from continual_code.learning.targets import Targets
from continual_code.learning.weighing import BARELY, CAME_UP, Correction, Weighed
from continual_code.model.chat import Chat
from continual_code.model.generation import Generator
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View
from continual_code.settings import LearningSettings

NOTHING = Outcome(0.0, 0.0, 0)


class Learner:
    """Learns lessons on the learning view. The learning thread owns it.

    Args:
        common: text that no lesson should touch.
        pause: called between pieces of work; blocks while the person is being served, and
            raises `Interrupted` when the person cancelled the step.
        stage: told in plain words what is being done.
        credit: told before the first update what the comment says of each token of the rejected answer: its text, and
            how much likelier the teacher finds it, nats.
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
        stage: Stage,
        credit: Credit,
    ) -> None:
        self._view, self._chat, self._settings, self._common = view, chat, settings, common
        self._pause, self._stage, self._credit = pause, stage, credit
        view.pause_in_layers(pause)  # a whole pass would keep the person waiting for a second or more
        self._scorer = Scorer(view, prefixes, pause)
        self._hindsight = Hindsight(self._scorer, chat)
        self._generator = Generator(view, chat.stop_ids, prefixes)
        self._remarks = Remarks(view, chat, pause)

    def prepare(self, fresh: Mapping[str, Tensor] | None) -> None:
        """Do ahead what the next lesson would otherwise wait for; `fresh` is what a first one starts from."""
        if fresh is not None:
            self._common.start(fresh, self._pause)
        self._canaries()
        self._remarks.prepare()
        self._common.drift.read_base(self._scorer.apart())

    def read_ahead(self, rollout: Rollout) -> None:
        """Read as the base what a lesson from this rollout begins with; what was read stays when `pause` raises."""
        self._scorer.read(rollout.prompt_ids, rollout.token_ids)

    def learn(
        self, lesson_id: str, rollout: Rollout, evidence: Evidence, adapter: Mapping[str, Tensor], revision: int,
        earlier: Sequence[Earlier] = (), lines: Sequence[Earlier] = (),
    ) -> Candidate:  # fmt: skip
        """Take one step from `adapter` (which is `revision`) on the rejected rollout.

        Args:
            earlier: what was taught before and should still hold, oldest first.
            lines: what could not be, and stands in prompts.
        """
        started = time.monotonic()
        self._stage("reading")
        if is_fresh(adapter):
            adapter = self._common.start(adapter, self._pause)
        self._view.load(adapter)
        odds = math.inf if evidence.example else self._remarks.odds(evidence.comment)
        is_work = odds >= self._settings.work_floor
        corrected = self._correction(rollout, evidence) if is_work else None
        self._stage("comparing")
        weighed = self._hindsight.weighed(rollout, evidence, corrected)
        pieces, gaps = self._chat.pieces(rollout.token_ids), tuple(weighed.gaps.tolist())
        reason = ""
        if is_work:
            self._credit(pieces, gaps)
            weighed, reason = self._signal(weighed, evidence)

        def report(
            status: LessonStatus, reason: str, outcome: Outcome, supersedes: Sequence[str] = (),
            drift: float | None = None, canary: float | None = None,
        ) -> StepReport:  # fmt: skip
            return StepReport(
                lesson_id, status, reason, None, weighed.gap, outcome.loss_before, outcome.loss_after, outcome.updates,
                time.monotonic() - started, pieces, gaps,
                tuple(corrected.token_ids) if corrected else (), weighed.deciding, tuple(supersedes), drift, canary,
            )  # fmt: skip

        if not is_work:
            return Candidate(report("no_signal", "The remark is not about the code.", NOTHING), None)
        outcome = NOTHING
        against = evidence.comment if evidence.supersedes else ""
        contradiction = Contradiction(self._hindsight.apart(), against, weighed.dropped, self._chat.decode)
        holding = Holding(earlier, lines, self._canaries(), self._settings, contradiction)

        def kept(reason: str) -> Candidate:
            replaced = [*holding.replaced(), *holding.replaced_lines()]
            return Candidate(report("memory", reason, outcome, replaced), None)

        if reason:
            is_kept = evidence.comment and self._keeps(odds)
            return kept(reason) if is_kept else Candidate(report("no_signal", reason, NOTHING), None)
        try:
            aims = self._aims(weighed, revision) + self._anchored(weighed, revision, len(earlier))
            self._stage("learning")
            outcome = distil(self._view, aims, self._settings, self._pause, holding.held, holding.may_go)
            reasked = None
            if self._settings.reask:
                self._stage("asking again")
                lesson = next((aim.rehearsal() for aim in aims if aim.deciding), None)
                gate = self._gate(evidence, holding.held)
                reasked = gate.admit(rollout, adapter, lesson, holds=outcome.holds)
                self._require_effect(weighed, reasked)
        except (NotFinite, Refused) as error:
            self._view.load(adapter)
            # Its support has shown that the comment is about the code, whatever its odds are.
            is_kept = isinstance(error, Refused) and evidence.comment and self._settings.memory
            return kept(str(error)) if is_kept else Candidate(report("refused", str(error), outcome), None)
        except BaseException:
            self._view.load(adapter)
            raise
        drift, canary = (reasked.drift, holding.canary) if reasked else (None, None)
        superseded = [*holding.superseded, *holding.replaced_lines()]
        learned = report("learned", "", outcome, superseded, drift, canary)
        return Candidate(learned, self._view.tensors(), reasked)

    def objection_to(self, rollout: Rollout, comment: str) -> float:
        """See `Hindsight.objection_to`."""
        return self._hindsight.objection_to(rollout, comment)

    def attempt(self, rollout: Rollout, adapter: Mapping[str, Tensor], revision: int) -> Rollout:
        """What `adapter`, which is `revision`, answers to the same prompt, greedily."""
        self._view.load(adapter)
        generator = Generator(self._view, self._chat.stop_ids, PrefixStore())
        asked = answer(generator, rollout.prompt_ids, rollout, owner="attempt", pause=self._pause)
        made = {"token_ids": asked.token_ids, "logprobs": asked.logprobs, "finish": asked.finish}
        return replace(rollout, temperature=0.0, top_p=1.0, revision=revision, **made)

    def still_decides(self, taught: Sequence[Earlier], adapter: Mapping[str, Tensor]) -> bool:
        """Whether `adapter` finds every token by which these lessons decide likelier than all others together."""
        self._view.load(adapter)
        return all(least > 0.5 for least in weakest(self._view, [each.rehearsal for each in taught], self._pause))

    def _require_effect(self, weighed: Weighed, reasked: Reasked) -> None:
        """Raises Refused: what was answered again is not what was taught, and the comment still argues against it.

        A lesson that adds something has to show; one that only leaves something out shows in the comment's silence.
        """
        asked = reasked.generation.token_ids
        share = weighed.share_in(asked)
        if not weighed.comment or share >= CAME_UP or weighed.resembles(asked):
            return
        if share < BARELY and weighed.adds:
            raise Refused("Asked again without your comment, nothing of the correction comes up.")
        again = replace(weighed.rollout, token_ids=asked)
        before, after = (self.objection_to(each, weighed.comment) for each in (weighed.rollout, again))
        if after > HELD_SHARE * before:
            raise Refused("Asked again without your comment, it still does what the comment argues against.")

    def _signal(self, weighed: Weighed, evidence: Evidence) -> tuple[Weighed, str]:
        """What is to be learned, and why the weights cannot learn it, in plain words; "" when they can.

        A correction alone proves nothing: a remark that has nothing to do with the code makes
        a small model change something, too. But such a remark does not account for the
        change: shown another one, the model finds its own correction as likely.
        """
        corrected = weighed.corrected
        if corrected is None and self._settings.demonstration:
            return weighed, "Asked to correct its answer by your comment, the model left it as it is, or broke it."
        if corrected is None:
            is_idle = weighed.gap < self._settings.gap_floor
            return weighed, "The comment changes nothing about this answer." if is_idle else ""
        if corrected.told is None:
            return weighed, "" if weighed.departs[1] else "Your version leaves what the comment is about as it was."
        hindsight = self._hindsight.apart(weighed.rollout.prompt_ids)
        accounted = hindsight.accounted(weighed, evidence, self._settings.support_floor)
        return accounted or weighed, "" if accounted else "The comment does not change what the model would write here."

    def _correction(self, rollout: Rollout, evidence: Evidence) -> Correction | None:
        """The person's own version, or the base's correction that the comment accounts for best, if it managed one."""
        rejected = self._chat.decode(rollout.token_ids)

        def bare(example: str) -> str:
            found = evidence.bare(example, rejected)
            return found if teacher.demonstration(found, rejected) else example

        if evidence.example:
            return self._hindsight.corrected(rollout, bare(evidence.example))
        if not (self._settings.demonstration and evidence.comment):
            return None
        self._stage("rewriting")
        asked = rollout, evidence.comment, evidence.is_sound, evidence.resumed, evidence.is_importable
        with self._view.adapter_off():
            found = corrections(self._generator, self._chat, *asked, self._pause)
        scored = [
            self._hindsight.corrected(rollout, bare(example), evidence.comment, edits=edits)
            for example, edits in ((found.rewritten, True), (found.anew, False)) if example
        ]  # fmt: skip
        return max(scored, key=lambda each: each.merit(rollout.token_ids), default=None)

    def _keeps(self, odds: float) -> bool:
        """Whether a remark with these odds of being about the code stays in the prompt if it cannot be learned."""
        return self._settings.memory and odds >= self._settings.memory_floor

    def _canaries(self) -> list[Rehearsal]:
        return self._common.canaries.all(self._pause) if self._settings.canary_floor else []

    def _gate(self, evidence: Evidence, held: Sequence[Held]) -> Gate:
        settings = self._settings
        return Gate(
            self._view, self._chat, held=held, floor=settings.canary_floor, is_sound=evidence.is_sound,
            is_whole=evidence.is_whole, drift=self._drift, budget=settings.drift_budget, pause=self._pause,
        )  # fmt: skip

    def _drift(self) -> float:
        return self._common.drift.of(self._scorer.apart(), "what the view holds now")

    def _aims(self, weighed: Weighed, revision: int) -> list[Aim]:
        """The rejected answer, where the model must decide otherwise, and the corrected one, which it does not know.

        What the correction leaves as it was is no part of the lesson: it may show earlier
        lessons, which must stay, or bad habits, which must not be taught.
        """
        rollout, corrected, departs = weighed.rollout, weighed.corrected, weighed.departs
        learn_on = self._settings.learn_on if corrected else "rollout"
        targets, prompt_ids = Targets(self._scorer, self._settings), rollout.prompt_ids
        aims = []
        if learn_on != "demonstration":
            aims.append(targets.moved(prompt_ids, revision, weighed.rejected, weighed.told, departs[0]))
        if corrected and learn_on != "rollout":
            told = self._hindsight.told(rollout.messages, corrected.token_ids, weighed.comment, weighed.example)
            aims.append(
                targets.moved(prompt_ids, revision, corrected, told, departs[1], weighed.deciding, weighed.back)
            )
        return aims

    def _anchored(self, weighed: Weighed, revision: int, turn: int) -> list[Aim]:
        """Edits that have nothing to do with the rollout; other ones each turn."""
        targets = Targets(self._scorer.apart(), self._settings)
        hindsight = self._hindsight.apart(weighed.rollout.prompt_ids)
        anchors = self._common.anchors(turn, self._settings.anchors)
        return [anchored(each, weighed, targets, hindsight, revision) for each in anchors]
