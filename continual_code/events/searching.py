"""What a search through the repository found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SearchMode = Literal["text", "word", "regex"]  # as it stands there, as a word of its own, as a pattern


@dataclass(frozen=True, slots=True)
class Match:
    """A line that holds what was searched for; `number` counts from 1.

    `text` is the line, or of a long one what stands around its first match, which is `text[start:end]`.
    """

    path: str
    number: int
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """Matches in the order of paths and lines; `cut` says why there may be more, "" when these are all."""

    matches: tuple[Match, ...]
    cut: str = ""
