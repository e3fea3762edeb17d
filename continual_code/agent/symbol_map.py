"""A map of what the other files of a repository define, the files that matter for a task first.

A file ranks by three things that can be explained: its names and path match words of the task (BM25), it imports the
file to change or is imported by it, and git saw it change lately.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from continual_code.agent.links import linked
from continual_code.agent.relevance import scores, task_words, words
from continual_code.agent.repository import is_test
from continual_code.agent.symbol_index import FileSymbols, SymbolIndex
from continual_code.workspace import Root, head_commit, recent_files

LINKED, RECENT, TEST = 0.5, 0.25, 0.5  # beside 1 for the best match by words; a test counts half
MOST_FILES, MOST_SYMBOLS = 100, 12
READING_SECONDS = 0.1  # for files that are new or were changed since the last task


class SymbolMap:
    """The map of one repository."""

    def __init__(self, root: Root, index: SymbolIndex) -> None:
        self._root, self._index = root, index
        self._recent: tuple[str | None, list[str]] = (None, [])

    def lines(self, task: str, target: str, files: Sequence[str], shown: Collection[str]) -> list[str]:
        """The map without the files in `shown`, best first: a path, then signatures indented as they are nested."""
        entries = self._index.entries(files, READING_SECONDS)
        about = task_words(task)
        order = ranked_files(about, target, entries, self._recently())
        chosen = [path for path in order if path not in shown and entries[path].symbols][:MOST_FILES]
        return [line for path in chosen for line in [path, *signatures(entries[path], about)]]

    def _recently(self) -> list[str]:
        """The files of the last commits, the newest first; asked again only when HEAD moved."""
        head = head_commit(self._root.path)
        if head != self._recent[0]:
            self._recent = head, recent_files(self._root.path) if head else []
        return self._recent[1]


def ranked_files(
    about: Sequence[str], target: str, entries: Mapping[str, FileSymbols], recent: Sequence[str]
) -> list[str]:
    """The files that have anything to say for themselves, best first; equal ones in the order of `entries`."""
    matching = scores(about, {path: entry.words for path, entry in entries.items()})
    best = max(matching.values(), default=0.0) or 1.0
    near = linked(target, {path: entry.imports for path, entry in entries.items()})
    age = {path: 1 - position / len(recent) for position, path in reversed(list(enumerate(recent)))}
    wants_tests = is_test(" ".join(about))

    def score(path: str) -> float:
        found = matching[path] / best + LINKED * (path in near) + RECENT * age.get(path, 0.0)
        return found * (TEST if is_test(path) and not wants_tests else 1.0)

    total = {path: score(path) for path in entries if path != target}
    return sorted((path for path in total if total[path] > 0), key=lambda path: -total[path])


def signatures(entry: FileSymbols, about: Collection[str]) -> list[str]:
    """The symbols to show of a file, in its order: those that the task names before the others, and what holds them."""
    matches = [bool(set(words(name)) & set(about)) for name, _ in entry.symbols]
    order = sorted(range(len(matches)), key=lambda index: (not matches[index], entry.symbols[index][0].count(".")))
    chosen = {entry.symbols[index][0] for index in order[:MOST_SYMBOLS]}
    holders = {".".join(parts[:depth]) for parts in (name.split(".") for name in chosen) for depth in range(len(parts))}
    kept = [(name, signature) for name, signature in entry.symbols if name in chosen | holders]
    return ["    " * (1 + name.count(".")) + signature for name, signature in kept]
