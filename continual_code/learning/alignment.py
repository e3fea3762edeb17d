"""Where a correction departs from the answer that was rejected, token by token.

Invariant: what both answers say alike, before and after the same tokens, is never marked.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

WAY = 4  # tokens; from there on the answer goes by itself
ENDING = 2  # tokens that end what was begun, a name say


def departures(
    rejected: Sequence[int], corrected: Sequence[int], about: Container[int] | None = None,
    meant: Container[int] | None = None, unwanted: Container[int] = (),
) -> tuple[list[int], list[int]]:  # fmt: skip
    """The positions in each answer at which the other goes another way.

    Where one answer has tokens that the other lacks, the other's next token is marked: that
    is where it decides not to write them.

    Args:
        about: positions in the rejected answer; a departure that touches none of them is left out.
        meant: positions in the corrected answer; of a departure only these are marked there, and its beginning, which
            leads to them; nothing of it if there are none.
        unwanted: positions in the rejected answer; of a departure in which nothing is meant these are marked. What
            leads to a correction may stand far above: after an import, an annotation comes by itself.
    """
    marked: tuple[set[int], set[int]] = set(), set()
    opcodes = SequenceMatcher(None, rejected, corrected, autojunk=False).get_opcodes()
    for tag, start, end, other_start, other_end in opcodes:
        if tag == "equal":
            continue
        later = 0 if tag == "replace" else _shared(rejected, start, end, corrected, other_start, other_end)
        mine = _marks(start + later, end + later, len(rejected))
        others = _marks(other_start + later, other_end + later, len(corrected))
        if about is not None and not any(position in about for position in mine):
            continue
        if meant is not None:
            chosen = [position for position in others if position in meant]
            is_talk = other_start == other_end == len(corrected) - 1  # after the code; no correction has any
            if chosen:
                others = [others[0], *chosen]
            elif is_talk:
                continue
            else:
                mine, others = [position for position in mine if position in unwanted], []
        marked[0].update(mine)
        marked[1].update(others)
    return sorted(marked[0]), sorted(marked[1])


def ways_back(rejected: Sequence[int], corrected: Sequence[int], taught: Container[int]) -> list[int]:
    """Where a correction comes back, from something that is taught, to what both answers say.

    A model that has learned to write an import does not know yet where the name in it ends, nor how the file goes on
    behind it. So what follows a taught token directly belongs to this, and the first `WAY` tokens that both have.
    """
    opcodes = SequenceMatcher(None, rejected, corrected, autojunk=False).get_opcodes()
    back: list[int] = []
    for (_, _, _, start, _), (tag, _, _, common, end) in pairwise(opcodes):
        found = [position for position in range(start, end) if position in taught]
        if tag == "equal" and found:
            first = max(common, found[-1] + 1)
            after = {position + step for position in found for step in range(1, ENDING + 1)}
            back += sorted(position for position in after if position < first and position not in taught)
            back += range(first, min(first + WAY, end))
    return back


def changed(rejected: Sequence[int], corrected: Sequence[int]) -> int:
    """How many tokens were taken out or put in."""
    blocks = SequenceMatcher(None, rejected, corrected, autojunk=False).get_matching_blocks()
    return len(rejected) + len(corrected) - 2 * sum(block.size for block in blocks)


def _shared(
    rejected: Sequence[int], start: int, end: int, corrected: Sequence[int], other_start: int, other_end: int
) -> int:
    """By how many tokens something that only one answer has may begin later: what it begins with follows it as well.

    The matcher takes the earliest place; but up to the latest both answers say the same.
    """
    later = 0
    while (
        end + later < len(rejected)
        and other_end + later < len(corrected)
        and rejected[start + later] == corrected[other_start + later]
        and rejected[end + later] == corrected[other_end + later]
    ):
        later += 1
    return later


def _marks(start: int, end: int, length: int) -> range:
    return range(start, end) if end > start else range(start, min(start + 1, length))
