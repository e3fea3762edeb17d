"""The rejected answer, token by token, with what the comment said about each.

Invariant: the pieces joined are the answer, but for secrets, and a difference below the noise is never marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from continual_code.feedback.redaction import secrets
from continual_code.ui.credit import mark_of

REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class Piece:
    """A token as it can be shown. `mark` is as `mark_of` says; `gap` is in nats, below zero where argued against."""

    text: str
    gap: float
    mark: str


def pieces(tokens: Sequence[str], gaps: Sequence[float]) -> tuple[Piece, ...]:
    """The tokens that have a gap, without secrets."""
    scored = list(zip(without_secrets(tokens), gaps, strict=False))
    return tuple(Piece(text, gap, mark_of(gap)) for text, gap in scored if text)


def without_secrets(tokens: Sequence[str]) -> tuple[str, ...]:
    """As many tokens; a secret that spans several stands as one sign in the first of them, and not in the others."""
    hidden = secrets("".join(tokens))
    shown, start = [], 0
    for token in tokens:
        shown.append(_visible(token, start, hidden))
        start += len(token)
    return tuple(shown)


def _visible(token: str, start: int, hidden: Sequence[tuple[int, int]]) -> str:
    """`token`, which begins at `start` of the text, without the characters that lie in a hidden place."""
    end, at, parts = start + len(token), start, list[str]()
    for first, last in hidden:
        if last <= start or first >= end:
            continue
        parts += [token[at - start : max(first, start) - start], REDACTED if first >= start else ""]
        at = min(last, end)
    return "".join([*parts, token[at - start :]])
