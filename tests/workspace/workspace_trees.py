"""Trees of files that tests put in place, and a way to see whether anything in them changed."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

SECRET = "the person's secret\n"


def snapshot(directory: Path) -> dict[str, tuple[int, int, str]]:
    """Kind and mode, number of names, and content of everything beneath `directory`, by relative path."""
    found = {}
    for above, directories, files in os.walk(directory):
        for name in directories + files:
            path = Path(above, name)
            status = path.lstat()
            names = status.st_nlink if stat.S_ISREG(status.st_mode) else 0
            found[str(path.relative_to(directory))] = (status.st_mode, names, _content(path, status.st_mode))
    return found


def _content(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else ""


def plant(path: Path, data: bytes | str, mode: int = 0o644) -> Path:
    """Write a file with exactly these bytes and this mode, making its directories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(mode)
    return path
