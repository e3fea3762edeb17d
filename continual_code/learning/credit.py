"""Which tokens of an answer a verdict is about.

Invariant: tokens that wrote nothing of what was rejected are never blamed; when it cannot be told
which they are, all are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

Block = Sequence[str]  # lines of a file, as one hunk brought them


def positions_of(pieces: Sequence[str], blocks: Sequence[Block]) -> frozenset[int] | None:
    """The tokens that wrote the blocks; None when a block is not in the answer, or nothing was written (a deletion).

    A block is found also where the answer indents it in another way than the file does: a
    method is often answered as if it stood alone.

    Args:
        pieces: the text that each token added, in order.
    """
    lines = "".join(pieces).split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    ends = list(accumulate(map(len, pieces)))
    found: set[int] = set()
    for block in blocks:
        first = _find([line.strip() for line in lines], [line.strip() for line in block])
        if first is None:
            return None
        start, end = starts[first], starts[first + len(block)]
        found |= {
            index for index, (piece, stop) in enumerate(zip(pieces, ends, strict=True))
            if start < stop and stop - len(piece) < end
        }  # fmt: skip
    return frozenset(found)


def _find(lines: list[str], block: list[str]) -> int | None:
    places = range(len(lines) - len(block) + 1) if any(block) else range(0)
    return next((place for place in places if lines[place : place + len(block)] == block), None)
