"""An answer in the habits of the file it replaces.

What a fence cannot carry (line ends, a byte order mark, a missing last newline) is taken
from the old text, so that none of it shows up as a change nobody asked for.
"""

from __future__ import annotations

import re

_BOM = "\ufeff"


def fit(before: str | None, after: str, path: str) -> str:
    """`after` with the line ends, byte order mark and last newline of `before`, and no path comment of its own.

    A file that did not exist gets "\\n" line ends and one newline at its end. Text of
    `before` in mixed line ends gets the kind that it uses most.
    """
    plain = _without_path_comment(before or "", after.replace("\r\n", "\n").removeprefix(_BOM), path)
    if before is None:
        return plain
    body = plain.rstrip("\n") + _last_newlines(before)
    return (_BOM if before.startswith(_BOM) else "") + body.replace("\n", newline_of(before))


def newline_of(text: str) -> str:
    """The line end that a text uses most."""
    return "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"


def _last_newlines(before: str) -> str:
    plain = before.replace("\r\n", "\n")
    return plain[len(plain.rstrip("\n")) :] if plain.strip() else "\n"


def _without_path_comment(before: str, after: str, path: str) -> str:
    """Drop a first line that only repeats the path in a comment, unless the file had it already."""
    first, _, rest = after.partition("\n")
    says_path = re.fullmatch(rf"\s*(#|//|/\*|--|;|<!--)\s*(\./)?{re.escape(path)}\s*(\*/|-->)?\s*", first)
    is_new = first.strip() not in (line.strip() for line in before.splitlines())
    return rest.lstrip("\n") if says_path and is_new and rest.strip() else after
