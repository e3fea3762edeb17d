"""What changed between two versions of a text. Pure functions.

Invariant: the texts are compared line by line with their line ends, so nothing is hidden. Only "\\n" ends a line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Hunk:
    """A part of a proposal that can be judged alone. Line numbers count from 1."""

    index: int
    old_start: int
    new_start: int
    old_lines: tuple[str, ...]
    new_lines: tuple[str, ...]


def unified_diff(path: str, before: str | None, after: str) -> str:
    """The unified diff of one file; empty when nothing changed.

    A missing newline at the end of a file is marked the way `patch` and git expect.
    """
    source = "/dev/null" if before is None else f"a/{path}"
    lines = difflib.unified_diff(lines_of(before or ""), lines_of(after), source, f"b/{path}")
    marked = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(marked)


@lru_cache(maxsize=8)
def hunks_of(before: str, after: str) -> tuple[Hunk, ...]:
    """The changed parts without context, in file order; between two of them at least one line is the same.

    The last few answers are kept: thousands of lines can take a second, and the screen asks again at a keystroke.
    """
    old, new = lines_of(before), lines_of(after)
    opcodes = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    changed = [(i1, i2, j1, j2) for tag, i1, i2, j1, j2 in opcodes if tag != "equal"]
    return tuple(
        Hunk(index, i1 + 1, j1 + 1, tuple(old[i1:i2]), tuple(new[j1:j2]))
        for index, (i1, i2, j1, j2) in enumerate(changed)
    )


def compose(before: str, hunks: Iterable[Hunk], unwanted: Container[int]) -> str:
    """`before` with all of its hunks but the `unwanted` ones, byte for byte: none unwanted gives the text after."""
    old, end = lines_of(before), 0
    parts: list[str] = []
    for hunk in hunks:
        if hunk.index not in unwanted:
            start = hunk.old_start - 1
            parts += [*old[end:start], *hunk.new_lines]
            end = start + len(hunk.old_lines)
    return "".join([*parts, *old[end:]])


def lines_of(text: str) -> list[str]:
    """The lines with their ends; the last one may have none."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
