"""Notices an answer that has fallen into a loop, so that nobody waits for its length limit.

Invariant: text that the prompt holds as it is may be copied, however repetitive it is.
"""

from __future__ import annotations

from collections.abc import Sequence

LOOP_TOKENS = 128  # so long a tail must be one short piece again and again
LONGEST_PIECE = 32  # hence at least four times


def is_loop(tokens: Sequence[int], prompt_ids: Sequence[int]) -> bool:
    """Whether an answer ends in the same few tokens over and over."""
    tail = list(tokens[-LOOP_TOKENS:])
    if len(tail) < LOOP_TOKENS:
        return False
    repeats = any(tail[piece:] == tail[:-piece] for piece in range(1, LONGEST_PIECE + 1))
    return repeats and not _holds(prompt_ids, tail)


def cut_loop(tokens: list[int], logprobs: list[float], new: int, prompt_ids: Sequence[int]) -> bool:
    """Cut both lists where a loop became one within the last `new` tokens, as if they had come one by one."""
    for end in range(len(tokens) - new + 1, len(tokens) + 1):
        if is_loop(tokens[max(0, end - LOOP_TOKENS) : end], prompt_ids):
            del tokens[end:], logprobs[end:]
            return True
    return False


def _holds(text: Sequence[int], part: Sequence[int]) -> bool:
    whole, length = list(text), len(part)
    return any(whole[start : start + length] == part for start in range(len(whole) - length + 1))
