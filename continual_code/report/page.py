"""The report as one HTML page that needs nothing else: no network, no script.

Invariant: every value is cleaned and then escaped by the one environment below, so no template can forget to;
and the page forbids itself whatever it does not need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from continual_code.diffs import hunks_of
from continual_code.report import plot
from continual_code.report.credit import Piece
from continual_code.report.facts import Change, Entry, Facts
from continual_code.report.words import STATES, VERDICTS
from continual_code.ui.clean import clean, clean_line
from continual_code.ui.credit import MARKS, seen
from continual_code.ui.diff import diff_between

FIRST_LINES = "<!doctype html>\n<!-- continual-code report -->\n"
KINDS = {"+": "added", "-": "removed", " ": "same", "⋯": "hidden"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a diff; `sign` says what `kind` colours."""

    kind: str
    sign: str
    text: str


def page(facts: Facts) -> str:
    """The whole page; it begins with `FIRST_LINES`."""
    body = _environment().get_template("page.html").render(
        facts=facts, states=STATES, verdicts=VERDICTS, marks=MARKS, plots=plots(facts), canvas=plot,
    )  # fmt: skip
    return FIRST_LINES + body


def plots(facts: Facts) -> list[plot.Plot]:
    """Losses and gaps, drift, canaries, seconds, by lesson, and what held, by revision; those without a figure are
    left out.
    """
    entries = facts.entries[::-1]
    before = _series("loss before", "ring", [entry.figures.loss_before for entry in entries])
    after = _series("loss after", "dot", [entry.figures.loss_after for entry in entries])
    gap = _series("gap", "diamond", [entry.figures.gap for entry in entries])
    seconds = _series("time", "bar", [entry.figures.seconds for entry in entries])
    drift = _series("drift", "dot", [entry.figures.drift for entry in entries])
    canary = _series("canary", "dot", [entry.figures.canary for entry in entries])
    ids, revisions = [entry.id for entry in entries], [f"r{each.revision}" for each in facts.retention]
    held = _series("held", "dot", [each.held / each.looked_at for each in facts.retention])
    found = (
        plot.plot("Lessons that held", "share of those looked at", revisions, (held,), axis="revision"),
        plot.plot("Loss and gap", "nats per token", ids, (before, after, gap), linked=(before, after)),
        plot.plot("Drift on unrelated text", "nats per token", ids, (drift,)),
        plot.plot("Least likely token of unrelated programs", "probability", ids, (canary,)),
        plot.plot("Time to learn", "seconds", ids, (seconds,)),
    )
    return [one for one in found if one]


def _series(name: str, shape: plot.Shape, values: Sequence[float | None]) -> plot.Series:
    return plot.Series(name, shape, tuple(values))


def lines_of(change: Change) -> list[Line]:
    """The diff with three lines of context, in one column."""
    before = change.before or ""
    diff = diff_between(before, change.after, hunks_of(before, change.after))
    lines: list[Line] = []
    for row in diff.inline:
        if row.mark == "⋯":
            text = f"{row.hidden} more {'line' if row.hidden == 1 else 'lines'}"
        else:
            text = diff.new[row.new] if row.new is not None else diff.old[row.old or 0]
        lines.append(Line(KINDS[row.mark], row.mark, text))
    return lines


def runs(credit: Iterable[Piece]) -> Iterator[Piece]:
    """The same answer with neighbours that have no mark in one piece: most of an answer is not marked."""
    for marked, group in groupby(credit, lambda piece: piece.mark != ""):
        found = list(group)
        yield from found if marked else [Piece("".join(piece.text for piece in found), 0.0, "")]


def when(created: str) -> str:
    """An ISO time as date and time of this place; anything else as it came."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return created


def figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if seconds >= 120 else f"{seconds:.1f} s"


def headline(entry: Entry) -> str:
    return clean_line(entry.comment, 90) or "(your own edit)"


def _shown(value: object) -> object:
    return clean(value) if type(value) is str else value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        finalize=_shown, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "lines": lines_of, "runs": runs, "seen": seen, "when": when, "figure": figure, "duration": duration,
        "headline": headline,
    }  # fmt: skip
    return environment
