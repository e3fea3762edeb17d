"""What changed between two versions of a text. Pure functions.

Invariant: the texts are compared line by line with their line ends, so nothing is hidden.
"""

from __future__ import annotations

import difflib

Region = tuple[int, int, tuple[str, ...], tuple[str, ...]]


def unified_diff(path: str, before: str | None, after: str) -> str:
    """The unified diff of one file; empty when nothing changed.

    A missing newline at the end of a file is marked the way `patch` and git expect.
    """
    source = "/dev/null" if before is None else f"a/{path}"
    old, new = (before or "").splitlines(keepends=True), after.splitlines(keepends=True)
    lines = difflib.unified_diff(old, new, source, f"b/{path}")
    marked = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return "".join(marked)


def changed_regions(before: str, after: str) -> list[Region]:
    """The changed parts in file order: first old line, first new line (from 1), old lines, new lines."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    opcodes = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    return [(i1 + 1, j1 + 1, tuple(old[i1:i2]), tuple(new[j1:j2])) for tag, i1, i2, j1, j2 in opcodes if tag != "equal"]
