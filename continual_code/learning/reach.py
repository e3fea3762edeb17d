"""How far a lesson reaches beyond the answer that it came from.

Invariant: an anchor stays as it is wherever the base, which has seen the lesson's task done right, would leave it so.
"""

from __future__ import annotations

from continual_code.learning.common_text import EDIT, Conversation
from continual_code.learning.hindsight import Hindsight
from continual_code.learning.step import Aim
from continual_code.learning.targets import Targets
from continual_code.learning.weighing import Weighed, argued_against


def anchored(anchor: Conversation, weighed: Weighed, targets: Targets, hindsight: Hindsight, revision: int) -> Aim:
    """An edit of another file, which the lesson should leave as it is, except where it is about that, too.

    An anchor keeps a lesson where it belongs. But of a rule for all code it would say that the rule does not hold
    elsewhere, and the model would believe it. So the base is shown the lesson, its comment and its corrected answer,
    and then the anchor's task with the comment again: where that makes it write another token, one that the lesson
    teaches, the anchor is taught as well. Anchors are in Python; lessons in other languages leave them alone.
    (The comment alone does not do it. A small model that reads "decorate every function" goes on copying `def`; once
    it has seen it done, it does so, too, and not where the lesson has no place.)

    Args:
        targets: over the same view.
        revision: owns the adapter in it.
    """
    prompt_ids, token_ids = anchor.prompt_ids, anchor.token_ids
    if not (weighed.taught and weighed.example and weighed.example.startswith(EDIT)):
        return targets.kept(prompt_ids, revision, token_ids)
    untold, told = hindsight.carried_over(weighed, anchor.messages, prompt_ids, token_ids)
    against, likeliest = argued_against(told.own, untold.reading.own).tolist(), told.likeliest.tolist()
    others = [place for place, token_id in enumerate(token_ids) if against[place] and likeliest[place] != token_id]
    reached = [place for place in others if likeliest[place] in weighed.taught]
    if not reached:
        return targets.kept(prompt_ids, revision, token_ids)
    return targets.moved(prompt_ids, revision, untold, told, reached)
