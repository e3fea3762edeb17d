"""What a card says around its diff: the keys that work, the question, the invitation.

Invariant: a key is named only while it does something.
"""

from __future__ import annotations

from collections.abc import Collection

from textual.content import Content

from continual_code.events import VerdictKind
from continual_code.ui.clean import clean_line
from continual_code.ui.hunks import hunk_names
from continual_code.ui.reviews import Pending

CHIPS = {"1": "wrong file", "2": "too much changed", "3": "does not work", "4": "not our style"}
NOTHING_LEFT = "Nothing would be left to write. Press n to reject it instead."


def card_keys(pending: Pending, *, writes: bool) -> str:
    """For the footer; `writes`: the mode lets a verdict write the file."""
    accept = f"y accepts {pending.wanted} of {pending.hunks}" if pending.unwanted else "y accept"
    edit = "e edit" if pending.edited is None else "e your version"
    judge = [accept, "n reject", edit] if writes else ["n reject"]
    outside = ["Ctrl+G editor"] if writes else []
    return " · ".join([*judge, "? keys", "[ ] Space hunk", "d columns", "1-4 reason", *outside, "Esc later"])


def question(kind: VerdictKind, unwanted: Collection[int], width: int) -> str:
    """What the line for the comment asks; half of its `width` (cells) is for the answer, else hunks go unnamed."""
    why = f"Why not {hunk_names(sorted(unwanted))}? " if unwanted else "Why not? "
    if kind == "reject":
        return why
    if not unwanted:
        return "Accept, and say: "
    asked = f"Accept the rest. {why}"
    return asked if len(asked) <= width // 2 else "Accept the rest. Why not? "


def invitation(pending: Pending) -> Content:
    """What a reason does, and the common ones; what the person has begun is named."""
    chips = "  ".join(f"{key} {text}" for key, text in CHIPS.items())
    begun = clean_line(pending.comment, 60)
    return Content.assemble(
        ("" if pending.edited is None else "Your own version waits: e opens it.\n", ".learn"),
        ("Say why not, and the model trains on your reason.", ".learn"),
        (f"  Your draft: {begun}" if begun else "", ".quiet"),
        "\n",
        (chips, ".quiet"),
    )


def own_text_waits(pending: Pending, key: str) -> str:
    """Why `key`, which accepts, does so only the second time; empty where the person has no version of their own."""
    if pending.edited is None:
        return ""
    return f"e opens your own version, Ctrl+S accepts it; {key} again takes the model's."


def uneditable(pending: Pending) -> str:
    """Why the editor of the card does not open, and what to do instead."""
    mixes = "mixes line ends that the editor here would change."
    if pending.edited is not None:
        return f"Your text {mixes} Ctrl+G goes on with it in your own editor."
    return f"This file {mixes} Reject with a reason instead."


def joined(draft: str, chip: str) -> str:
    """What to add to the comment so that it contains `chip` once."""
    if chip in draft:
        return ""
    return f", {chip}" if draft.strip() else chip
