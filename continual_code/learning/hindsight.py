"""The base as the teacher: what it thinks of answers by itself, and once it is shown what the person said or did.

Invariant: no adapter has a say here, so what a comment says of an answer does not depend on what was learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from continual_code.events import Message, Rollout
from continual_code.learning import teacher
from continual_code.learning.credit import positions_of
from continual_code.learning.lessons import Evidence
from continual_code.learning.scoring import Reading, Scorer, objection
from continual_code.learning.weighing import Correction, Untold, Weighed, argued_against
from continual_code.model.chat import Chat
from continual_code.templates import fill


class Hindsight:
    """Asks the base under the scorer's view, whatever adapter that holds."""

    def __init__(self, scorer: Scorer, chat: Chat) -> None:
        self._scorer, self._chat = scorer, chat

    def apart(self, known_ids: Sequence[int] = ()) -> Hindsight:
        """The same base, for other prompts; see `Scorer.apart`."""
        return Hindsight(self._scorer.apart(known_ids), self._chat)

    def untold(self, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Untold:
        """What it thinks of an answer by itself."""
        return Untold(token_ids, self._scorer.read(prompt_ids, token_ids))

    def told(
        self, messages: Sequence[Message], token_ids: Sequence[int], comment: str, example: str | None = None
    ) -> Reading:
        """What it thinks of an answer when the comment and the example are in the prompt."""
        return self._scorer.read(self._telling(messages, comment, example), token_ids)

    def both(
        self, messages: Sequence[Message], prompt_ids: Sequence[int], token_ids: Sequence[int], comment: str
    ) -> tuple[Untold, Reading]:
        """What it thinks of an answer by itself, and what it does when the comment is in the prompt."""
        return self._both(prompt_ids, self._telling(messages, comment), token_ids)

    def carried_over(
        self, weighed: Weighed, messages: Sequence[Message], prompt_ids: Sequence[int], token_ids: Sequence[int]
    ) -> tuple[Untold, Reading]:
        """The same, when it has seen the lesson's own task answered as it should be before this one."""
        if weighed.example is None:
            raise ValueError("Nobody knows how it should be answered.")
        lesson = weighed.rollout.messages, weighed.comment, weighed.example
        return self._both(prompt_ids, self._chat.render(teacher.after_lesson(*lesson, messages)), token_ids)

    def against(
        self, messages: Sequence[Message], prompt_ids: Sequence[int], token_ids: Sequence[int], comment: str
    ) -> Tensor:
        """Of each token of an answer to these messages whether the comment argues against it, [T]."""
        untold, told = self.both(messages, prompt_ids, token_ids, comment)
        return argued_against(told.own, untold.reading.own)

    def objection_to(self, rollout: Rollout, comment: str) -> float:
        """How much the person's own words argue against an answer, nats per token.

        The model's own example is left out: it would also object to every other way of
        doing what the comment asks for.
        """
        untold, told = self.both(rollout.messages, rollout.prompt_ids, rollout.token_ids, comment)
        return objection(told.own, untold.reading.own)

    def corrected(
        self, rollout: Rollout, example: str, comment: str | None = None, *, edits: bool = True
    ) -> Correction:
        """Another answer to the rollout's prompt; without a comment, none need account for it.

        Args:
            edits: see `Correction`.
        """
        token_ids = [*self._chat.encode(example), *self._chat.ending(rollout.token_ids)]
        if not comment:
            return Correction(token_ids, self.untold(rollout.prompt_ids, token_ids).reading, example, None)
        untold, told = self.both(rollout.messages, rollout.prompt_ids, token_ids, comment)
        return Correction(token_ids, untold.reading, example, told.own, edits)

    def weighed(self, rollout: Rollout, evidence: Evidence, corrected: Correction | None) -> Weighed:
        """The rejected answer beside its correction, and where they part ways; without one, all that was said of."""
        token_ids, comment = rollout.token_ids, evidence.comment
        shown = self._telling(rollout.messages, comment, corrected.example if corrected else None)
        prompts = [rollout.prompt_ids, shown]
        if corrected and corrected.told is not None:
            prompts.append(self._telling(rollout.messages, comment))
        untold, told, *rest = self._scorer.read_each([(prompt, token_ids) for prompt in prompts])
        by_comment = next(iter(rest), None)
        departs = self._departs(evidence, corrected, Untold(token_ids, untold), by_comment)
        return Weighed(rollout, comment, Untold(token_ids, untold), told, corrected, departs, by_comment)

    def _departs(
        self, evidence: Evidence, corrected: Correction | None, rejected: Untold, by_comment: Reading | None
    ) -> tuple[list[int], list[int]]:
        """See `Weighed`."""
        token_ids, untold = rejected.token_ids, rejected.reading
        about = positions_of(self._chat.pieces(token_ids), evidence.against) if evidence.against else None
        if corrected is None:
            return sorted(about or range(len(token_ids))), []
        unwanted = argued_against(by_comment.own, untold.own).nonzero().flatten().tolist() if by_comment else []
        return corrected.departures(token_ids, about, unwanted)

    def _both(
        self, prompt_ids: Sequence[int], telling_ids: Sequence[int], token_ids: Sequence[int]
    ) -> tuple[Untold, Reading]:
        by_itself, told = self._scorer.read_each([(prompt, token_ids) for prompt in (prompt_ids, telling_ids)])
        return Untold(token_ids, by_itself), told

    def _telling(self, messages: Sequence[Message], comment: str, example: str | None = None) -> list[int]:
        """The prompt that shows the comment and the example."""
        return self._chat.render(teacher.told(messages, comment, example))

    def accounted(self, weighed: Weighed, evidence: Evidence, floor: float) -> Weighed | None:
        """The same, if the comment does at least `floor` nats more for its correction than another remark would.

        What a comment does as a rule in the prompt hardly shows where other things are likelier still, such as what was
        taught earlier and stands in the rejected answer. So if it does too little, it is asked of the conversation in
        which the correction was made what the comment did there that an empty remark would not have done.
        """
        if self.support(weighed) >= floor:
            return weighed
        rollout, corrected = weighed.rollout, weighed.corrected
        if corrected is None or not corrected.edits:
            return None
        rejected, remarks = self._chat.decode(rollout.token_ids), (weighed.comment, fill("neutral_remark"))
        asked = [self._chat.render(teacher.revision_request(rollout.messages, rejected, each)) for each in remarks]
        by_comment, by_another = self._scorer.read_each([(prompt, corrected.token_ids) for prompt in asked])
        effect_T = by_comment.own - by_another.own
        again = replace(corrected, told=corrected.reading.own + effect_T)
        departs = self._departs(evidence, again, weighed.rejected, weighed.by_comment)
        is_enough = effect_T[departs[1]].sum().item() >= floor
        return replace(weighed, corrected=again, departs=departs) if is_enough else None

    def support(self, weighed: Weighed) -> float:
        """How much the comment does for a correction that another remark would not do, nats in all.

        Either it makes likelier what the correction takes, or less likely what it leaves: what should merely be left
        out has nothing in its place that the comment could speak for.
        """
        rollout, corrected, (left, taken) = weighed.rollout, weighed.corrected, weighed.departs
        if corrected is None or corrected.told is None or weighed.by_comment is None:
            raise ValueError("No comment accounts for this correction.")
        neutral = self._telling(rollout.messages, fill("neutral_remark"))
        exchanges = [(neutral, corrected.token_ids), (neutral, rollout.token_ids)]
        takes, leaves = self._scorer.read_each(exchanges)
        for_it, against_it = corrected.told - takes.own, leaves.own - weighed.by_comment.own
        return max(for_it[taken].sum().item(), against_it[left].sum().item())
