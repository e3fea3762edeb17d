"""Text that tries to steer a terminal, a reader or Textual; shared by the tests of the sanitiser."""

from __future__ import annotations

import sys
import unicodedata

PAYLOADS = {
    "OSC 52 clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "OSC 52 with ST": "\x1b]52;c;ZXZpbA==\x1b\\",
    "OSC 52 by C1": "\x9d52;c;ZXZpbA==\x9c",
    "OSC 8 link": "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\",
    "OSC 0 title": "\x1b]0;title\x07",
    "OSC 7 directory": "\x1b]7;file:///etc\x07",
    "OSC 133 prompt mark": "\x1b]133;A\x07",
    "OSC 1337 file": "\x1b]1337;File=:AAAA\x07",
    "CSI clear": "\x1b[2J",
    "CSI home": "\x1b[H",
    "CSI colour": "\x1b[31mred",
    "CSI conceal": "\x1b[8mhidden",
    "CSI by C1": "\x9b2J",
    "CSI alternate screen": "\x1b[?1049l",
    "CSI mouse": "\x1b[?1000h",
    "CSI bracketed paste end": "\x1b[201~",
    "CSI report": "\x1b[6n",
    "CSI window": "\x1b[21t",
    "DCS": "\x1bP1$r\x1b\\",
    "DCS by C1": "\x90q\x9c",
    "APC": "\x1b_Gf=100;\x1b\\",
    "PM": "\x1b^x\x1b\\",
    "SOS by C1": "\x98x\x9c",
    "full reset": "\x1bc",
    "charset": "\x1b(0",
    "NEL": "a\x85b",
    "bell": "\x07",
    "backspaces": "rm\x08\x08ls",
    "carriage return": "evil\rgood",
    "vertical tab": "a\x0bb",
    "form feed": "a\x0cb",
    "NUL": "a\x00b",
    "shift out": "\x0eabc\x0f",
    "DEL": "a\x7fb",
    "bidi override": "\u202eevil\u202c",
    "bidi embedding": "\u202aa\u202b",
    "bidi isolate": "\u2066evil\u2069\u2067x\u2068",
    "bidi marks": "\u200ea\u200f\u061c",
    "zero width space": "pass\u200bword",
    "zero width joiners": "a\u200cb\u200d",
    "word joiner": "a\u2060b\u2061",
    "byte order mark": "\ufeffa",
    "soft hyphen": "a\xadb",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "lone high surrogate": "a\ud83db",
    "lone low surrogate": "a\udc80b",
    "escaped byte": "\udc1b]52;c;x",
    "tag characters": "\U000e0041\U000e0042\U000e007f",
    "variation selectors": "a\ufe00b\U000e0100",
    "hangul filler": "a\u3164b\uffa0",
    "grapheme joiner": "a\u034fb",
    "interlinear": "\ufff9a\ufffab\ufffb",
    "noncharacter": "a\uffffb",
    "click action": "[@click=app.exit]press[/]",
    "markup style": "[red]x[/red]",
    "unbalanced markup": "[/foo] [bold",
    "markup link": "[link=http://evil]x[/link]",
    "markup escape": "\\[x\\]",
}
CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
INVISIBLE = set("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE0F)}


def unsafe(text: str) -> set[str]:
    """The characters of `text` that may not reach a terminal, judged by Unicode's own tables."""
    return {
        letter
        for letter in set(text) - {"\n", "\t"}
        if unicodedata.category(letter) in CATEGORIES or letter in INVISIBLE
    }


def all_unsafe() -> set[str]:
    """Every such character there is."""
    return unsafe("".join(map(chr, range(sys.maxunicode + 1))))
