"""Where some text occurs in the files of a repository.

Invariant: only what the agent may read is looked into, by the same listing and the same safe opening; matches,
characters and seconds are bounded, and a result that is not all of it says so. There are no regular expressions: one
could keep a line busy for hours, and nothing in this process could stop it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence

from continual_code.errors import UsageError
from continual_code.events import Found, Match
from continual_code.workspace.git import list_files
from continual_code.workspace.root import Root

MOST_MATCHES = 200
MOST_CHARACTERS = 200_000_000
SECONDS = 5.0
LONGEST_WANTED = 200
BEFORE, AFTER = 60, 140  # characters of a long line around its match


def search(root: Root, wanted: str, *, word: bool = False) -> Found:
    """The lines beneath `root` that hold `wanted`; see `search_files`."""
    return search_files(wanted, list_files(root.path), root.text, word=word)


def search_files(
    wanted: str,
    files: Sequence[str],
    read: Callable[[str], str | None],
    *,
    word: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> Found:
    """The lines that hold `wanted`, each once; its case counts only if it has an upper-case letter.

    Args:
        files: where to look, in this order.
        read: the text of a path; None when it is missing, binary or too large.
        word: only where no letter, digit or underscore stands right before or behind it.

    Raises:
        UsageError: `wanted` is empty, longer than `LONGEST_WANTED` or more than one line.
    """
    pattern, until, characters = _pattern(wanted, word), clock() + SECONDS, 0
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


def _pattern(wanted: str, word: bool) -> re.Pattern[str]:
    if not wanted.strip():
        raise UsageError("There is nothing to search for.")
    if len(wanted) > LONGEST_WANTED or "\n" in wanted:
        raise UsageError(f"Only one line of at most {LONGEST_WANTED} characters can be searched for.")
    literal = re.escape(wanted)
    any_case = re.IGNORECASE if wanted == wanted.lower() else re.NOFLAG
    # What stands before is looked at last: a pattern that begins with letters is found three times as fast.
    return re.compile(rf"{literal}(?<!\w{literal})(?!\w)" if word else literal, any_case)


def _matches(pattern: re.Pattern[str], path: str, text: str) -> Iterator[Match]:
    """The first match of each line."""
    number, counted, position = 1, 0, 0
    while found := pattern.search(text, position):
        number += text.count("\n", counted, found.start())
        counted = found.start()
        first = text.rfind("\n", 0, found.start()) + 1
        last = text.find("\n", found.end())
        last = len(text) if last < 0 else last
        yield _excerpt(path, number, text, (first, last), found.span())
        position = last


def _excerpt(path: str, number: int, text: str, line: tuple[int, int], span: tuple[int, int]) -> Match:
    first, last = line
    if last - first > BEFORE + AFTER:
        first, last = max(first, span[0] - BEFORE), min(last, span[1] + AFTER)
    return Match(path, number, text[first:last].rstrip("\r"), span[0] - first, span[1] - first)
