"""The subject of a commit: one short line out of what somebody wrote. Pure functions."""

from __future__ import annotations

import re
from textwrap import shorten

LONGEST = 72  # characters
_FENCE = re.compile(r"\s*(`{3,}|~{3,})[\w.+-]*\s*")
_LABEL = re.compile(
    r"(?:[-*#>]+\s+|\**(?:commit\s+)?(?:subject|message|title|commit)(?:\s+line)?\s*:\**\s*)+", re.IGNORECASE
)
_QUOTED = re.compile(r"(([`\"'*_])\2*)((?:(?!\2).)+)\1?")
_CHANGE = ("+", "@@", "diff ")  # lines of the change, said again


def shortened(line: str) -> str:
    """`line` without a full stop and, where it is too long, cut after a word."""
    subject = shorten(line, LONGEST, placeholder=" …").removesuffix(".")
    return line.strip()[:LONGEST] if subject == "…" else subject  # one word that is longer


def subject_in(answer: str) -> str:
    """The first line of a model's answer that could be a subject, without what is around it; empty if there is none."""
    bare = (_bare(line) for line in answer.splitlines() if not _FENCE.fullmatch(line))
    return shortened(next(filter(_is_subject, bare), ""))


def _is_subject(line: str) -> bool:
    announces = line.endswith(":")
    return not announces and not line.startswith(_CHANGE) and any(letter.isalpha() for letter in line)


def _bare(line: str) -> str:
    """The words of a line: no control characters, no mark of a list, no "Subject:", no quotes around it all."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in line).split())
    while (inner := _unwrapped(line)) != line:
        line = inner
    return line


def _unwrapped(line: str) -> str:
    label = _LABEL.match(line)
    line = line[label.end() if label else 0 :].strip("“” ")
    quoted = _QUOTED.fullmatch(line)
    return quoted.group(3) if quoted else line
