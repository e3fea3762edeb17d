"""The only durable writes: write and sync, replace and sync, lock.

Invariant: after any of these returns, the result survives a power cut; before it
returns, the old content is what a reader finds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from continual_code.errors import StateError

PRIVATE_DIR, PRIVATE_FILE = 0o700, 0o600


def private_dir(path: Path) -> Path:
    """Create `path` and its parents for this person alone (mode 0700) and return it."""
    path.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIR)
    return path


def sync_dir(path: Path) -> None:
    """Make the directory's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's content durable, whoever wrote it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Write a new file durably; an existing file at `path` is replaced as a whole."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.rename(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def publish_dir(temporary: Path, final: Path) -> None:
    """Sync every file of `temporary`, then rename it to `final` (which must not exist)."""
    for item in sorted(temporary.rglob("*")):
        sync_dir(item) if item.is_dir() else sync_file(item)
    sync_dir(temporary)
    os.rename(temporary, final)
    sync_dir(final.parent)


@contextmanager
def scratch_dir(parent: Path, prefix: str) -> Iterator[Path]:
    """A private directory under `parent` that is gone afterwards unless it was renamed away."""
    path = Path(tempfile.mkdtemp(dir=private_dir(parent), prefix=prefix))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Lock:
    """An exclusive lock on a file, released by the kernel when the process dies.

    The holder's process id is written into the file for the benefit of whoever is refused.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock without waiting; False when another process (or object) holds it."""
        if self.held:
            return True
        private_dir(self.path.parent)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor
        return True

    def acquire(self) -> None:
        """Take the lock without waiting.

        Raises:
            StateError: another process holds it; the message names its process id.
        """
        if not self.try_acquire():
            raise StateError(
                f"Another continual-code (process {self.holder()}) is using {self.path.parent}.",
                kept="Nothing was changed.",
                do="Close it, or set CONTINUAL_CODE_HOME to another directory.",
            )

    def holder(self) -> str:
        """The process id that the current holder wrote, or "unknown"."""
        try:
            return self.path.read_text().strip() or "unknown"
        except OSError:
            return "unknown"

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
