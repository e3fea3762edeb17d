"""Write what the person accepted, so that it can be recognised after a crash and taken back later.

Invariant: the bytes of before are durable in a private place before anything in the person's tree changes, and a
file is only touched while it still holds exactly those bytes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

from continual_code.errors import WorkspaceError
from continual_code.workspace import names, undo
from continual_code.workspace.blobs import Blobs
from continual_code.workspace.content import sha256
from continual_code.workspace.record import EditRecord
from continual_code.workspace.refusal import refusal, refusing
from continual_code.workspace.replace import replace_file
from continual_code.workspace.root import Root
from continual_code.workspace.source import decode, encode

EditState = Literal["before", "after", "other"]
_NEW_FILE_MODE = 0o666


class Edits:
    """Edits of files beneath `root`; pre-images go to the private directory `blobs`.

    An edit is prepared, its record journalled by the caller, then committed. After a crash in between, `state` says
    where it stopped; `commit` again finishes it and `discard` forgets it.
    """

    def __init__(self, root: Root, blobs: Path) -> None:
        self._root, self._blobs = root, Blobs(blobs)

    def prepare(self, path: str, before: str | None, after: str) -> EditRecord:
        """Keep the pre-image durably and say what `commit` would do; the person's tree is not changed.

        Args:
            before: LF text that the proposal was made for; None when the file must not exist.
            after: LF text to write in the file's own newline style.

        Raises:
            WorkspaceError: the path is refused, the file is no longer `before`, or nothing would change.
        """
        path = self._root.writable(path)
        content = self._root.read_content(path)
        source = decode(path, content.data, content.mode) if content else None
        if (source.text if source else None) != before:
            raise refusal(path, "changed since the proposal", kept="It was left as it is.", do="Ask again.")
        after_sha = sha256(encode(path, after, source))
        if content is None:
            return EditRecord(path, None, after_sha, _NEW_FILE_MODE, self._root.missing_parents(path))
        if after_sha == content.sha256:
            raise refusal(path, "would not change")
        with refusing(path):
            before_sha = self._blobs.put(content.data)
        return EditRecord(path, before_sha, after_sha, content.mode)

    def commit(self, record: EditRecord, after: str) -> None:
        """Write `after` as one durable, atomic step; directories that are missing are made.

        Raises:
            WorkspaceError: `after` is not what was prepared, the file changed since, or the disk refused.
        """
        path = self._root.writable(record.path)
        data = self._bytes_of(record, after)
        directory, name = names.split(path)
        try:
            with refusing(path):
                self._make_dirs(record)
                with self._root.open_dir(directory) as descriptor:
                    replace_file(descriptor, name, path, data, expected=record.before_sha, mode=record.mode)
        except BaseException:
            self.discard(record)
            raise

    def state(self, record: EditRecord) -> EditState:
        """Whether the file holds the bytes of before the edit, of after it, or anything else."""
        try:
            content = self._root.read_content(record.path)
        except WorkspaceError:
            return "other"
        digest = content.sha256 if content else None
        if digest == record.before_sha:
            return "before"
        return "after" if digest == record.after_sha else "other"

    def undo(self, record: EditRecord) -> None:
        """Take the edit back, byte for byte and with its mode.

        Raises:
            WorkspaceError: the file no longer holds what the edit left; it is not touched.
        """
        undo.undo(self._root, self._blobs, record)

    def discard(self, record: EditRecord) -> None:
        """Remove what an edit (or its undo) that was cut short left beside the file; the file itself stays."""
        undo.remove_leftovers(self._root, record)

    def _bytes_of(self, record: EditRecord, after: str) -> bytes:
        before = None if record.before_sha is None else self._blobs.get(record.before_sha)
        like = None if before is None else decode(record.path, before, record.mode)
        data = encode(record.path, after, like)
        if sha256(data) != record.after_sha:
            raise refusal(record.path, "was prepared with another text", do="Ask again.")
        return data

    def _make_dirs(self, record: EditRecord) -> None:
        for created in record.created_dirs:
            parent, name = names.split(created)
            with self._root.open_dir(parent) as descriptor, suppress(FileExistsError):
                os.mkdir(name, dir_fd=descriptor)
                os.fsync(descriptor)


def match_conventions(before: str | None, after: str) -> str:
    """`after`, ending with a newline exactly when `before` did.

    A new file, or one that was empty, gets exactly one; text that became empty stays empty.
    """
    if not after:
        return after
    if not before:
        return after.rstrip("\r\n") + "\n"
    if not before.endswith("\n"):
        return after.rstrip("\r\n")
    return after if after.endswith("\n") else after + "\n"
