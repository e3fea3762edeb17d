"""The one sanitiser: makes text from outside safe to paint on a terminal.

Invariant: no character that a terminal or a reader's eye could be steered by (escape
sequences, C0, C1, DEL, bidirectional controls, invisible characters, lone surrogates)
leaves here, save newline and tab; each is replaced by one visible character, so
columns and offsets into the text stay what they were.
"""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

UNKNOWN = "\ufffd"

# Cc, Cf, Cs, Zl and Zp of Unicode, plus characters that paint nothing or steer the glyph before them:
# fillers, joiners and variation selectors (but U+FE0F, which only says "as an emoji"). Written as ranges
# because asking unicodedata about every code point costs 200 ms at import; a test compares the two.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff"
    "\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """The same text, character for character, with every unsafe one made visible.

    C0 controls and DEL become their Unicode pictures (ESC is painted as one sign), the
    rest becomes U+FFFD. Newlines and tabs stay. Cleaning twice changes nothing more.
    """
    return _UNSAFE.sub(_visible, text)


def clean_line(text: str, limit: int = 200) -> str:
    """Cleaned text on one line: whitespace runs become one space, the tail beyond `limit` an ellipsis."""
    line = " ".join(clean(text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else UNKNOWN


class Guard(LineFilter):
    """The net under the sanitiser: cleans what is about to be written, whichever widget painted it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if not any(_UNSAFE.search(segment.text) for segment in segments if not segment.control):
            return segments
        return [
            segment if segment.control else Segment(_UNSAFE.sub(_same_width, segment.text), segment.style)
            for segment in segments
        ]


def _same_width(match: re.Match[str]) -> str:
    # The layout has counted these characters already, by a table that gives controls no cell at all.
    from rich.cells import cell_len

    return UNKNOWN * cell_len(match.group())
