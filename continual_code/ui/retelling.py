"""An earlier session in the transcript: what was asked, what was proposed, what the person decided.

Invariant: it is told in the words of the day itself, and only what is in the journal is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from continual_code.events import Applied, NoEdit, Proposed, Recorded
from continual_code.past import Offer, Past, SessionNote, Turn
from continual_code.ui.clean import clean_line
from continual_code.ui.headline import diff_lines
from continual_code.ui.narrate import narrate, quiet, request
from continual_code.ui.screens.picker import Choice, Picker
from continual_code.ui.widgets.lesson_list import when
from continual_code.ui.widgets.status_bar import Source

TOLD, ROWS = 50, 6


def retell(past: Past) -> list[Content]:
    """The last tasks of a session, each diff folded to its first rows."""
    earlier = len(past.turns) - TOLD
    lines = [quiet(f"… {earlier} earlier tasks"), Content("")] if earlier > 0 else []
    for turn in past.turns[-TOLD:]:
        lines += _turn(turn)
    return [
        *lines,
        Content.assemble((f"— {clean_line(past.id, 12)} goes on here. ", ".strong")),
        quiet("  The model sees none of the above, as ever; what it learned, it kept."),
        Content(""),
    ]


def sessions_screen(source: Source, notes: Sequence[SessionNote]) -> Picker:
    """The sessions of this directory, to continue one; dismissed with its id."""
    choices = [Choice(note.id, _row(note), _detail(note)) for note in notes]
    return Picker(source, "Which session goes on? Esc begins a new one.", choices, verb="continues it")


def _turn(turn: Turn) -> list[Content]:
    lines = request(turn.task.text)
    for offer in turn.offers:
        lines += _offer(offer)
    if turn.reason:
        lines += narrate(NoEdit(turn.task, turn.reason))
    elif not turn.offers:
        lines += [quiet("  never answered"), Content("")]
    return lines


def _offer(offer: Offer) -> list[Content]:
    proposal, verdict = offer.proposal, offer.verdict
    lines = [*narrate(Proposed(proposal)), *diff_lines(proposal, verdict, rows=ROWS)]
    if verdict is None:
        return [*lines, quiet("  waits for your verdict"), Content("")]
    lines += narrate(Recorded(verdict, None))
    match offer.writing:
        case "applied":
            return [*lines, *narrate(Applied(proposal.id, proposal.path))]
        case "undone":
            return [*lines, quiet("  and taken back"), Content("")]
        case "failed":
            return [*lines, quiet("  but could not be written"), Content("")]
        case _:
            return [*lines, Content("")]


def _row(note: SessionNote) -> str:
    return f"{clean_line(note.id, 12):<5} {when(note.begun)}  {clean_line(note.first, 200)}"


def _detail(note: SessionNote) -> Content:
    tasks = f"{note.tasks} task{'s' if note.tasks > 1 else ''}"
    waiting = f" · {note.waiting} waiting for your verdict" if note.waiting else ""
    return Content.assemble((clean_line(note.first, 300), ".strong"), "\n", (tasks + waiting, ".quiet"))
