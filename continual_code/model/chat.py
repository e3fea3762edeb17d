"""Messages to token ids and back, by the model's own chat template.

Invariant: a prompt for generation ends with the template's generation prompt, and a
teacher's prompt that only adds text to the last message shares its prefix with the
student's token for token up to there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers.decoders import DecodeStream

from continual_code.errors import ModelError
from continual_code.events import Message


class Chat:
    """The tokenizer with its template; safe to share between threads (it is never changed)."""

    def __init__(self, tokenizer: Any, stop_ids: frozenset[int]) -> None:
        if not tokenizer.chat_template:
            raise ModelError(
                "This model has no chat template.", do="Choose an instruct model: continual-code models list."
            )
        self._tokenizer = tokenizer
        self.stop_ids = stop_ids

    def render(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of the prompt, generation prompt included."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return self.encode(str(text))

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text, no special tokens added."""
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer; special tokens are left out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def ending(self, ids: Sequence[int]) -> list[int]:
        """The stop token that an answer ended with, for a model may have several; nothing if it ended with none."""
        return [token_id for token_id in ids[-1:] if token_id in self.stop_ids]

    def pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        """The text of each token by itself, special tokens included."""
        return tuple(str(self._tokenizer.decode([token])) for token in ids)

    def count(self, text: str) -> int:
        """Length of a text in tokens."""
        return len(self.encode(text))

    def stream(self) -> TokenStream:
        """A decoder that turns tokens into text as they come."""
        return TokenStream(self._tokenizer.backend_tokenizer)


class TokenStream:
    """Text of a growing answer; half a character is held back until it is whole."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._decoder = DecodeStream(skip_special_tokens=True)

    def feed(self, tokens: Sequence[int]) -> str:
        """The text that became readable with `tokens`."""
        return "".join(self._decoder.step(self._backend, token) or "" for token in tokens)
