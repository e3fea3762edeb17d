"""One checked SQLite connection, shared by the threads of this process.

Invariant: a transaction is either on disk when it returns or never happened, and a file
that is damaged, foreign or from a newer version is never written to.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from continual_code.disk import PRIVATE_FILE, private_dir, sync_dir
from continual_code.errors import StateError
from continual_code.feedback.migrations import APPLICATION_ID, MIGRATIONS, migrate

BUSY_SECONDS = 10.0
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Database:
    """The file behind the journal; other processes may write to it as well.

    Raises:
        StateError: the file is damaged (it is then set aside), foreign, from a newer version, or out of reach.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        with _explained(path):
            self._connection = _open(path)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is committed together, or, when anything raises, not at all."""
        with self._lock, _explained(self.path):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, *values: object) -> list[sqlite3.Row]:
        """The result of one reading statement, which sees one state of the file."""
        with self._lock, _explained(self.path):
            return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _open(path: Path) -> sqlite3.Connection:
    _create_private(path)
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        _check(connection, path)
        _prepare(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in _DAMAGE:
            raise
        raise _set_aside(path, str(error)) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _create_private(path: Path) -> None:
    """SQLite would create the file with the umask's mode; its own journal files copy the mode it finds."""
    private_dir(path.parent)
    existed = path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        os.fchmod(descriptor, PRIVATE_FILE)
    finally:
        os.close(descriptor)
    if not existed:
        sync_dir(path.parent)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        connection.close()
        raise _set_aside(path, verdict)
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if tables and owner != APPLICATION_ID:
        raise StateError(
            f"{path} is not a journal of continual-code.", kept="It was left as it is.", do="Move it to another place."
        )
    if version > len(MIGRATIONS):
        raise StateError(
            f"The journal {path} was written by a newer continual-code (schema {version}, known {len(MIGRATIONS)}).",
            kept="It was left as it is.",
            do="Upgrade continual-code, or set CONTINUAL_CODE_HOME to another directory.",
        )


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = DELETE")
    # FULL syncs the file; EXTRA also syncs the directory after the rollback journal is unlinked, without which
    # a power cut just after a commit can bring that journal back and undo the commit (sqlite.org/pragma.html).
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = ON")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        migrate(connection)
        connection.execute("COMMIT")


def _set_aside(path: Path, why: str) -> StateError:
    """Rename the damaged file and its rollback journal, and say so."""
    number = next(number for number in range(1, 10_000) if not _backup(path, number).exists())
    backup = _backup(path, number)
    os.rename(path, backup)
    leftover = path.with_name(f"{path.name}-journal")
    if leftover.exists():
        os.rename(leftover, backup.with_name(f"{backup.name}-journal"))
    sync_dir(path.parent)
    return StateError(
        f"The journal {path} is damaged ({' '.join(why.split())[:200]}).",
        kept=f"It was set aside as {backup}; published revisions are separate files and were not touched.",
        do=f"Start again to begin a new journal. To rescue comments from the old one: sqlite3 '{backup}' .recover",
    )


def _backup(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.damaged-{number}")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StateError(
            f"The journal {path} cannot be used: {error}.",
            kept="Nothing was changed.",
            do="Check free space and permissions there, then try again.",
        ) from error
