"""The bytes of one regular file in an open directory.

Invariant: only a plain file with a single name and a bounded size is ever opened; a link, FIFO, socket, device or
directory is refused before and after the open, so waiting or side effects of opening one cannot happen.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass

from continual_code.workspace.refusal import refusal

MAX_BYTES = 1_000_000
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFLNK: "is a symbolic link",
    stat.S_IFDIR: "is a directory",
    stat.S_IFIFO: "is a named pipe",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFBLK: "is a device",
    stat.S_IFCHR: "is a device",
}


def sha256(data: bytes) -> str:
    """Lower-case hexadecimal digest."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Content:
    """What a file held, and the status of the very file it was read from."""

    data: bytes
    status: os.stat_result

    @property
    def sha256(self) -> str:
        return sha256(self.data)

    @property
    def mode(self) -> int:
        """Permission bits, without the file type."""
        return stat.S_IMODE(self.status.st_mode)


def read_content(directory: int, name: str, path: str) -> Content | None:
    """Read `name` in the open `directory`; None when it is not there. `path` is what messages call it.

    Raises:
        WorkspaceError: not a plain file, more than one name (hard links), or above `MAX_BYTES`.
        OSError: it was swapped for a link in between, or may not be read.
    """
    try:
        _require_plain(os.stat(name, dir_fd=directory, follow_symlinks=False), path)
        descriptor = os.open(name, _FLAGS, dir_fd=directory)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        _require_plain(status, path)
        data = stream.read(MAX_BYTES + 1)
    require_size(data, path)
    return Content(data, status)


def require_size(data: bytes, path: str) -> None:
    """Refuse what is above `MAX_BYTES`: a larger file could be written but never read back."""
    if len(data) > MAX_BYTES:
        raise refusal(path, f"is larger than {MAX_BYTES // 1_000_000} MB")


def _require_plain(status: os.stat_result, path: str) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise refusal(path, _KINDS.get(kind, "is not a regular file"))
    if status.st_nlink > 1:
        raise refusal(path, f"has {status.st_nlink} names (hard links), and the other ones may be anywhere")
    if status.st_size > MAX_BYTES:
        raise refusal(path, f"is larger than {MAX_BYTES // 1_000_000} MB")
