"""What a comment says of the rejected answer: as one short line, and token by token.

Invariant: a difference below the noise is never marked and never presented as blame, and what is named in the one
line is at least a quarter of the strongest objection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from textual.content import Content

from continual_code.ui.clean import clean, clean_line

MOST_TOKENS = 12
SHARE = 0.25
NOISE = 0.05  # nats: below it a difference is rounding of bfloat16
MODERATE, STRONG = 0.5, 2.0  # nats: the token became 1.6 and 7.4 times less likely
TAB = 4  # cells

# What a mark is called, and what it means.
MARKS: dict[str, tuple[str, str]] = {
    "strong": ("strongly against", f"What you wrote makes this token at least 7 times less likely (−{STRONG:g} nats)."),
    "moderate": ("against", f"What you wrote argues against it: −{MODERATE:g} to −{STRONG:g} nats."),
    "slight": ("a little against", f"What you wrote argues against it a little: −{NOISE:g} to −{MODERATE:g} nats."),
    "welcome": ("in favour", f"What you wrote makes it likelier: +{NOISE:g} nats or more."),
}
SIGNS = {"strong": "✗", "moderate": "!", "slight": "·"}  # of objections, strongest first


@dataclass(frozen=True, slots=True)
class Line:
    """A cleaned line of the answer; `mark` is that of the strongest objection in it, "" where there is none.

    What is marked has the style ".credit-" and the mark.
    """

    content: Content
    mark: str = ""


def mark_of(gap: float) -> str:
    """One of `MARKS`, or "" for a difference that is noise or not a number; `gap` is in nats."""
    if gap > -NOISE or gap != gap:
        return "welcome" if gap >= NOISE else ""
    return "strong" if gap <= -STRONG else "moderate" if gap <= -MODERATE else "slight"


def seen(text: str) -> str:
    """A token as it stands in the text, but with signs where it is nothing but space."""
    return text if text.strip() else text.replace(" ", "·").replace("\t", "→\t").replace("\n", "⏎\n")


def argued_against(tokens: Sequence[str], gaps: Sequence[float], limit: int = 120) -> str:
    """The lines that hold the blamed tokens, in their own order, separated by " · "; empty when nothing stands out.

    `limit` is in characters, `gaps` are in nats.
    """
    scored = dict(enumerate(gaps[: len(tokens)]))
    worst = min(scored.values(), default=0.0)
    if worst > -NOISE:
        return ""
    named = sorted(scored, key=scored.__getitem__)[:MOST_TOKENS]
    blamed = sorted(place for place in named if scored[place] <= worst * SHARE)
    lines = (clean_line(_line_around(tokens, place)) for place in blamed)
    return clean_line(" · ".join(dict.fromkeys(line for line in lines if line)), limit)


def marked_lines(tokens: Sequence[str], gaps: Sequence[float]) -> list[Line]:
    """The answer, line by line, with every marked token in the style of its mark; a token without a gap has none."""
    lines: list[list[tuple[str, str]]] = [[]]
    for token, gap in zip(tokens, chain(gaps, repeat(0.0)), strict=False):
        mark = mark_of(gap)
        first, *rest = (seen(clean(token)) if mark else clean(token)).split("\n")
        lines[-1].append((first, mark))
        lines += [[(text, mark)] for text in rest]
    return [_line([(text, mark) for text, mark in parts if text]) for parts in lines]


def _line(parts: Sequence[tuple[str, str]]) -> Line:
    content = Content.assemble(*((text, f".credit-{mark}") if mark else text for text, mark in parts))
    marks = {mark for _, mark in parts}
    return Line(content.expand_tabs(TAB), next((mark for mark in SIGNS if mark in marks), ""))


def _line_around(tokens: Sequence[str], place: int) -> str:
    """The line in which a token's first visible character stands."""
    token = tokens[place]
    before, after = "".join(tokens[:place]), "".join(tokens[place + 1 :])
    lead = token[: len(token) - len(token.lstrip())]
    start = before + lead
    rest = token[len(lead) :] + after
    return (start.rpartition("\n")[2] + rest.partition("\n")[0]).strip()
