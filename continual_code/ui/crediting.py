"""/credit, and `c` on the lessons screen: what a lesson's comment says of each token.

Invariant: the view opens only over the screen from which it was asked for.
"""

from __future__ import annotations

from functools import partial

from continual_code.errors import UsageError
from continual_code.events import Credited, Lesson
from continual_code.port import Session
from continual_code.ui.calls import Calls, OnError
from continual_code.ui.screens.credit import CreditScreen
from continual_code.ui.screens.page import Page
from continual_code.ui.widgets.status_bar import Source

UNKNOWN = "The lessons are shown once the model is loaded."


def show_credit(
    page: Page[None],
    session: Session,
    calls: Calls,
    lesson_id: str = "",
    *,
    failed: OnError | None = None,
) -> None:
    """Open the view of a lesson, the newest if none is named, over `page`; `failed` says why there is none."""

    def show(found: tuple[Lesson, Credited]) -> None:
        if page.is_active:
            page.app.push_screen(CreditScreen(page.source, *found))

    calls.submit(partial(credit_of, page.source, session, lesson_id), then=show, failed=failed)


def credit_of(source: Source, session: Session, lesson_id: str = "") -> tuple[Lesson, Credited]:
    """A lesson, the newest if none is named, and what its comment says.

    Raises:
        UsageError: there is no such lesson, or no step has looked at it yet.
    """
    lessons = session.lessons()
    if not lessons and source.status.loading:
        raise UsageError(UNKNOWN)
    if not lessons:
        raise UsageError("There is no lesson yet.", do="Reject a proposal and say why: that becomes the first one.")
    lesson = next((each for each in lessons if each.id == (lesson_id or lessons[-1].id)), None)
    if lesson is None:
        raise UsageError(f"There is no lesson {lesson_id}.", do="/lessons lists them.")
    credited = session.credit(lesson.id)
    if credited is None:
        raise UsageError(f"No step has looked at lesson {lesson.id} yet.", do="Ask again once it is being learned.")
    return lesson, credited
