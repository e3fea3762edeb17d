"""Where a correction departs from the answer that was rejected, token by token.

Invariant: what both answers say alike, before and after the same tokens, is never marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher


def departures(rejected: Sequence[int], corrected: Sequence[int]) -> tuple[list[int], list[int]]:
    """The positions in each answer at which the other goes another way.

    Where one answer has tokens that the other lacks, the other's next token is marked: that
    is where it decides not to write them.
    """
    marked: tuple[set[int], set[int]] = set(), set()
    opcodes = SequenceMatcher(None, rejected, corrected, autojunk=False).get_opcodes()
    for tag, *spans in opcodes:
        if tag == "equal":
            continue
        for marks, ids, (start, end) in zip(marked, (rejected, corrected), (spans[:2], spans[2:]), strict=True):
            marks.update(range(start, end) if end > start else range(start, min(start + 1, len(ids))))
    return sorted(marked[0]), sorted(marked[1])
