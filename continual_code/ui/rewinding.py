"""Esc Esc: the list of points to go back to, and what going back does.

Invariant: every edit that a choice takes back is named before it is made.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from continual_code.past import Point, edits_from
from continual_code.ui.clean import clean_line
from continual_code.ui.screens.picker import Choice, Picker
from continual_code.ui.widgets.status_bar import Source

AGAIN_WITHIN = 2.0
NAMED = 6
HEADING = "Back to just before which task or edit? Lessons stay learned; F4 undoes those."


def rewind_screen(source: Source, points: Sequence[Point]) -> Picker:
    """The points of the session, newest first; dismissed with the id of one."""
    choices = [Choice(point.id, _row(point), _detail(points, point)) for point in reversed(points)]
    return Picker(source, HEADING, choices, verb="goes back")


def _row(point: Point) -> str:
    what = f"  ✓ wrote {clean_line(point.path, 100)}" if point.path else clean_line(point.task.text, 200)
    return f"{clean_line(point.id, 12):<5} {what}"


def _detail(points: Sequence[Point], point: Point) -> Content:
    edits = [f"{clean_line(edit.id, 12)} {clean_line(edit.path, 40)}" for edit in edits_from(points, point.id)]
    more = f" and {len(edits) - NAMED} more" if len(edits) > NAMED else ""
    taken = f"Takes back {', '.join(edits[:NAMED])}{more}." if edits else "Takes back no edit: none was written since."
    return Content.assemble(taken, "\n", ("Into the prompt: ", ".quiet"), (clean_line(point.task.text, 150), ".strong"))
