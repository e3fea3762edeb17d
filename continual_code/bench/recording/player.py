"""Plays a person at a terminal: types, and waits for what the screen shows, never for a time.

Invariant: a wait that is not over in time ends the session, and says what the screen showed instead.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from continual_code.bench.recording.film import Film, picture
from continual_code.bench.recording.screen import Screen
from continual_code.bench.terminal import Terminal

KEYS = {
    "Enter": "\r", "Esc": "\x1b", "Space": " ", "Ctrl+Q": "\x11",
    "F2": "\x1bOQ", "F3": "\x1bOR", "F4": "\x1bOS", "F5": "\x1b[15~",
}  # fmt: skip
BETWEEN_LETTERS, BETWEEN_LOOKS = 0.04, 0.2  # seconds
STILL = 0.06  # seconds; a screen that was silent for so long is painted
WAITS_FASTER = 10  # a wait passes so many times as fast in the film


class NotShown(Exception):
    """The session did not go as it should."""


class Player:
    """Types into `terminal`, whose output `screen` shows; pictures go into the directory `out`.

    `patience` is how many seconds the longest wait may take.
    """

    def __init__(self, terminal: Terminal, screen: Screen, out: Path, *, patience: float) -> None:
        self._terminal, self._screen, self._out, self._patience = terminal, screen, out, patience
        self._film = Film(screen)
        self._last = time.monotonic()

    def type(self, text: str) -> None:
        for letter in text:
            self._terminal.send(letter)
            self.watch(BETWEEN_LETTERS)

    def press(self, key: str) -> None:
        """`key` is a name in `KEYS` or one letter."""
        self._terminal.send(KEYS.get(key, key))

    def enter(self, line: str) -> None:
        self.type(line)
        self.press("Enter")

    def sees(self, pattern: str) -> bool:
        """Whether the screen shows now what the regular expression says."""
        return re.search(pattern, self._screen.text) is not None

    def leaves(self) -> int:
        """Wait until the program has ended; its exit code."""
        return self._terminal.wait()

    def wait_for(self, pattern: str, *, instead: str = "(?!)") -> None:
        """Wait until the screen shows what the regular expression says.

        Raises:
            NotShown: it did not in time, or it showed what is feared `instead`.
        """
        deadline = time.monotonic() + self._patience
        while not self.sees(pattern):
            if time.monotonic() > deadline or self.sees(instead):
                raise NotShown(f"{pattern!r} was not shown, but\n{self._screen.text}")
            self.watch(BETWEEN_LOOKS, faster=WAITS_FASTER)

    def watch(self, seconds: float, *, faster: float = 1.0) -> None:
        """Do nothing for a time that the program wants of a person."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._look(left, faster=faster)

    def keep(self, name: str) -> None:
        """Save a picture of the screen, once it is painted."""
        while self._look(STILL):
            continue
        (self._out / f"{name}.svg").write_text(picture(self._screen), encoding="utf-8")

    def save(self, name: str) -> None:
        """Save the film."""
        self._film.save(self._out / f"{name}.cast")

    def _look(self, seconds: float, *, faster: float = 1.0) -> bool:
        """Take in what is written within a time; whether anything was."""
        written = self._terminal.read(seconds)
        self._screen.feed(written)
        now = time.monotonic()
        self._film.advance((now - self._last) / faster)
        self._last = now
        return bool(written)
