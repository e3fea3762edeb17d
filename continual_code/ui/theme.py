"""The colours that the person chose, kept in a file for the next session.

Invariant: a file that cannot be read or written costs nothing but the choice.
"""

from __future__ import annotations

from pathlib import Path

from continual_code.ui.kept import keep


def read_theme(path: Path) -> str:
    """The name of the theme that was chosen last; "" if none was."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:100].strip()
    except OSError:
        return ""


def store_theme(path: Path, name: str) -> None:
    """Write it; failure is silent."""
    keep(path, f"{name}\n")
