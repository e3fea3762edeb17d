"""The bytes that files held before they were edited, named by what they are.

Invariant: a blob is durable before its name is handed out, and is checked against its name whenever it is read.
"""

from __future__ import annotations

from pathlib import Path

from continual_code import disk
from continual_code.errors import WorkspaceError
from continual_code.workspace.content import sha256


class Blobs:
    """A private directory of pre-images; each file is named by the sha256 of its bytes."""

    def __init__(self, directory: Path) -> None:
        self._directory = disk.private_dir(directory)

    def put(self, data: bytes) -> str:
        """Keep `data` and return its name. A blob that was damaged since is written anew."""
        name = sha256(data)
        if self._read(name) != data:
            disk.write_synced(self._directory / name, data)
        return name

    def get(self, name: str) -> bytes:
        """The bytes called `name`.

        Raises:
            WorkspaceError: they are gone or damaged.
        """
        data = self._read(name)
        if data is None or sha256(data) != name:
            raise WorkspaceError(
                f"The saved copy {name[:12]} is missing or damaged.",
                kept="Nothing was changed.",
                do="Restore the file from version control or a backup.",
            )
        return data

    def _read(self, name: str) -> bytes | None:
        try:
            return (self._directory / name).read_bytes()
        except FileNotFoundError:
            return None
