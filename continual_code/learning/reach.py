"""How far a lesson reaches beyond the answer that it came from.

Invariant: what the comment does not change in an anchor stays as it is.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from continual_code.learning import teacher
from continual_code.learning.common_text import Conversation
from continual_code.learning.scoring import BASE, Scorer
from continual_code.learning.step import Aim
from continual_code.learning.targets import Targets
from continual_code.learning.weighing import Untold, argued_against
from continual_code.model.chat import Chat


@dataclass(frozen=True)
class Change:
    """What a lesson changes: the tokens that it leaves, and those that it writes instead."""

    comment: str
    left: Container[int]
    taught: Container[int]


def anchored(anchor: Conversation, change: Change, targets: Targets, scorer: Scorer, chat: Chat, revision: int) -> Aim:
    """An edit of another file, which the lesson should leave as it is, except where it is about that, too.

    An anchor keeps a lesson where it belongs. But of a rule for all code it would say that the rule does not hold
    elsewhere, and the model would believe it. So the base is shown the comment with the anchor's task: where that makes
    it write a token that the lesson teaches, in place of one that the lesson leaves, the anchor is taught as well.

    Args:
        targets: over the same scorer.
        revision: owns the adapter in the scorer's view.
    """
    prompt_ids, token_ids = anchor.prompt_ids, anchor.token_ids
    candidates = [place for place, token_id in enumerate(token_ids) if token_id in change.left]
    if not (change.comment and candidates):
        return targets.kept(prompt_ids, revision, token_ids)
    untold = Untold(token_ids, scorer.read(BASE, prompt_ids, token_ids))
    told = scorer.read(BASE, chat.render(teacher.told(anchor.messages, change.comment, None)), token_ids)
    against, likeliest = argued_against(told.own, untold.reading.own).tolist(), told.likeliest.tolist()
    reached = [place for place in candidates if against[place] and likeliest[place] in change.taught]
    if not reached:
        return targets.kept(prompt_ids, revision, token_ids)
    return targets.moved(prompt_ids, revision, untold, told, reached)
