"""Prompt lookup: guess the next tokens by finding the last few earlier in the text.

An edit mostly copies its input, so the continuation of an earlier occurrence is often
right; the model then verifies all guesses in one pass (Saxena 2023, "prompt lookup
decoding"; Leviathan et al. 2211.17192 for why the result is exact).
Invariant: a draft is only ever a guess; it never decides which token is produced.
"""

from __future__ import annotations

from collections.abc import Sequence

LONGEST, SHORTEST = 8, 2


class PromptLookup:
    """An index from n-grams to where they last ended; grows with the text.

    One position is remembered for each n-gram, the most recent, because a file that is
    being copied is followed best from where the copy has just come.
    """

    def __init__(self, tokens: Sequence[int] = ()) -> None:
        self._tokens: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}
        self.extend(tokens)

    @classmethod
    def before_answer(cls, prompt_ids: Sequence[int], similar: Sequence[Sequence[int]]) -> PromptLookup:
        """For an answer to the prompt, as if it had been answered by each of `similar` before."""
        lookup = cls(prompt_ids)
        for answer_ids in similar:
            lookup.extend([*answer_ids, *prompt_ids[-LONGEST:]])
        return lookup

    def extend(self, tokens: Sequence[int]) -> None:
        """Append tokens to the text."""
        for token in tokens:
            self._index_before_append()
            self._tokens.append(token)

    def draft(self, length: int) -> list[int]:
        """At most `length` tokens that followed the longest known match of the text's end."""
        if length <= 0:
            return []
        for size in range(LONGEST, SHORTEST - 1, -1):
            end = self._ends.get(tuple(self._tokens[-size:])) if len(self._tokens) > size else None
            if end is not None:
                return self._tokens[end : end + length]
        return []

    def _index_before_append(self) -> None:
        # Indexed one token late, so that the text's own end never matches itself.
        end = len(self._tokens)
        for size in range(SHORTEST, min(LONGEST, end) + 1):
            self._ends[tuple(self._tokens[end - size : end])] = end
