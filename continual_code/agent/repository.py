"""The files of a repository as the agent may look at them: lazily, and only so many.

Each file is read at most once, and names are looked up in a bounded number of source files
of bounded size, so that a large repository costs no more than a middling one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from continual_code.agent.languages import fence_tag, is_source, language_of
from continual_code.agent.relevance import ranked, words
from continual_code.agent.symbols import Symbol, symbols

MOST_FILES, MOST_CHARACTERS = 300, 200_000
_TEST_WORDS = frozenset({"test", "spec"})
# Names are found without parsing: 300 files parse in seconds, and a ranking may be wrong about one.
_DEFINED = re.compile(
    r"\b(?:def|class|function|func|fn|interface|struct|enum|trait|type|record|const|let)\s+(?:\([^()\n]{0,80}\)\s*)?(\w+)"
)
_METHOD = re.compile(r"(\w+)\([^()\n]{0,200}\)[^;\n{]{0,80}\{\s*$", re.MULTILINE)
_STATEMENTS = frozenset({"if", "for", "while", "switch", "catch", "match", "function", "with"})


class Repository:
    """Paths relative to the root, and a way to read them (None: missing, binary or too large)."""

    def __init__(self, files: Sequence[str], read: Callable[[str], str | None]) -> None:
        self.files = tuple(files)
        self._read = read
        self._texts: dict[str, str | None] = {}
        self._symbols: dict[str, list[Symbol]] = {}
        self._names: dict[str, list[str]] = {}

    def text(self, path: str) -> str | None:
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def symbols(self, path: str) -> list[Symbol]:
        """The symbols of a file; none when it is missing or longer than `MOST_CHARACTERS`."""
        if path not in self._symbols:
            text = self.text(path) or ""
            self._symbols[path] = symbols(text, path) if len(text) <= MOST_CHARACTERS else []
        return self._symbols[path]

    def names(self, path: str) -> list[str]:
        """What a file seems to define, by the look of its lines."""
        if path not in self._names:
            text = (self.text(path) or "")[:MOST_CHARACTERS]
            found = [*_DEFINED.findall(text), *_METHOD.findall(text)]
            self._names[path] = [name for name in dict.fromkeys(found) if name not in _STATEMENTS]
        return self._names[path]

    def candidates(self, task: Sequence[str]) -> list[str]:
        """The source files whose names are looked at: those whose paths match the task, then the shallow ones."""
        sources = [path for path in self.files if language_of(path)]
        matching = ranked(task, {path: words(path) for path in sources})
        rest = sorted(set(sources) - set(matching), key=lambda path: (path.count("/"), path))
        return [*matching, *rest][:MOST_FILES]

    def relevant(self, task: Sequence[str], share: float = 0.0) -> list[str]:
        """The files that match the task by path or names, best first; tests last unless the task is about them.

        Only files with at least `share` of the best score are returned.
        """
        looked_at = self.candidates(task)
        documents = {path: self._words(path) for path in looked_at}
        documents |= {path: _path_words(path) for path in self.files if path not in documents and is_source(path)}
        found = ranked(task, documents, share)
        return found if _TEST_WORDS & set(task) else sorted(found, key=is_test)

    def holding(self, wanted: str, task: Sequence[str]) -> list[str]:
        """The source files in which a text stands as it is written, those first whose paths match the task."""
        return [path for path in self.candidates(task) if wanted in (self.text(path) or "")[:MOST_CHARACTERS]]

    def overlooked(self) -> int:
        """How many source files are beyond what a ranking looks into."""
        return max(0, sum(language_of(path) is not None for path in self.files) - MOST_FILES)

    def _words(self, path: str) -> list[str]:
        return [*_path_words(path), *(word for name in self.names(path) for word in words(name))]


def _path_words(path: str) -> list[str]:
    """The words of a path; its file name counts three times, for it says most."""
    return [*words(path), *words(PurePosixPath(path).stem) * 2]


def is_like(path: str, other: str) -> bool:
    """Whether both are tests, or neither, in one language."""
    return (fence_tag(path), is_test(path)) == (fence_tag(other), is_test(other))


def is_test(path: str) -> bool:
    """Whether a path looks like a test."""
    return bool(_TEST_WORDS & set(words(path)))
