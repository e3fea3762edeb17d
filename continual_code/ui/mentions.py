"""`@path` in the prompt: finding mentions in a task and completing the one being typed.

Invariant: only paths that the session itself listed ever become files of a task.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from continual_code.events import Task

_MENTION = re.compile(r'(?:(?<=\s)|^)@(?:"([^"\n]+)"|(\S+))')
_WORD = re.compile(r'(?:(?<=\s)|^)(@"[^"\n]*|\S*)$')
TRAILING = ".,:;!?)]}'"


def task_from(text: str, known: Iterable[str]) -> tuple[Task, tuple[str, ...]]:
    """The task in `text`, and those mentions that look like paths but are not in `known`.

    A mention is `@path` or `@"path with spaces"`; punctuation after it is not part of it.
    """
    listed = known if isinstance(known, frozenset | set) else frozenset(known)
    files: dict[str, None] = {}
    missing: dict[str, None] = {}
    for quoted, bare in _MENTION.findall(text):
        path = quoted or (bare if bare in listed else bare.rstrip(TRAILING))
        if path in listed:
            files[path] = None
        elif "/" in path or "." in path:
            missing[path] = None
    return Task(text, tuple(files)), tuple(missing)


def word_before(line: str) -> str:
    """The word that ends where `line` ends; empty after a space."""
    match = _WORD.search(line)
    return match.group(1) if match else ""


def matching_paths(query: str, known: Sequence[str], limit: int = 6) -> list[str]:
    """Up to `limit` paths for what was typed: by start, by start of a part, then anywhere.

    Each pass stops at the limit, so a directory of 50,000 files costs milliseconds.
    """
    needle = query.lower()
    passes = (
        (path for path in known if path.lower().startswith(needle)),
        (path for path in known if f"/{needle}" in path.lower()),
        (path for path in known if needle in path.lower()),
    )
    found: dict[str, None] = {}
    for candidates in passes:
        found.update(dict.fromkeys(islice((path for path in candidates if path not in found), limit - len(found))))
    return list(found)


def as_mention(path: str) -> str:
    """How `path` is written in a task."""
    return f'@"{path}"' if " " in path else f"@{path}"
