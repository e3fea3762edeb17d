"""How a lesson has fared since it was taught, in plain words for the terminal and for the screen."""

from __future__ import annotations

from datetime import datetime

from continual_code.events import Lesson


def standing(lesson: Lesson) -> list[str]:
    """What there is to say beyond its status; untrusted text is not part of it."""
    said = ["pinned"] if lesson.pinned else []
    if lesson.superseded_by:
        said.append(f"superseded by {lesson.superseded_by}")
    if lesson.faded:
        said.append("faded in the weights, so in the prompt again")
    if lesson.retry_held is not None and lesson.status in ("learned", "memory"):
        said.append(f"{'followed' if lesson.retry_held else 'not followed'} when asked again")
    if lesson.checked and lesson.status == "learned":
        said.append(f"{'last checked' if lesson.faded else 'held when last checked'} {when(lesson.checked)}")
    if lesson.said_again:
        said.append(f"said again {lesson.said_again} time{'s' if lesson.said_again > 1 else ''}")
    return said


def when(stamp: str) -> str:
    """An ISO time as month, day, hour and minute of this place; anything else as it came, shortened."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%m-%d %H:%M")
    except ValueError:
        return stamp[:11]
