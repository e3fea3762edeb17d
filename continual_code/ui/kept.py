"""Small files that the screen keeps for the next session, for this person alone.

Invariant: durable enough for a convenience, so nothing is synced, and what cannot be written is not kept.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO


def open_kept(path: Path, *, append: bool = False) -> TextIO | None:
    """The file at `path` to write to, created with its directory when missing; None when that cannot be."""
    how = os.O_APPEND if append else os.O_TRUNC
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | how | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "a" if append else "w", encoding="utf-8")
