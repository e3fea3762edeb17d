"""What the person asked before, for Up, Down and Ctrl+R in the prompt, kept in a file.

Invariant: the file is readable by this person alone, and a damaged line costs only itself.
"""

from __future__ import annotations

import json
from pathlib import Path

from continual_code.ui.kept import keep

KEPT = 1000
LONGEST = 10_000


class History:
    """A list of earlier prompts, newest last, and a place in it while the person walks."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._entries: list[str] = []
        self._place: int | None = None
        self._draft = ""

    def keep_in(self, path: Path | None) -> None:
        """Keep what is stored from now on in `path`, created when missing; None keeps it in memory only."""
        self._path = path

    def read(self) -> list[str]:
        """The entries in the file, for `restore`; what cannot be read is left out."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines() if self._path else []
        except OSError:
            return []
        return [entry for line in lines[-KEPT:] if (entry := _decoded(line)) is not None]

    def restore(self, entries: list[str]) -> None:
        """Put what earlier runs remembered before what this one added."""
        self._entries = entries + self._entries

    def add(self, text: str) -> None:
        """Remember `text` for this run and return to the newest entry."""
        self.leave()
        if text and self._entries[-1:] != [text]:
            self._entries.append(text)

    def leave(self) -> None:
        """Stop walking: the next `older` starts at the newest entry and keeps a new draft."""
        self._place = None

    def store(self, text: str) -> None:
        """Append `text` to the file; failure is silent."""
        if self._path and len(text) <= LONGEST:
            keep(self._path, json.dumps(text) + "\n", append=True)

    def matching(self, query: str) -> list[str]:
        """The entries that hold `query`, in any case of letters, each once, the newest first."""
        wanted = query.casefold()
        return [entry for entry in dict.fromkeys(reversed(self._entries)) if wanted in entry.casefold()]

    def older(self, current: str) -> str | None:
        """The entry before the present place; `current` is kept as the draft. None at the oldest."""
        if not self._entries:
            return None
        if self._place is None:
            self._draft, self._place = current, len(self._entries)
        if self._place == 0:
            return None
        self._place -= 1
        return self._entries[self._place]

    def newer(self) -> str | None:
        """The entry after the present place, then the draft; None when not walking."""
        if self._place is None:
            return None
        self._place += 1
        if self._place < len(self._entries):
            return self._entries[self._place]
        self._place = None
        return self._draft


def _decoded(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, str) else None
