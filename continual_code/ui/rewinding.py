"""Esc Esc: the list of points to go back to, and what going back does.

Invariant: every edit that a choice takes back is named before it is made, and a mode that writes nothing takes
none back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.app import App
from textual.content import Content

from continual_code.errors import UsageError
from continual_code.past import Point, edits_from
from continual_code.port import Session
from continual_code.ui.calls import Calls
from continual_code.ui.clean import clean_line
from continual_code.ui.modes import NOT_WRITTEN
from continual_code.ui.narrate import quiet
from continual_code.ui.screens.picker import Choice, Picker
from continual_code.ui.widgets.status_bar import Source

AGAIN_WITHIN = 2.0
NAMED = 6
HEADING = "Back to just before which task or edit? Lessons stay learned; F4 undoes those."


class Rewinding:
    """`say` writes lines to the transcript; `give_back` puts an earlier task into the prompt."""

    def __init__(
        self,
        source: Source,
        session: Session,
        calls: Calls,
        say: Callable[[Sequence[Content]], None],
        give_back: Callable[[str], None],
    ) -> None:
        self._source, self._session, self._calls = source, session, calls
        self._say, self._give_back = say, give_back

    def begin(self, app: App[None]) -> None:
        """Show the points of the session, for the person to choose one."""
        self._calls.submit(self._session.points, then=partial(self._choose, app))

    def _choose(self, app: App[None], points: Sequence[Point]) -> None:
        if points:
            app.push_screen(rewind_screen(self._source, points), partial(self._chosen, points))
        else:
            self._say([quiet("Nothing was asked in this session yet."), Content("")])

    def _chosen(self, points: Sequence[Point], id: str | None) -> None:
        if id is not None:
            self._calls.submit(partial(self._rewind, points, id), then=self._give_back)

    def _rewind(self, points: Sequence[Point], id: str) -> str:
        edits = edits_from(points, id)
        if edits and not self._source.modes.writes:
            raise UsageError(f"{_named(edits)} would be taken back, and nothing was.", kept=NOT_WRITTEN)
        return self._session.rewind(id)


def rewind_screen(source: Source, points: Sequence[Point]) -> Picker:
    """The points of the session, newest first; dismissed with the id of one."""
    choices = [Choice(point.id, _row(point), _detail(points, point)) for point in reversed(points)]
    return Picker(source, HEADING, choices, verb="goes back")


def _row(point: Point) -> str:
    what = f"  ✓ wrote {clean_line(point.path, 100)}" if point.path else clean_line(point.task.text, 200)
    return f"{clean_line(point.id, 12):<5} {what}"


def _detail(points: Sequence[Point], point: Point) -> Content:
    edits = edits_from(points, point.id)
    taken = f"Takes back {_named(edits)}." if edits else "Takes back no edit: none was written since."
    return Content.assemble(taken, "\n", ("Into the prompt: ", ".quiet"), (clean_line(point.task.text, 150), ".strong"))


def _named(edits: Sequence[Point]) -> str:
    names = [f"{clean_line(edit.id, 12)} {clean_line(edit.path, 40)}" for edit in edits[:NAMED]]
    return ", ".join(names) + (f" and {len(edits) - NAMED} more" if len(edits) > NAMED else "")
