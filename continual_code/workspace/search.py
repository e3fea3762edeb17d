"""Where some text occurs in the files of a repository.

Invariant: only what the agent may read is looked into, by the same listing and the same safe opening; matches,
characters and seconds are bounded, and a result that is not all of it says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from continual_code.events import Found, Match, SearchMode
from continual_code.workspace.git import list_files
from continual_code.workspace.patterns import Pattern, compile_pattern
from continual_code.workspace.root import Root

MOST_MATCHES = 200
MOST_CHARACTERS = 200_000_000
SECONDS = 5.0
BEFORE, AFTER = 60, 140  # characters of a long line around its match


def search(root: Root, wanted: str, *, mode: SearchMode = "text") -> Found:
    """The lines beneath `root` that hold `wanted`; see `search_files`."""
    return search_files(wanted, list_files(root.path), root.text, mode=mode)


def search_files(
    wanted: str,
    files: Sequence[str],
    read: Callable[[str], str | None],
    *,
    mode: SearchMode = "text",
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """The lines that hold `wanted`, each once; a match of no length holds nothing.

    Args:
        files: where to look, in this order.
        read: the text of a path; None when it is missing, binary or too large.
        mode: as it stands; only where no letter, digit or underscore stands right before or behind it; as a pattern.

    Raises:
        UsageError: `wanted` cannot be searched for; see `compile_pattern`.
    """
    pattern, until, characters = compile_pattern(wanted, mode), clock() + SECONDS, 0
    matches: list[Match] = []
    for looked_at, path in enumerate(files):
        if clock() > until or characters > MOST_CHARACTERS:
            return Found(tuple(matches), f"Only the first {looked_at} of {len(files)} files were looked at.")
        text = read(path) or ""
        characters += len(text)
        for match in _matches(pattern, path, text):
            if len(matches) == MOST_MATCHES:
                return Found(tuple(matches), f"These are the first {MOST_MATCHES} lines; there are more.")
            matches.append(match)
    return Found(tuple(matches))


def _matches(pattern: Pattern, path: str, text: str) -> Iterator[Match]:
    """The first match of each line."""
    number, counted, position = 1, 0, 0
    while position < len(text) and (found := pattern.search(text, position)):
        start, end = found.span()
        number += text.count("\n", counted, start)
        counted = start
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        last = len(text) if last < 0 else last
        if start < end:
            yield _excerpt(path, number, text, (first, last), (start, end))
        position = last + 1


def _excerpt(path: str, number: int, text: str, line: tuple[int, int], span: tuple[int, int]) -> Match:
    first, last = line
    if last - first > BEFORE + AFTER:
        first, last = max(first, span[0] - BEFORE), min(last, span[1] + AFTER)
    return Match(path, number, text[first:last].rstrip("\r"), span[0] - first, span[1] - first)
