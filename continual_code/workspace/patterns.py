"""What a person searches for, as something that finds it in a text.

Invariant: whatever a person types, finding it takes time linear in the text, and never matches across lines.
Regular expressions are RE2's: no look-around and no back-references, for one that goes back over its text can keep
a line busy for hours, and nothing in this process could stop it.
"""

from __future__ import annotations

import re
from typing import Protocol

import re2

from continual_code.errors import UsageError
from continual_code.events import SearchMode

LONGEST_WANTED = 200
_LINES = "(?m)"  # ^ and $ are the ends of a line
_HINT = "Without --regex, it is searched for as it stands."
MOST_INSTRUCTIONS = 4_000  # of a pattern's program: one of 16,205 took 19 s for a megabyte, each character asking most


class Spanning(Protocol):
    def span(self) -> tuple[int, int]: ...


class Pattern(Protocol):
    def search(self, string: str, pos: int, /) -> Spanning | None:
        """The first match that begins at `pos`, which begins a line, or later."""
        ...


def compile_pattern(wanted: str, mode: SearchMode) -> Pattern:
    """What finds `wanted`; its case counts only if it has an upper-case letter.

    Raises:
        UsageError: it is empty, longer than `LONGEST_WANTED`, more than one line, or no pattern that RE2 takes.
    """
    if not wanted.strip():
        raise UsageError("There is nothing to search for.")
    if len(wanted) > LONGEST_WANTED or "\n" in wanted:
        raise UsageError(f"Only one line of at most {LONGEST_WANTED} characters can be searched for.")
    if mode == "regex":
        return _regular(wanted)
    literal = re.escape(wanted)
    any_case = re.IGNORECASE if wanted == wanted.lower() else re.NOFLAG
    # What stands before is looked at last: a pattern that begins with letters is found three times as fast.
    return re.compile(rf"{literal}(?<!\w{literal})(?!\w)" if mode == "word" else literal, any_case)


def _regular(wanted: str) -> Pattern:
    letters = re.sub(r"\\.", "", wanted)  # \S and \B are no letters in upper case
    options = re2.Options()
    options.case_sensitive = letters != letters.lower()
    options.never_nl = True
    options.log_errors = False  # it would write to the terminal
    try:
        pattern = re2.compile(f"{_LINES}{wanted}", options)
    except re2.error as error:
        raise UsageError(f"That is no regular expression (of RE2): {_said(error)}.", do=_HINT) from None
    if pattern.programsize > MOST_INSTRUCTIONS:
        raise UsageError("That regular expression would take too long.", do="Repeat less of it.")
    return pattern


def _said(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return text.replace(_LINES, "", 1)  # which nobody typed
