"""What undo, rollback and falling back change, worked out before anything is touched.

Invariant: after any plan a lesson counts as learned exactly when its revision is the head
or an ancestor of the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from continual_code.errors import UsageError
from continual_code.events import Lesson, Revision


@dataclass(frozen=True, slots=True)
class Rewind:
    """The arguments of `Journal.rewind`: the new head, and the lessons that change state."""

    to: int
    undone: tuple[str, ...] = ()
    requeue: tuple[str, ...] = ()
    rolled_back: tuple[str, ...] = ()


def chain(revisions: Sequence[Revision], head: int) -> tuple[int, ...]:
    """The head and its ancestors, newest first, without the base (revision 0)."""
    parents = {revision.number: revision.parent or 0 for revision in revisions}
    found: list[int] = []
    while head in parents:
        found.append(head)
        head = parents[head]
    return tuple(found)


def plan_undo(lesson: Lesson, *, revisions: Sequence[Revision], head: int, lessons: Sequence[Lesson]) -> Rewind:
    """Take one lesson back, and learn again what came after it, or left the weights or the prompt for it.

    Raises:
        UsageError: the lesson is neither waiting, nor kept in the prompt, nor part of what serves now.
    """
    if lesson.status in ("pending", "memory"):
        displaced = [each.id for each in lessons if each.superseded_by == lesson.id and each.status == "undone"]
        return Rewind(to=head, undone=(lesson.id,), requeue=tuple(displaced))
    if lesson.status != "learned" or lesson.revision not in chain(revisions, head):
        raise UsageError(
            f"Lesson {lesson.id} cannot be undone: it is {lesson.status.replace('_', ' ')}.",
            kept="Nothing was changed.",
        )
    parents = {revision.number: revision.parent or 0 for revision in revisions}
    to = parents[lesson.revision]
    later = _learned_after(to, revisions, head, lessons)
    return Rewind(to=to, undone=(lesson.id,), requeue=tuple(id for id in later if id != lesson.id))


def plan_rollback(to: int, *, revisions: Sequence[Revision], head: int, lessons: Sequence[Lesson]) -> Rewind:
    """Serve an earlier revision again and forget what was learned after it.

    Raises:
        UsageError: `to` is neither the base nor an ancestor of what serves now.
    """
    _require_ancestor(to, revisions, head)
    return Rewind(to=to, rolled_back=_learned_after(to, revisions, head, lessons))


def plan_fallback(to: int, *, revisions: Sequence[Revision], head: int, lessons: Sequence[Lesson]) -> Rewind:
    """Serve the newest revision that is still sound and learn again what came after it.

    Raises:
        UsageError: as for `plan_rollback`.
    """
    _require_ancestor(to, revisions, head)
    return Rewind(to=to, requeue=_learned_after(to, revisions, head, lessons))


def _require_ancestor(to: int, revisions: Sequence[Revision], head: int) -> None:
    if to != 0 and to not in chain(revisions, head):
        raise UsageError(
            f"Revision {to} is not part of what serves now (revision {head}).",
            kept="Nothing was changed.",
            do=f"Choose one of {', '.join(map(str, (*chain(revisions, head), 0)))}.",
        )


def _learned_after(to: int, revisions: Sequence[Revision], head: int, lessons: Sequence[Lesson]) -> tuple[str, ...]:
    later = set(chain(revisions, head)) - set(chain(revisions, to))
    return tuple(lesson.id for lesson in lessons if lesson.status == "learned" and lesson.revision in later)
