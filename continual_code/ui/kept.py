"""Small files that the screen keeps for the next session, for this person alone.

Invariant: durable enough for a convenience, so nothing is synced, and what cannot be written is not kept.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from pathlib import Path


def keep(path: Path, text: str, *, append: bool = False) -> None:
    """Write `text` to the file at `path`, created with its directory when missing; failure is silent."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private = partial(os.open, mode=0o600)
        with open(path, "a" if append else "w", encoding="utf-8", opener=private) as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(text)
