"""The colours that the person chose, kept in a file for the next session.

Invariant: a file that cannot be read or written costs nothing but the choice.
"""

from __future__ import annotations

import os
from pathlib import Path


def read_theme(path: Path) -> str:
    """The name of the theme that was chosen last; "" if none was."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:100].strip()
    except OSError:
        return ""


def store_theme(path: Path, name: str) -> None:
    """Write it, durably enough for a convenience: no sync, failure is silent."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{name}\n")
