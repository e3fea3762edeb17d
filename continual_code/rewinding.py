"""Going back to an earlier point of the session.

Invariant: edits are taken back one by one, the newest first, each whole or not at all; where a file is no longer
what the edit left, everything from there on stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from continual_code.errors import ContinualCodeError, UsageError, WorkspaceError
from continual_code.past import Point, edits_from


def rewind(points: Sequence[Point], id: str, undo: Callable[[str], None]) -> str:
    """Take back the edits since the point `id` with `undo`; returns the text of its task.

    Raises:
        UsageError: the session has no such point.
        WorkspaceError: one of the edits could not be taken back; the newer ones were.
    """
    point = next((point for point in points if point.id == id), None)
    if point is None:
        raise UsageError(f"This session has no point {id} to go back to.", kept="Nothing was changed.")
    taken: list[str] = []
    for edit in edits_from(points, id):
        try:
            undo(edit.id)
        except ContinualCodeError as error:
            raise _stopped(edit, taken, error) from error
        taken.append(edit.id)
    return point.task.text


def _stopped(edit: Point, taken: Sequence[str], error: ContinualCodeError) -> WorkspaceError:
    newer = (
        f"{', '.join(taken)} {'was' if len(taken) == 1 else 'were'} taken back" if taken else "Nothing was taken back"
    )
    return WorkspaceError(
        f"Going back stopped at {edit.id}: {error.what}",
        kept=f"{newer}; {edit.id} and what came before it is as it was.",
        do="Bring that file back to what the edit left, or keep it and go back to a later point.",
    )
