"""What a person sees of an answer while it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from continual_code.model.chat import Chat


class Shown:
    """Passes an answer on as text; a fence is held back until something follows it, for it may not stay the end."""

    def __init__(self, chat: Chat, on_text: Callable[[str], None]) -> None:
        self._chat, self._on_text = chat, on_text
        self._stream, self._held = chat.stream(), list[int]()

    def feed(self, tokens: Sequence[int]) -> None:
        """The next tokens."""
        known, end = [*self._held, *tokens], len(self._held) + len(tokens)
        while end and "`" in self._chat.decode(known[end - 1 : end]):
            end -= 1
        self._held = known[end:]
        self._pass_on(known[:end])

    def reopen(self) -> None:
        """What was held back is not written after all."""
        self._held = []

    def close(self) -> None:
        """Nothing more comes."""
        self._pass_on(self._held)
        self._held = []

    def _pass_on(self, tokens: Sequence[int]) -> None:
        if text := self._stream.feed(tokens):
            self._on_text(text)
