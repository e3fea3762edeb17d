"""How often the same words were said again: what the journal can tell about offences that repeat.

Invariant: only the same words count, since nothing here can judge whether other words mean the same; and an
answer counts as given in spite of a lesson only if the lesson was in its weights or its prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from continual_code.events import Lesson, Message
from continual_code.feedback.chronicle import Chronicle
from continual_code.feedback.planning import chain
from continual_code.feedback.rows import number_of, wording
from continual_code.templates import fill


@dataclass(frozen=True, slots=True)
class Repeats:
    """`earlier` and `later` are lessons with the same words; `despite` those of the later whose answer had the lesson.

    `judged` counts the answers that had the lesson, in weights or prompt, and got a verdict.
    """

    earlier: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    despite: tuple[str, ...] = ()
    judged: int = 0


@dataclass(frozen=True, slots=True)
class _Judged:
    number: int
    serving: frozenset[int]
    rules: str


def repeats_of(chronicle: Chronicle) -> dict[str, Repeats]:
    """For every lesson, by its id."""
    lessons, judged = [lesson for lesson, _ in chronicle.lessons], _judged(chronicle)
    return {lesson.id: _repeats(lesson, lessons, judged) for lesson in lessons}


def rules_in(messages: Sequence[Message]) -> str:
    """The comments that stood in the prompt as rules, one after the other; "" when there were none."""
    heading = fill("told", prompt="", comment="")
    return "\n".join(message.content.rpartition(heading)[2] for message in messages if heading in message.content)


def is_among(comment: str, rules: str) -> bool:
    return bool(comment) and f"\n{comment}\n" in f"\n{rules.strip()}\n"


def _judged(chronicle: Chronicle) -> list[_Judged]:
    given = [answer for answer in chronicle.answers.values() if answer.verdict]
    numbers = {answer.proposal.revision for answer in given}
    serving = {number: frozenset(chain(chronicle.revisions, number)) for number in numbers}
    return [
        _Judged(number_of(answer.proposal.id, "p"), serving[answer.proposal.revision], rules_in(answer.messages))
        for answer in given
    ]


def _repeats(lesson: Lesson, lessons: Sequence[Lesson], judged: Sequence[_Judged]) -> Repeats:
    same = [other for other in lessons if wording(other.comment) == wording(lesson.comment) != ""]
    place, own = lessons.index(lesson), number_of(lesson.proposal_id, "p")
    later = [other for other in same if lessons.index(other) > place]
    having = {
        answer.number
        for answer in judged
        if answer.number > own and (lesson.revision in answer.serving or is_among(lesson.comment, answer.rules))
    }
    return Repeats(
        earlier=tuple(other.id for other in same if lessons.index(other) < place),
        later=tuple(other.id for other in later),
        despite=tuple(other.id for other in later if number_of(other.proposal_id, "p") in having),
        judged=len(having),
    )
