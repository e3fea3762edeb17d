"""Whether a remark is about the code at all, by the base model's own judgement.

A small model obeys any sentence that is called a rule, small talk too: it changes something
when asked to correct itself, and how much a remark shifts its tokens does not tell one from
the other. Asked to sort remarks, with examples, it tells them apart quite well.
Invariant: only the remark itself is shown; neither the task nor the code can sway the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from continual_code.events import Message
from continual_code.learning.scoring import BASE, Scorer
from continual_code.model.chat import Chat
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View
from continual_code.templates import fill

# Words without a "no" in them: asked for "yes" or "no", models take "don't touch" for a no.
WORK, CHAT = "work", "chat"


class Remarks:
    """Sorts remarks with the base of `view`; the examples are read once.

    Args:
        pause: called between pieces of work; may block (the person goes first) or raise.
    """

    def __init__(self, view: View, chat: Chat, pause: Callable[[], None]) -> None:
        self._view, self._chat = view, chat
        self._scorer = Scorer(view, PrefixStore(1), pause)
        self._empty: float | None = None

    def odds(self, comment: str) -> float:
        """log p(work) - log p(chat), nats, above what they are for an empty remark (Zhao et al. 2021).

        Models differ in which of the two words they like; the empty remark shows by how much.
        """
        if self._empty is None:
            self._empty = self._raw("")
        return self._raw(comment) - self._empty

    def _raw(self, comment: str) -> float:
        prompt_ids = self._chat.render([*_examples(), Message("user", f"Remark: {comment}")])
        work, chat = (self._chat.encode(word)[0] for word in (WORK, CHAT))
        hidden_1_D = self._scorer.hidden(BASE, prompt_ids, [work])
        with self._view.adapter_off():
            logprobs_V = self._scorer.logprobs(hidden_1_D)[0]
        return (logprobs_V[work] - logprobs_V[chat]).item()


@cache
def _examples() -> tuple[Message, ...]:
    messages = [Message("system", fill("sort_remarks"))]
    for line in fill("sorted_remarks").split("\n"):
        answer, _, remark = line.partition(": ")
        messages += [Message("user", f"Remark: {remark}"), Message("assistant", answer)]
    return tuple(messages)
