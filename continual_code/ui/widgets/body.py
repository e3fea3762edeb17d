"""What the card of a proposal shows between its title and its question.

Invariant: the card knows nothing else of it, so one diff and two beside each other are judged by the same keys.
"""

from __future__ import annotations

from typing import Protocol


class Body(Protocol):
    """It scrolls, has two layouts, marks hunks and says when it knows them (`DiffView.Compared`)."""

    def scroll_by(self, rows: int) -> None: ...

    def page(self, pages: int) -> None: ...

    def toggle_layout(self) -> None: ...

    def mark(self, hunk: int, unwanted: frozenset[int]) -> None: ...

    def reveal(self, hunk: int) -> None: ...
