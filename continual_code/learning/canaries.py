"""Small programs that have nothing to do with any lesson, and what of them every lesson must leave as it is.

Invariant: only what the untaught model writes as well is held, and only how a program opens. A project's imports and
decorators break a program that stands alone; how its body is written is free, because lessons about style hold there.
Where a small model wavers (`def` at once, or an import before it), any of what it wavers between will do.
"""

from __future__ import annotations

from collections.abc import Callable

from continual_code.events import Message
from continual_code.learning.rehearsal import Rehearsal
from continual_code.learning.scoring import BASE, Scorer
from continual_code.model.chat import Chat
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View
from continual_code.templates import exchanges

SURE = 0.9  # probability that a few tokens must have together, for the untaught model to be sure that it is one of them
FEW = 5


class Canaries:
    """The exercises of `prompts/canaries.md`, each with the opening of an answer; read once, in seconds."""

    def __init__(self, view: View, chat: Chat) -> None:
        self._view, self._chat = view, chat
        self._found: list[Rehearsal] | None = None

    def all(self, pause: Callable[[], None]) -> list[Rehearsal]:
        """Every canary that the untaught model is sure of."""
        if self._found is None:
            scorer = Scorer(self._view, PrefixStore(), pause)
            found = [self._canary(*exercise, scorer) for exercise in exchanges("canaries")]
            self._found = [each for each in found if each.deciding]
        return self._found

    def _canary(self, question: str, opening: str, scorer: Scorer) -> Rehearsal:
        prompt_ids, token_ids = self._chat.render([Message("user", question)]), self._chat.encode(opening)
        hidden_T_D = scorer.hidden(BASE, prompt_ids, token_ids)
        with self._view.adapter_off():
            liked = scorer.logprobs(hidden_T_D).exp().topk(FEW)
        needed_T = (liked.values.cumsum(dim=1) < SURE).sum(dim=1) + 1  # tokens, the likeliest first
        instead = {
            place: liked.indices[place, :needed].tolist()
            for place, needed in enumerate(needed_T.tolist())
            if needed <= FEW
        }
        return Rehearsal(prompt_ids, token_ids, list(instead), instead)
