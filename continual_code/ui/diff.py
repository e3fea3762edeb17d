"""The rows of a diff: which line of which side stands where, and to which hunk it belongs.

Invariant: every changed line of both sides appears in exactly one row, in file order, and the rows of a hunk
are those that its verdict is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from continual_code.events import Change, Hunk
from continual_code.ui.clean import clean
from continual_code.ui.words import facing

Mark = Literal[" ", "-", "+", "~", "⋯"]
CONTEXT = 3
UNENDED = " ⊘ no newline"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `old` and `new` are line indices from 0; `hidden` counts the lines a "⋯" row stands for.

    `hunk` is an index of `Proposal.hunks`, None where nothing changed. `facing` is the line of the other side that a
    "-" or "+" row was or became; a "~" row has both.
    """

    mark: Mark
    old: int | None = None
    new: int | None = None
    hidden: int = 0
    hunk: int | None = None
    facing: int | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """Both sides as cleaned lines, the rows for one column and for two, and how many hunks there are."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    inline: tuple[Row, ...]
    paired: tuple[Row, ...]
    hunks: int

    @property
    def added(self) -> int:
        return sum(row.mark == "+" for row in self.inline)

    @property
    def removed(self) -> int:
        return sum(row.mark == "-" for row in self.inline)


def diff_of(change: Change) -> Diff:
    """The hunks of a change, with three lines of context around each."""
    return diff_between(change.before or "", change.after, change.hunks)


def diff_between(before: str, after: str, hunks: Sequence[Hunk]) -> Diff:
    """`hunks` are those between the two texts."""
    old, new = display_lines(before, after)
    inline: list[Row] = []
    paired: list[Row] = []
    old_end = new_end = 0
    for hunk in hunks:
        same = _same(old_end, new_end, hunk.old_start - 1 - old_end, head=CONTEXT if hunk.index else 0, tail=CONTEXT)
        one, two = _changed(hunk)
        inline += [*same, *one]
        paired += [*same, *two]
        old_end, new_end = hunk.old_start - 1 + len(hunk.old_lines), hunk.new_start - 1 + len(hunk.new_lines)
    rest = _same(old_end, new_end, len(old) - old_end, head=CONTEXT, tail=0) if hunks else []
    return Diff(tuple(old), tuple(new), (*inline, *rest), (*paired, *rest), len(hunks))


def display_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Both texts as cleaned lines with tabs expanded.

    A final newline or Windows line ends are left out where both sides have them; where
    only one side does, the difference is shown.
    """
    if _windows(before) and _windows(after):
        before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    old, new = _lines(before), _lines(after)
    if old and new and before.endswith("\n") != after.endswith("\n"):
        unended = new if before.endswith("\n") else old
        unended[-1] += UNENDED
    return old, new


def _windows(text: str) -> bool:
    return "\r\n" in text and text.count("\n") == text.count("\r\n")


def _lines(text: str) -> list[str]:
    return clean(text).expandtabs(4).removesuffix("\n").split("\n") if text else []


def _same(old: int, new: int, count: int, *, head: int, tail: int) -> list[Row]:
    """`count` unchanged lines, of which the first `head` and the last `tail` are shown."""
    rows = [Row(" ", old + at, new + at) for at in range(count)]
    hidden = count - head - tail
    return rows if hidden <= 0 else [*rows[:head], Row("⋯", hidden=hidden), *rows[count - tail :]]


def _changed(hunk: Hunk) -> tuple[list[Row], list[Row]]:
    """The rows of a hunk for one column and for two."""
    old, new = hunk.old_start - 1, hunk.new_start - 1
    pairs = [
        (None if left is None else old + left, None if right is None else new + right)
        for left, right in facing(hunk.old_lines, hunk.new_lines)
    ]
    removed = [Row("-", old=left, hunk=hunk.index, facing=right) for left, right in pairs if left is not None]
    added = [Row("+", new=right, hunk=hunk.index, facing=left) for left, right in pairs if right is not None]
    return removed + added, [Row("~", left, right, hunk=hunk.index) for left, right in pairs]
