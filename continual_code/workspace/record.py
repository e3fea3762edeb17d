"""What has to be remembered about an edit so that it can be finished, recognised after a crash, or undone.

Invariant: plain data that is complete before the edit begins; nothing is added to it afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EditRecord:
    """One edit of one file, as plain data for the journal.

    `before_sha` and `after_sha` are sha256 of the raw bytes; `before_sha` is None for a file that the edit creates.
    `mode` is the permission bits the file had, or for a new file the ones to ask for (the umask still applies).
    `created_dirs` are the directories that the edit has to make, relative to the root, outermost first.
    """

    path: str
    before_sha: str | None
    after_sha: str
    mode: int
    created_dirs: tuple[str, ...] = ()
