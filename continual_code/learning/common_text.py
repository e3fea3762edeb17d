"""Text that has nothing to do with any lesson: what it is good for before and during one.

Invariant: a started adapter changes no answer, and it is the same after every restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from continual_code.events import Message
from continual_code.learning.canaries import Canaries
from continual_code.learning.drift import Drift
from continual_code.model.chat import Chat
from continual_code.model.subspace import deaf_to, shared_directions
from continual_code.model.views import View
from continual_code.templates import exchanges

EDIT = "```python\n"  # how an answer with a new version of a file opens
PROBES, PROBE_TOKENS = 4, 24  # answers that drift is measured on, and how much of each


@dataclass(frozen=True)
class Conversation:
    """A question and its answer, as messages and as the model reads them."""

    messages: Sequence[Message]
    prompt_ids: Sequence[int]
    token_ids: Sequence[int]


class CommonText:
    """Short conversations about anything (`prompts/common_text.md`), as the model reads them.

    Args:
        count: how many directions of each layer's input a started adapter does not read; 0
            leaves it as it is.
    """

    def __init__(self, view: View, chat: Chat, count: int) -> None:
        self._view, self._chat, self._count = view, chat, count
        self._started: dict[str, Tensor] | None = None
        self.canaries = Canaries(view, chat)

    def start(self, fresh: Mapping[str, Tensor], pause: Callable[[], None]) -> dict[str, Tensor]:
        """`fresh`, deaf to what all text shares. It takes seconds the first time, and leaves another adapter loaded."""
        if self._started is None and self._count:
            self._view.load(fresh)
            texts = [[*each.prompt_ids, *each.token_ids] for each in self._conversations]
            directions = shared_directions(self._view, texts, self._count, pause)
            self._started = deaf_to(directions, fresh)
        return dict(self._started or fresh)

    def anchors(self, turn: int, count: int) -> list[Conversation]:
        """Edits of files; different ones each turn, until all were used."""
        edits = [each for each in self._conversations if self._is_edit(each)]
        return [edits[(turn * count + index) % len(edits)] for index in range(min(count, len(edits)))]

    @cached_property
    def drift(self) -> Drift:
        """Measured on the beginnings of a few answers that are no edits, and so never anchors."""
        others = [each for each in self._conversations if not self._is_edit(each)]
        return Drift([(each.prompt_ids, each.token_ids[:PROBE_TOKENS]) for each in others[:PROBES]])

    def _is_edit(self, conversation: Conversation) -> bool:
        return self._chat.decode(conversation.token_ids).startswith(EDIT)

    @cached_property
    def _conversations(self) -> list[Conversation]:
        asked = [([Message("user", question)], answer) for question, answer in exchanges("common_text")]
        return [
            Conversation(messages, self._chat.render(messages), self._chat.encode(answer)) for messages, answer in asked
        ]


def is_fresh(adapter: Mapping[str, Tensor]) -> bool:
    """Whether it has learned nothing yet: every B is zero."""
    return not any(tensor.any() for name, tensor in adapter.items() if ".lora_B." in name)
