"""An answer that ended too early goes on from where it closed its code, with anything but that.

Invariant: every token of what comes out was drawn from the model; only where the code was closed could it not be
drawn that it ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from torch import Tensor

from continual_code.model.chat import Chat
from continual_code.model.generation import Generation, LogitsProcessor

FENCES = ("`", "``", "```", "````")
_FENCE = re.compile(r"^```", re.MULTILINE)

GoOn = Callable[[Sequence[int], LogitsProcessor], Generation]


class NotYet:
    """Keeps tokens from being drawn until something else than blank space was written.

    Args:
        token_ids: those that would end the answer.
        is_blank: whether a token is blank space.
    """

    def __init__(self, token_ids: Collection[int], is_blank: Callable[[int], bool]) -> None:
        self._ids, self._is_blank, self._is_open = list(token_ids), is_blank, True

    def process(self, logits_T_V: Tensor, draft: Sequence[int]) -> Tensor:
        """See `LogitsProcessor`."""
        blank = next((place for place, each in enumerate(draft) if not self._is_blank(each)), len(draft))
        withheld = logits_T_V.clone()
        withheld[: blank + 1 if self._is_open else 0, self._ids] = float("-inf")
        return withheld

    def extend(self, tokens: Sequence[int]) -> None:
        """See `LogitsProcessor`."""
        self._is_open = self._is_open and all(map(self._is_blank, tokens))


def reopened(chat: Chat, first: Generation, go_on: GoOn) -> Generation | None:
    """An answer up to the end of its first block of code, and what the model writes in place of that end.

    Args:
        first: an answer that begins with a block of code.
        go_on: given the tokens that stay and what keeps them from ending there, generates the rest.

    Returns:
        None where the answer has no such end.
    """
    fences = list(_FENCE.finditer(chat.decode(first.token_ids)))
    if len(fences) < 2:
        return None
    lengths = [len(chat.decode(first.token_ids[:count])) for count in range(1, len(first.token_ids) + 1)]
    begun = first.token_ids[: sum(length <= fences[1].start() for length in lengths)]
    ends = {first.token_ids[len(begun)], *(ids[0] for fence in FENCES if len(ids := chat.encode(fence)) == 1)}
    rest = go_on(begun, NotYet(ends | chat.stop_ids, lambda token_id: not chat.decode([token_id]).strip()))
    logprobs = (*first.logprobs[: len(begun)], *rest.logprobs)
    return Generation((*begun, *rest.token_ids), logprobs, rest.finish, first.passes + rest.passes)
