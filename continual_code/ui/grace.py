"""The first half second of what opened by itself, while the person may still be typing for the prompt.

Invariant: what is typed or pasted in it decides nothing, and no more of it is lost than one stray letter.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events

GRACE = 0.5


class Grace:
    """Over from the beginning unless it `holds`, which is for what the person did not open."""

    def __init__(self, clock: Callable[[], float], *, holds: bool) -> None:
        self._clock, self._ends = clock, clock() + (GRACE if holds else 0.0)
        self._early = ""
        self._is_slip = True

    @property
    def is_over(self) -> bool:
        return self._clock() >= self._ends

    def words(self, event: events.Key | events.Paste) -> str:
        """What was typed since the last words, once it is more than a slip: one letter, or one held down."""
        self._early += typed(event)
        self._is_slip = self._is_slip and isinstance(event, events.Key) and len(set(self._early)) < 2
        if self._is_slip:
            return ""
        words, self._early = self._early, ""
        return words


def typed(event: events.Key | events.Paste) -> str:
    """What `event` writes in a text; empty for the keys that write nothing."""
    if isinstance(event, events.Paste):
        return event.text
    return event.character or "" if event.is_printable else ""
