"""Colours the lines of a file by its language.

Invariant: the text of a coloured line equals the text that came in; only styles are added.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual.content import Content

# Beyond this the colours are not worth the seconds: 100 KB take about 0.3 s on a slow core.
LONGEST = 100_000


def coloured(lines: Sequence[str], path: str) -> list[Content]:
    """Cleaned `lines` as content with the styles of the current theme; plain for unknown languages."""
    plain = [Content(line) for line in lines]
    code = "\n".join(lines)
    if not code or len(code) > LONGEST:
        return plain
    # Costs 40 ms, and nobody needs it before the first proposal.
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound
    from textual.highlight import HighlightTheme, highlight

    # Their 80 or 90 % of a colour is too faint on the ground of a changed line; a comment may be faint.
    styles = {token: re.sub(" underline| [89]0%", "", style) for token, style in HighlightTheme.STYLES.items()}
    calm = type("Calm", (HighlightTheme,), {"STYLES": styles})
    try:
        language = get_lexer_for_filename(path).aliases[0]
    except (ClassNotFound, IndexError):
        return plain
    painted = highlight(code, language=language, theme=calm).split("\n", allow_blank=True)
    same = [content.plain for content in painted] == list(lines)
    return list(painted) if same else plain
