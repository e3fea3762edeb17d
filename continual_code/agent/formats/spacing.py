"""What nobody asked to change and nobody can see: blank lines, white space at line ends, decomposed characters.

A small model copies code well and the space around it badly, and a tokenizer may compose
characters as it reads them. Such differences would fill a diff with lines that say nothing.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from unicodedata import normalize

_ABOUT_SPACE = re.compile(
    r"\b(white ?space|blank|empty line|new ?lines?|line breaks?|spac(e|es|ing)|trailing|(re)?format|lint|indent"
    r"|pep ?8|black|ruff|tidy|unicode|normali[sz])",
    re.IGNORECASE,
)


def keep_spacing(before: str, after: str, task: str) -> str:
    """`after`, with the old text wherever only invisible things differ; as it is if the task speaks of such things."""
    if _ABOUT_SPACE.search(task):
        return after
    old, new = before.split("\n"), after.split("\n")
    seen_old, seen_new = ([normalize("NFC", line.rstrip()) for line in lines] for lines in (old, new))
    kept: list[str] = []
    for kind, old_start, old_end, new_start, new_end in _changes(seen_old, seen_new):
        was, now = (list(filter(None, lines)) for lines in (seen_old[old_start:old_end], seen_new[new_start:new_end]))
        kept += old[old_start:old_end] if kind == "equal" or was == now else new[new_start:new_end]
    return "\n".join(kept)


def _changes(old: list[str], new: list[str]) -> list[tuple[str, int, int, int, int]]:
    """As `SequenceMatcher.get_opcodes`, whose cost is the square of what lies between the first change and the last."""
    pairs = list(zip(old, new, strict=False))
    head = next((index for index, (was, now) in enumerate(pairs) if was != now), len(pairs))
    backwards = list(zip(old[head:][::-1], new[head:][::-1], strict=False))
    tail = next((index for index, (was, now) in enumerate(backwards) if was != now), len(backwards))
    old_end, new_end = len(old) - tail, len(new) - tail
    between = SequenceMatcher(None, old[head:old_end], new[head:new_end], autojunk=False).get_opcodes()
    shifted = [(kind, a + head, b + head, c + head, d + head) for kind, a, b, c, d in between]
    return [("equal", 0, head, 0, head), *shifted, ("equal", old_end, len(old), new_end, len(new))]
