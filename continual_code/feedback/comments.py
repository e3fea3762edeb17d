"""The one funnel through which a person's words and error texts reach the disk.

Invariant: what comes out holds no terminal control, no lone surrogate and no secret of a
known shape, and nothing is cut off without saying so.
"""

from __future__ import annotations

import re
import unicodedata

from continual_code.errors import UsageError
from continual_code.feedback.redaction import redact

MAX_COMMENT, MAX_REASON = 20_000, 2_000

# CSI sequences, then OSC and the other strings, then two-byte escapes: without this "\x1b[31m" would leave "[31m".
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b."
)


def clean_comment(text: str) -> str:
    """A comment as it is stored.

    Raises:
        UsageError: it is longer than 20,000 characters; the teacher must see it whole or not at all.
    """
    plain = _plain(text)
    if len(plain) > MAX_COMMENT:
        raise UsageError(
            f"The comment has {len(plain):,} characters; the limit is {MAX_COMMENT:,}.",
            kept="Nothing was recorded and the proposal still waits for a verdict.",
            do="Shorten it: one reason teaches better than many.",
        )
    return redact(plain)


def clean_reason(text: str) -> str:
    """An error text as it is stored: cleaned, redacted, then cut to 2,000 characters."""
    clean = redact(_plain(text))
    return clean if len(clean) <= MAX_REASON else f"{clean[: MAX_REASON - 1]}…"


def _plain(text: str) -> str:
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(map(_plain_character, text)).strip()


def _plain_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    return "" if category == "Cc" and character != "\n" else character
