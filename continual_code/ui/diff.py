"""The rows of a diff: which line of which side stands where.

Invariant: every changed line of both sides appears in exactly one row, in file order.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from continual_code.ui.clean import clean

Mark = Literal[" ", "-", "+", "~", "⋯"]
CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `old` and `new` are line indices from 0; `hidden` counts the lines a "⋯" row stands for."""

    mark: Mark
    old: int | None = None
    new: int | None = None
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Diff:
    """Both sides as cleaned lines, and the rows for one column and for two."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    inline: tuple[Row, ...]
    paired: tuple[Row, ...]

    @property
    def added(self) -> int:
        return sum(row.mark == "+" for row in self.inline)

    @property
    def removed(self) -> int:
        return sum(row.mark == "-" for row in self.inline)


def diff_of(before: str | None, after: str) -> Diff:
    """Compare two texts line by line, with three lines of context around each change."""
    old, new = display_lines(before or "", after)
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    inline: list[Row] = []
    paired: list[Row] = []
    end = 0
    for group in matcher.get_grouped_opcodes(CONTEXT):
        gap = _gap(group[0][1] - end)
        inline += gap
        paired += gap
        for opcode in group:
            inline += _inline(*opcode)
            paired += _paired(*opcode)
        end = group[-1][2]
    rest = _gap(len(old) - end) if inline else []
    return Diff(tuple(old), tuple(new), tuple(inline + rest), tuple(paired + rest))


def display_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Both texts as cleaned lines with tabs expanded.

    A final newline or Windows line ends are left out where both sides have them; where
    only one side does, the difference is shown.
    """
    if _windows(before) and _windows(after):
        before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    if before.endswith("\n") and after.endswith("\n"):
        before, after = before[:-1], after[:-1]
    elif not before:
        after = after.removesuffix("\n")
    return _lines(before), _lines(after)


def _windows(text: str) -> bool:
    return "\r\n" in text and text.count("\n") == text.count("\r\n")


def _lines(text: str) -> list[str]:
    return clean(text).expandtabs(4).split("\n") if text else []


def _gap(hidden: int) -> list[Row]:
    return [Row("⋯", hidden=hidden)] if hidden > 0 else []


def _inline(tag: str, i1: int, i2: int, j1: int, j2: int) -> Sequence[Row]:
    if tag == "equal":
        return [Row(" ", i, j) for i, j in zip(range(i1, i2), range(j1, j2), strict=True)]
    return [Row("-", old=i) for i in range(i1, i2)] + [Row("+", new=j) for j in range(j1, j2)]


def _paired(tag: str, i1: int, i2: int, j1: int, j2: int) -> Sequence[Row]:
    if tag == "equal":
        return _inline(tag, i1, i2, j1, j2)
    height = max(i2 - i1, j2 - j1)
    lefts = [*range(i1, i2), *[None] * (height - (i2 - i1))]
    rights = [*range(j1, j2), *[None] * (height - (j2 - j1))]
    return [Row("~", i, j) for i, j in zip(lefts, rights, strict=True)]
