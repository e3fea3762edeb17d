"""The journal's schema, one numbered step after another.

Invariant: a step that was released is never changed; `user_version` counts the steps that
a file has been through, and all missing ones are taken in one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x63436F64  # "cCod", in the file's header


def m001_first_schema(connection: sqlite3.Connection) -> None:
    """Proposals, verdicts, edits, lessons and revisions."""
    for statement in (
        """CREATE TABLE proposals (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            model TEXT NOT NULL, root BLOB NOT NULL, path BLOB NOT NULL,
            content BLOB NOT NULL, created TEXT NOT NULL) STRICT""",
        """CREATE TABLE verdicts (
            proposal INTEGER PRIMARY KEY REFERENCES proposals,
            kind TEXT NOT NULL CHECK (kind IN ('accept', 'reject', 'edit')),
            comment TEXT NOT NULL, edited BLOB, created TEXT NOT NULL) STRICT""",
        """CREATE TABLE edits (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            proposal INTEGER NOT NULL UNIQUE REFERENCES verdicts,
            record TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
            status TEXT NOT NULL CHECK (status IN ('intended', 'applied', 'failed', 'undone'))) STRICT""",
        """CREATE TABLE models (
            model TEXT PRIMARY KEY,
            head INTEGER NOT NULL DEFAULT 0, issued INTEGER NOT NULL DEFAULT 0) STRICT""",
        """CREATE TABLE revisions (
            model TEXT NOT NULL REFERENCES models, number INTEGER NOT NULL CHECK (number > parent),
            parent INTEGER NOT NULL CHECK (parent >= 0),
            path TEXT NOT NULL, sha256 TEXT NOT NULL, lesson_ids TEXT NOT NULL, created TEXT NOT NULL,
            PRIMARY KEY (model, number)) STRICT""",
        """CREATE TABLE lessons (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            proposal INTEGER NOT NULL UNIQUE REFERENCES verdicts, model TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN
                ('pending', 'learned', 'no_signal', 'refused', 'failed', 'undone', 'rolled_back')),
            reason TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
            revision INTEGER, report TEXT, created TEXT NOT NULL,
            FOREIGN KEY (model, revision) REFERENCES revisions (model, number)) STRICT""",
        "CREATE INDEX lessons_by_status ON lessons (model, status, number)",
    ):
        connection.execute(statement)


def m002_memory(connection: sqlite3.Connection) -> None:
    """Lessons may end as "memory"; SQLite cannot change a CHECK, so the table is made anew."""
    for statement in (
        "ALTER TABLE lessons RENAME TO lessons_before",
        """CREATE TABLE lessons (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            proposal INTEGER NOT NULL UNIQUE REFERENCES verdicts, model TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN
                ('pending', 'learned', 'memory', 'no_signal', 'refused', 'failed', 'undone', 'rolled_back')),
            reason TEXT NOT NULL DEFAULT '', attempts INTEGER NOT NULL DEFAULT 0,
            revision INTEGER, report TEXT, created TEXT NOT NULL,
            FOREIGN KEY (model, revision) REFERENCES revisions (model, number)) STRICT""",
        "INSERT INTO lessons SELECT * FROM lessons_before",
        "DROP TABLE lessons_before",  # its index goes with it
        "CREATE INDEX lessons_by_status ON lessons (model, status, number)",
    ):
        connection.execute(statement)


def m003_unwanted_hunks(connection: sqlite3.Connection) -> None:
    """A verdict names the hunks that it is against; the earlier ones were about whole proposals."""
    connection.execute("ALTER TABLE verdicts ADD COLUMN unwanted TEXT NOT NULL DEFAULT '[]'")


def m004_sessions(connection: sqlite3.Connection) -> None:
    """Sessions and the tasks asked in them; the proposals of before belong to no task.

    `edits_before` is the number of the newest edit when the task was asked: its place among them.
    """
    for statement in (
        """CREATE TABLE sessions (
            number INTEGER PRIMARY KEY AUTOINCREMENT, root BLOB NOT NULL, created TEXT NOT NULL) STRICT""",
        """CREATE TABLE tasks (
            number INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL REFERENCES sessions,
            content BLOB NOT NULL, reason TEXT NOT NULL DEFAULT '',
            edits_before INTEGER NOT NULL, created TEXT NOT NULL) STRICT""",
        "ALTER TABLE proposals ADD COLUMN task INTEGER REFERENCES tasks",
        "CREATE INDEX sessions_by_root ON sessions (root)",
        "CREATE INDEX tasks_by_session ON tasks (session)",
        "CREATE INDEX proposals_by_task ON proposals (task)",
    ):
        connection.execute(statement)


def m005_commits(connection: sqlite3.Connection) -> None:
    """Which commit holds an applied edit, where the person had one made."""
    connection.execute(
        """CREATE TABLE commits (
            proposal INTEGER PRIMARY KEY REFERENCES edits (proposal),
            commit_id TEXT NOT NULL, created TEXT NOT NULL) STRICT"""
    )


def m006_checks(connection: sqlite3.Connection) -> None:
    """When a lesson in the weights was last looked at, under which revision, and what was left to object to."""
    connection.execute(
        """CREATE TABLE checks (
            lesson INTEGER PRIMARY KEY REFERENCES lessons,
            revision INTEGER NOT NULL, objection_left REAL NOT NULL, created TEXT NOT NULL) STRICT"""
    )


def m007_pinned_lessons(connection: sqlite3.Connection) -> None:
    """The person may want that no later lesson takes the place of this one."""
    connection.execute("ALTER TABLE lessons ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0")


def m008_looks(connection: sqlite3.Connection) -> None:
    """Every look at a lesson, not the newest alone: whether it held, under which revision.

    `kind` is "retry" where the rejected task was asked again right after the lesson, else "check".
    """
    for statement in (
        """CREATE TABLE looks (
            number INTEGER PRIMARY KEY AUTOINCREMENT, lesson INTEGER NOT NULL REFERENCES lessons,
            revision INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('retry', 'check')),
            held INTEGER NOT NULL, created TEXT NOT NULL) STRICT""",
        "CREATE INDEX looks_by_lesson ON looks (lesson)",
    ):
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_first_schema, m002_memory, m003_unwanted_hunks, m004_sessions, m005_commits, m006_checks,
    m007_pinned_lessons, m008_looks,
)  # fmt: skip


def migrate(connection: sqlite3.Connection) -> None:
    """Take every missing step; the caller has begun the transaction."""
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    for step in MIGRATIONS[done:]:
        step(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
