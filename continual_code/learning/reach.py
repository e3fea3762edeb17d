"""How far a lesson reaches beyond the answer that it came from.

Invariant: what the comment does not change in an anchor stays as it is.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from continual_code.learning.common_text import Conversation
from continual_code.learning.hindsight import Hindsight
from continual_code.learning.step import Aim
from continual_code.learning.targets import Targets
from continual_code.learning.weighing import argued_against


@dataclass(frozen=True)
class Change:
    """What a lesson changes: the tokens that it leaves, and those that it writes instead."""

    comment: str
    left: Container[int]
    taught: Container[int]


def anchored(anchor: Conversation, change: Change, targets: Targets, hindsight: Hindsight, revision: int) -> Aim:
    """An edit of another file, which the lesson should leave as it is, except where it is about that, too.

    An anchor keeps a lesson where it belongs. But of a rule for all code it would say that the rule does not hold
    elsewhere, and the model would believe it. So the base is shown the comment with the anchor's task: where that makes
    it write a token that the lesson teaches, in place of one that the lesson leaves, the anchor is taught as well.

    Args:
        targets: over the same view.
        revision: owns the adapter in it.
    """
    prompt_ids, token_ids = anchor.prompt_ids, anchor.token_ids
    candidates = [place for place, token_id in enumerate(token_ids) if token_id in change.left]
    if not (change.comment and candidates):
        return targets.kept(prompt_ids, revision, token_ids)
    untold, told = hindsight.both(anchor.messages, prompt_ids, token_ids, change.comment)
    against, likeliest = argued_against(told.own, untold.reading.own).tolist(), told.likeliest.tolist()
    reached = [place for place in candidates if against[place] and likeliest[place] in change.taught]
    if not reached:
        return targets.kept(prompt_ids, revision, token_ids)
    return targets.moved(prompt_ids, revision, untold, told, reached)
