"""Colours an answer while it comes: its Markdown, and the code in it by its language.

Invariant: the text stays as it was written, marks included; only styles are added.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from continual_code.ui.syntax import coloured

FENCE = "```"
LONGEST_OPEN = 8_000  # characters; a paragraph or a block that grows beyond is coloured once it is complete,
LONGEST_WHOLE = 30_000  # and not at all beyond this: three microseconds a character, on a slow core


def painted(lines: Sequence[str]) -> list[Content]:
    """Cleaned lines of an answer with styles; the first stands outside any block of code."""
    closing = [FENCE] if _places_in_code(lines)[-1:] == [True] else []  # the lexer knows no block without an end
    return coloured([*lines, *closing], "answer.md")[: len(lines)]


def settled(lines: Sequence[str]) -> int:
    """How many of the lines look the same whatever comes after them: those up to the last empty line or fence."""
    in_code = _places_in_code(lines)
    ends = [at for at, line in enumerate(lines) if not in_code[at] and (not line.strip() or is_fence(line))]
    return ends[-1] + 1 if ends else 0


def is_fence(line: str) -> bool:
    """Whether a block of code begins or ends there."""
    return line.lstrip().startswith(FENCE)


def _places_in_code(lines: Sequence[str]) -> list[bool]:
    """Of each line whether a block of code goes on after it."""
    places, inside = [], False
    for line in lines:
        inside ^= is_fence(line)
        places.append(inside)
    return places
