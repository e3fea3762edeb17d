"""What the card of a proposal shows between its title and its question.

Invariant: the card knows nothing else of it, so one diff and two beside each other are judged by the same keys.
"""

from __future__ import annotations

from typing import Protocol

ROWS = {"up": -1, "down": 1, "home": -(10**9), "end": 10**9}
PAGES = {"pageup": -1, "pagedown": 1}


class Body(Protocol):
    """It scrolls, has two layouts, marks hunks and says when it knows them (`DiffView.Compared`)."""

    def scroll_by(self, rows: int) -> None: ...

    def page(self, pages: int) -> None: ...

    def toggle_layout(self) -> None: ...

    def mark(self, hunk: int, unwanted: frozenset[int]) -> None: ...

    def reveal(self, hunk: int) -> None: ...


def scrolled(body: Body, key: str) -> bool:
    """Scroll by `key`; False when it is none of the keys that do."""
    if key in ROWS:
        body.scroll_by(ROWS[key])
    elif key in PAGES:
        body.page(PAGES[key])
    return key in ROWS or key in PAGES
