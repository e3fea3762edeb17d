"""Give one file of the person's tree other bytes as a whole, or take it away.

Invariant: a reader finds the old bytes or the new ones, never a mixture and never an empty file; and only a file
whose bytes are the expected ones is touched. Everything happens in one open directory, by name, following no link.
"""

from __future__ import annotations

import os
from contextlib import suppress

from continual_code.workspace.content import Content, read_content, sha256
from continual_code.workspace.refusal import refusal, refusing

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def temporary_name(digest: str) -> str:
    """Where bytes with this sha256 wait to be renamed; known from the record, so a crash leaves nothing unknown."""
    return f".continual-code-{digest[:16]}.tmp"


def require_bytes(directory: int, name: str, path: str, digest: str | None) -> Content | None:
    """Read `name` and insist on its sha256 (None: it does not exist).

    Raises:
        WorkspaceError: other bytes are there.
    """
    content = read_content(directory, name, path)
    if (content.sha256 if content else None) != digest:
        raise refusal(
            path, "was changed in the meantime", kept="It was left as it is.", do="Look at it, then ask again."
        )
    return content


def replace_file(directory: int, name: str, path: str, data: bytes, *, expected: str | None, mode: int) -> None:
    """Put `data` at `name` durably if the file there still has the sha256 `expected` (None: no file).

    A file that exists keeps its owner and gets exactly the permission bits `mode`; a new one gets those less the umask.
    """
    present = require_bytes(directory, name, path, expected)
    temporary = temporary_name(sha256(data))
    remove_temporary(directory, temporary)
    try:
        _write(directory, temporary, data, mode, present)
        require_bytes(directory, name, path, expected)  # again, as late as can be: the person may have saved just now
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        remove_temporary(directory, temporary)
        raise
    with refusing(path, kept="The new bytes are in place, but may not survive a power cut."):
        os.fsync(directory)


def remove_file(directory: int, name: str, path: str, *, expected: str) -> None:
    """Remove `name` durably if it still has the sha256 `expected`."""
    require_bytes(directory, name, path, expected)
    os.unlink(name, dir_fd=directory)
    with refusing(path, kept="It is gone, but may be back after a power cut."):
        os.fsync(directory)


def remove_temporary(directory: int, temporary: str) -> None:
    """Remove what an edit that was cut short left behind; fine when there is nothing."""
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=directory)


def _write(directory: int, temporary: str, data: bytes, mode: int, present: Content | None) -> None:
    with os.fdopen(os.open(temporary, _NEW, 0o600 if present else mode, dir_fd=directory), "wb") as stream:
        stream.write(data)
        stream.flush()
        if present:
            _keep_owner(stream.fileno(), present.status)
            os.fchmod(stream.fileno(), mode)  # after fchown, which clears set-id bits
        os.fsync(stream.fileno())


def _keep_owner(descriptor: int, wanted: os.stat_result) -> None:
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (wanted.st_uid, wanted.st_gid):
        os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
