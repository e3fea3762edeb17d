"""What every source file of a repository defines and imports, read once for each content.

Invariant: an entry belongs to the bytes that it was read from (their digest names it, on disk and across
repositories), and looking at a file that did not change costs one `lstat`. What is on disk can be made again: when
it cannot be read or written, the entries live in memory.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from continual_code.agent.languages import language_of
from continual_code.agent.links import imports_of
from continual_code.agent.relevance import words
from continual_code.agent.repository import MOST_CHARACTERS
from continual_code.agent.symbols import symbols
from continual_code.disk import private_dir
from continual_code.errors import WorkspaceError
from continual_code.workspace import Root, list_files

FORMAT = 1  # of the entries; others are dropped
KEPT = 50_000  # entries on disk
SIGNATURE = 160  # characters
REST_SECONDS = 0.002  # between two files in the background: whoever waits for the interpreter goes first
_Stamp = tuple[int, int, int]
_Symbols = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FileSymbols:
    """The file at `path`. `symbols` are (qualified name, signature) in line order, outer ones first."""

    path: str
    symbols: _Symbols = ()
    imports: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def words(self) -> Counter[str]:
        """How often each word stands in the path and the names."""
        named = (word for name, _ in self.symbols for word in words(name.rpartition(".")[2]))
        return Counter([*words(self.path), *named])


class SymbolIndex:
    """The entries of the files beneath `root`; may be asked from several threads."""

    def __init__(self, root: Root, file: Path) -> None:
        self._root, self._lock = root, threading.Lock()
        self._store = _Store(file)
        self._known: dict[str, tuple[_Stamp, FileSymbols]] = {}

    def entries(self, files: Sequence[str], seconds: float) -> dict[str, FileSymbols]:
        """The entries of the source files among `files`.

        Those that are not known as they are now are read for `seconds` at most, and one even if that takes longer;
        none when `seconds` is 0.
        """
        until, found, some_read = time.monotonic() + seconds, {}, not seconds
        for path in files:
            if language_of(path) is None or (stamp := self._stamp(path)) is None:
                continue
            known = self._known.get(path)
            if known and known[0] == stamp:
                found[path] = known[1]
            elif not some_read or time.monotonic() < until:
                found[path], some_read = self._take(path, stamp), True
        return found

    def fill(self, stopped: Callable[[], bool]) -> None:
        """Read everything, in the background, until `stopped` says so."""
        for path in list_files(self._root.path):
            if stopped():
                return
            self.entries([path], seconds=60.0)
            time.sleep(REST_SECONDS)

    def _stamp(self, path: str) -> _Stamp | None:
        try:
            status = os.lstat(self._root.path / path)
        except (OSError, ValueError):
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _take(self, path: str, stamp: _Stamp) -> FileSymbols:
        with self._lock:
            entry = self._read(path)
            self._known[path] = stamp, entry
        return entry

    def _read(self, path: str) -> FileSymbols:
        try:
            source = self._root.read(path)
        except WorkspaceError:
            return FileSymbols(path)  # a link, a binary, too large: it names nothing
        if source is None or len(source.text) > MOST_CHARACTERS:
            return FileSymbols(path)
        key = f"{source.sha256} {path}"  # relative imports depend on the path
        if known := self._store.get(key):
            return FileSymbols(path, *known)
        named = tuple((symbol.qualified, symbol.signature[:SIGNATURE]) for symbol in symbols(source.text, path))
        entry = FileSymbols(path, named, imports_of(source.text, path))
        self._store.put(key, entry.symbols, entry.imports)
        return entry


class _Store:
    """A table on disk that may be missing, full, damaged or of another version: then it holds nothing."""

    def __init__(self, file: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        with suppress(sqlite3.Error, OSError):
            private_dir(file.parent)
            self._connection = _open(file)

    def get(self, key: str) -> tuple[_Symbols, frozenset[str]] | None:
        with suppress(sqlite3.Error, ValueError, TypeError, KeyError):
            if self._connection:
                query = "SELECT entry FROM symbols WHERE key = ?"
                row = self._connection.execute(query, (key.encode("utf-8", "surrogateescape"),)).fetchone()
                found = json.loads(row[0]) if row else None
                return found and (tuple((n, s) for n, s in found["symbols"]), frozenset(found["imports"]))
        return None

    def put(self, key: str, named: _Symbols, imports: frozenset[str]) -> None:
        with suppress(sqlite3.Error):
            if self._connection:
                text = json.dumps({"symbols": named, "imports": sorted(imports)})
                insert = "INSERT OR REPLACE INTO symbols (key, entry) VALUES (?, ?)"
                self._connection.execute(insert, (key.encode("utf-8", "surrogateescape"), text))


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=1.0)
    try:
        return _prepared(connection)
    except sqlite3.DatabaseError:
        connection.close()
        file.unlink(missing_ok=True)
        return _prepared(sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=1.0))


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA synchronous = OFF")  # a lost entry is read again
    connection.execute("PRAGMA journal_mode = MEMORY")
    if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        connection.execute("DROP TABLE IF EXISTS symbols")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("CREATE TABLE IF NOT EXISTS symbols (key BLOB UNIQUE, entry TEXT NOT NULL)")
    connection.execute("DELETE FROM symbols WHERE rowid <= (SELECT max(rowid) FROM symbols) - ?", (KEPT,))
    return connection
