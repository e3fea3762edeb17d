"""Words about hunks that the card and the transcript share.

Invariant: hunks are counted from 1 wherever a person reads about them.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from continual_code.ui.reviews import Pending

CURRENT, UNWANTED = "┃", "✗"
NAMED = 4


def hunk_names(indexes: Sequence[int]) -> str:
    """Such as "hunk 2", "hunks 1 and 3" or, of many, "7 hunks"."""
    if len(indexes) > NAMED:
        return f"{len(indexes)} hunks"
    *others, last = (str(index + 1) for index in indexes)
    return f"hunks {', '.join(others)} and {last}" if others else f"hunk {last}"


def where(pending: Pending) -> Content:
    """The current hunk, and how many are not wanted; empty while the texts are still compared."""
    if not pending.hunks:
        return Content("")
    here = f" {UNWANTED}" if pending.hunk in pending.unwanted else ""
    count = f" · {len(pending.unwanted)} not wanted" if pending.unwanted else ""
    return Content.assemble(
        (f"{CURRENT} ", ".learn"), f"hunk {pending.hunk + 1} of {pending.hunks}", (f"{here}{count}", ".bad")
    )
