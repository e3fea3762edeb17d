"""Take an edit back without ever costing the person a byte they wrote.

Invariant: a file is restored or removed only while it holds exactly what the edit left; nothing is removed that the
edit did not create, and no directory that has anything in it.
"""

from __future__ import annotations

import os
from contextlib import suppress

from continual_code.errors import WorkspaceError
from continual_code.workspace import names
from continual_code.workspace.blobs import Blobs
from continual_code.workspace.record import EditRecord
from continual_code.workspace.refusal import refusing
from continual_code.workspace.replace import remove_file, remove_temporary, replace_file, temporary_name
from continual_code.workspace.root import Root


def undo(root: Root, blobs: Blobs, record: EditRecord) -> None:
    """Put the pre-image back, or remove the file that the edit created.

    Raises:
        WorkspaceError: the file no longer holds what the edit left, or the pre-image is gone; nothing is touched.
    """
    path = names.normalise(record.path)
    before = None if record.before_sha is None else blobs.get(record.before_sha)
    directory, name = names.split(path)
    with refusing(path), root.open_dir(directory) as descriptor:
        if before is None:
            remove_file(descriptor, name, path, expected=record.after_sha)
        else:
            replace_file(descriptor, name, path, before, expected=record.after_sha, mode=record.mode)
    remove_leftovers(root, record)


def remove_leftovers(root: Root, record: EditRecord) -> None:
    """Remove waiting temporary files of the edit, and the directories it created where they are empty."""
    directory, _ = names.split(names.normalise(record.path))
    with suppress(OSError, WorkspaceError), root.open_dir(directory) as descriptor:
        for digest in filter(None, (record.before_sha, record.after_sha)):
            remove_temporary(descriptor, temporary_name(digest))
    for created in reversed(record.created_dirs):
        parent, name = names.split(created)
        with suppress(OSError, WorkspaceError), root.open_dir(parent) as descriptor:
            os.rmdir(name, dir_fd=descriptor)
            os.fsync(descriptor)
