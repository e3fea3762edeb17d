"""The adapter that a first lesson starts from.

Invariant: it changes no answer, and it is the same after every restart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from continual_code.events import Message
from continual_code.model.chat import Chat
from continual_code.model.subspace import deaf_to, shared_directions
from continual_code.model.views import View
from continual_code.templates import fill

BREAK = "\n---\n"


class Start:
    """Makes a fresh adapter deaf to what all text shares; once, because it takes some seconds.

    Args:
        count: how many directions of each layer's input it does not read; 0 leaves it as it is.
    """

    def __init__(self, view: View, chat: Chat, count: int) -> None:
        self._view, self._chat, self._count = view, chat, count
        self._made: dict[str, Tensor] | None = None

    def adapter(self, fresh: Mapping[str, Tensor], pause: Callable[[], None]) -> dict[str, Tensor]:
        """`fresh`, with an A of its own choice. Leaves the view's adapter changed."""
        if self._made is None and self._count:
            self._view.load(fresh)
            directions = shared_directions(self._view, self._texts(), self._count, pause)
            self._made = deaf_to(directions, fresh)
        return dict(self._made or fresh)

    def _texts(self) -> list[list[int]]:
        """Short conversations about anything, as the model reads them."""
        turns = fill("common_text").split(BREAK)
        return [
            [*self._chat.render([Message("user", question)]), *self._chat.encode(answer)]
            for question, answer in zip(turns[::2], turns[1::2], strict=True)
        ]


def is_fresh(adapter: Mapping[str, Tensor]) -> bool:
    """Whether it has learned nothing yet: every B is zero."""
    return not any(tensor.any() for name, tensor in adapter.items() if ".lora_B." in name)
