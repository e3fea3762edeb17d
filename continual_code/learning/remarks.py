"""Whether a remark is about the code at all, by the base model's own judgement.

A small model obeys any sentence that is called a rule, small talk too: it changes something
when asked to correct itself, and how much a remark shifts its tokens does not tell one from
the other. It is asked in two ways. Asked to sort remarks, with examples, it tells most apart;
and it says small talk rather where people chat, and a remark about code where people look at code
(a noisy channel: Min et al. 2022), which tells those apart that are put like an instruction.
Invariant: only the remark itself is shown; neither the task nor the code can sway the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property

import torch

from continual_code.events import Message
from continual_code.learning.scoring import BASE, Scorer
from continual_code.model.chat import Chat
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View
from continual_code.templates import exchanges, fill

# Words without a "no" in them: asked for "yes" or "no", models take "don't touch" for a no.
WORK, CHAT = "work", "chat"
DOUBT = 0.5  # of the nats by which a remark is likelier among people who chat; neighbouring tokens tell the same twice


class Remarks:
    """Sorts remarks with the base of `view`; the examples are read once.

    Args:
        pause: called between pieces of work; may block (the person goes first) or raise.
    """

    def __init__(self, view: View, chat: Chat, pause: Callable[[], None]) -> None:
        self._view, self._chat = view, chat
        self._scorer = Scorer(view, PrefixStore(1 + len(_occasions(WORK)) + len(_occasions(CHAT))), pause)

    def prepare(self) -> None:
        """Read ahead what every remark is put behind."""
        _ = self._empty
        for occasion in (*_occasions(WORK), *_occasions(CHAT)):
            self._scorer.prefix(BASE, self._chat.render(occasion))

    def odds(self, comment: str) -> float:
        """log p(work) - log p(chat), nats, as the base sorts it, less what speaks for small talk by the occasions.

        The sorting counts above that of an empty remark (Zhao et al. 2021): models differ in which of the two words
        they like. What speaks for work by the occasions adds nothing: there a short remark says little.
        """
        sorted_as = self._sorted(comment) - self._empty
        return sorted_as + DOUBT * min(0.0, self._said(WORK, comment) - self._said(CHAT, comment))

    @cached_property
    def _empty(self) -> float:
        return self._sorted("")

    def _sorted(self, comment: str) -> float:
        prompt_ids = self._chat.render([*_examples(), Message("user", f"Remark: {comment}")])
        work, chat = (self._chat.encode(word)[0] for word in (WORK, CHAT))
        hidden_1_D = self._scorer.hidden(BASE, prompt_ids, [work])
        with self._view.adapter_off():
            logprobs_V = self._scorer.logprobs(hidden_1_D)[0]
        return (logprobs_V[work] - logprobs_V[chat]).item()

    def _said(self, word: str, comment: str) -> float:
        """The log-probability that the remark is said on one of the occasions of a word, up to a constant; nats."""
        token_ids = self._chat.encode(comment)
        if not token_ids:
            return 0.0
        readings = self._scorer.read_each([(self._chat.render(each), token_ids) for each in _occasions(word)])
        return torch.stack([reading.own.sum() for reading in readings]).logsumexp(0).item()


@cache
def _examples() -> tuple[Message, ...]:
    messages = [Message("system", fill("sort_remarks"))]
    for line in fill("sorted_remarks").split("\n"):
        answer, _, remark = line.partition(": ")
        messages += [Message("user", f"Remark: {remark}"), Message("assistant", answer)]
    return tuple(messages)


@cache
def _occasions(word: str) -> tuple[tuple[Message, Message], ...]:
    """The settings of `prompts/<word>_occasions.md`, each with what is said before the remark."""
    found = exchanges(f"{word}_occasions")
    return tuple((Message("system", setting), Message("user", said)) for setting, said in found)
