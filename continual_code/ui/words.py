"""What two lines of code have in common, word by word. Pure functions.

Invariant: no line costs more than a keystroke may wait: where the comparison would be long or the lines are too
different for it to tell anything, nothing is said about words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import accumulate, zip_longest

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
LONGEST_LINE = 300  # characters; two such lines take 0.5 ms, and 7 ms if they are nothing but commas
LEAST_COMMON = 0.4  # share of the characters without spaces; below it almost everything would stand out
MOST_PAIRS = 1_600  # lines of one side times lines of the other; that many take about 2 ms

Span = tuple[int, int]
Facing = tuple[int | None, int | None]


def changed_words(old: str, new: str) -> tuple[list[Span], list[Span]]:
    """For each line where the words begin and end that the other one does not have; empty where nothing can be told."""
    if max(len(old), len(new)) > LONGEST_LINE:
        return [], []
    left, right = _WORD.findall(old), _WORD.findall(new)
    blocks = SequenceMatcher(a=left, b=right, autojunk=False).get_matching_blocks()
    common = sum(_weight(left[block.a : block.a + block.size]) for block in blocks)
    if 2 * common < LEAST_COMMON * (_weight(left) + _weight(right)):
        return [], []
    return (
        _gaps(old, left, [(block.a, block.a + block.size) for block in blocks]),
        _gaps(new, right, [(block.b, block.b + block.size) for block in blocks]),
    )


def facing(old: Sequence[str], new: Sequence[str]) -> list[Facing]:
    """The removed and the added lines of a hunk side by side, as indices from 0: alike ones face each other.

    Every line is there once, in its order; None where there is nothing to face. A long hunk is taken line by line.
    """
    alike = _alike([_words(line) for line in old], [_words(line) for line in new])
    rows: list[Facing] = []
    left = right = 0
    for pair in alike:
        rows += [*zip_longest(range(left, pair[0]), range(right, pair[1])), pair]
        left, right = pair[0] + 1, pair[1] + 1
    return [*rows, *zip_longest(range(left, len(old)), range(right, len(new)))]


def _alike(old: Sequence[frozenset[str]], new: Sequence[frozenset[str]]) -> list[Span]:
    """Pairs of indices, ascending on both sides, with the greatest sum of what their lines have in common."""
    if len(old) * len(new) > MOST_PAIRS:
        return []
    width = len(new) + 1
    best = [[0.0] * width for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            paired = _likeness(old[i], new[j])
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired and paired + best[i + 1][j + 1])
    pairs: list[Span] = []
    i = j = 0
    while i < len(old) and j < len(new):
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i, j))
            i, j = i + 1, j + 1
    return pairs


def _words(line: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(line[:LONGEST_LINE]) if not word.isspace())


def _likeness(old: frozenset[str], new: frozenset[str]) -> float:
    """The share of words that two lines have in common; 0 where they are too different to be one line changed."""
    share = 2 * len(old & new) / (len(old) + len(new) or 1)
    return share if share >= LEAST_COMMON else 0.0


def _weight(words: Iterable[str]) -> int:
    return sum(len(word) for word in words if not word.isspace())


def _gaps(line: str, words: Sequence[str], blocks: Iterable[Span]) -> list[Span]:
    """Where `line` is between the blocks of words; parts with only spaces between them are one."""
    starts = [0, *accumulate(map(len, words))]
    spans: list[Span] = []
    end = 0
    for first, after in blocks:
        if starts[first] > end:
            joined = spans and line[spans[-1][1] : end].isspace()
            spans.append((spans.pop()[0] if joined else end, starts[first]))
        end = starts[after]
    return spans
