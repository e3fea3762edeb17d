"""Which commits were made of applied edits, and which lessons stand behind those edits.

Invariant: an edit has one commit at most; a commit may hold several.
"""

from __future__ import annotations

from collections.abc import Callable

from continual_code.feedback.database import Database
from continual_code.feedback.rows import number_of


class Commits:
    """The journal's table of commits; `stamp` gives the time as the journal writes it."""

    def __init__(self, database: Database, stamp: Callable[[], str]) -> None:
        self._database, self._stamp = database, stamp

    def add(self, proposal_id: str, commit: str) -> None:
        """The edit of this proposal was committed."""
        with self._database.transaction() as connection:
            insert = "INSERT INTO commits (proposal, commit_id, created) VALUES (?, ?, ?)"
            connection.execute(insert, (number_of(proposal_id, "p"), commit, self._stamp()))

    def of(self, proposal_id: str) -> str | None:
        """The full id of the commit that holds the edit of this proposal."""
        query = "SELECT commit_id FROM commits WHERE proposal = ?"
        found = self._database.rows(query, number_of(proposal_id, "p"))
        return found[0]["commit_id"] if found else None

    def held_by(self, proposal_id: str) -> list[str]:
        """The proposals whose edits are in the commit of this one, the oldest first; none where there is no commit."""
        query = "SELECT proposal FROM commits WHERE commit_id = ? ORDER BY proposal"
        return [f"p{row['proposal']}" for row in self._database.rows(query, self.of(proposal_id) or "")]

    def lesson_from(self, proposal_id: str) -> str | None:
        """The id of the lesson that the verdict on this proposal created."""
        found = self._database.rows("SELECT number FROM lessons WHERE proposal = ?", number_of(proposal_id, "p"))
        return f"l{found[0]['number']}" if found else None
