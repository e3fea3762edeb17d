"""Where a correction departs from the answer that was rejected, token by token.

Invariant: what both answers say alike, before and after the same tokens, is never marked.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from difflib import SequenceMatcher


def departures(
    rejected: Sequence[int], corrected: Sequence[int], about: Container[int] | None = None
) -> tuple[list[int], list[int]]:
    """The positions in each answer at which the other goes another way.

    Where one answer has tokens that the other lacks, the other's next token is marked: that
    is where it decides not to write them.

    Args:
        about: positions in the rejected answer; a departure that touches none of them is left out.
    """
    marked: tuple[set[int], set[int]] = set(), set()
    opcodes = SequenceMatcher(None, rejected, corrected, autojunk=False).get_opcodes()
    for tag, start, end, other_start, other_end in opcodes:
        if tag == "equal":
            continue
        mine, others = _marks(start, end, len(rejected)), _marks(other_start, other_end, len(corrected))
        if about is None or any(position in about for position in mine):
            marked[0].update(mine)
            marked[1].update(others)
    return sorted(marked[0]), sorted(marked[1])


def _marks(start: int, end: int, length: int) -> range:
    return range(start, end) if end > start else range(start, min(start + 1, length))
