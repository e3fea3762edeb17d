"""The screen as plain text: what stands where, and beneath it which parts do not look like plain text."""

from __future__ import annotations

from collections.abc import Iterator
from colorsys import rgb_to_hls
from itertools import groupby

from person import Person
from rich.color import Color
from rich.segment import Segment

LEGIBLE = 3.0  # contrast; what W3C's guidelines ask of large text and of signs
FAINT = 4.5  # and of all other text
HUES = ((20, "red"), (65, "amber"), (165, "green"), (260, "blue"), (330, "purple"), (360, "red"))
GREY = 0.12  # share of saturation times how far from black and white; less has no hue that one would name

Triplet = tuple[int, int, int]


def picture(person: Person) -> str:
    """The rows of the screen, then a line for every part with a look of its own: row, column, look, text.

    Looks are words for what a person notices (a hue, faint, bold, on another ground), not the theme's numbers.
    """
    rows = list(_rows(person))
    text = ["".join(segment.text for segment in row).rstrip() for row in rows]
    looks = [f"{at:>3}:{column:<4}{look}: {part}" for at, row in enumerate(rows) for column, look, part in _parts(row)]
    return "\n".join([*text, "-" * 3, *looks, ""])


def illegible(person: Person) -> list[str]:
    """The parts of the screen that hardly differ from their ground."""
    return [
        segment.text
        for row in _rows(person)
        for segment in row
        if segment.text.strip() and not set(segment.text) <= set(" ▁▂▃▄▅▆▇█─━┃▊▌▐") and _contrast(segment) < LEGIBLE
    ]


def _rows(person: Person) -> Iterator[list[Segment]]:
    for strip in person.app.screen._compositor.render_strips():
        yield [segment for segment in strip if segment.text]


def _parts(row: list[Segment]) -> Iterator[tuple[int, str, str]]:
    column = 0
    for look, segments in groupby(row, key=_look):
        text = "".join(segment.text for segment in segments)
        if look and (text.strip() or " on " in f" {look}"):
            yield column, look, text.rstrip() or f"{len(text)} spaces"
        column += len(text)


def _look(segment: Segment) -> str:
    style = segment.style
    if style is None:
        return ""
    ink, ground = _colours(segment)
    words = [name for name in ("bold", "italic", "underline", "reverse", "strike") if getattr(style, name)]
    if segment.text.strip():
        words += [_hue(ink) or ("faint" if _contrast(segment) < FAINT else "")]
    words += [f"on {_hue(ground)}"] if _hue(ground) else []
    return " ".join(word for word in words if word)


def _hue(colour: Triplet) -> str:
    hue, lightness, saturation = rgb_to_hls(*(part / 255 for part in colour))
    if saturation * (1 - abs(2 * lightness - 1)) < GREY:
        return ""
    return next(name for end, name in HUES if hue * 360 <= end)


def _contrast(segment: Segment) -> float:
    light, dark = sorted(map(_luminance, _colours(segment)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Triplet) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _colours(segment: Segment) -> tuple[Triplet, Triplet]:
    style = segment.style
    assert style is not None
    return _triplet(style.color), _triplet(style.bgcolor)


def _triplet(colour: Color | None) -> Triplet:
    return tuple(colour.get_truecolor()) if colour else (0, 0, 0)  # type: ignore[return-value]
