"""One prompt, two revisions: what the weights answer before a lesson, and after it.

Invariant: nothing of it is kept, and the revision that served before serves afterwards, however it ends. The prompt
holds no rules: they came after some revisions and before others, and what they do is not what the weights know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from continual_code.errors import ContinualCodeError, Interrupted, ProposalError, StateError, UsageError
from continual_code.events import Answer, Compared, Comparing, Edit, Failed, NoEdit, Proposal, Revision, Task
from continual_code.past import Point
from continual_code.serving import Serving

if TYPE_CHECKING:  # they load torch
    from continual_code.agent import Agent, Asked
    from continual_code.learning.lineage import Lineage

NOT_ASKED = "The model was not asked."
Pair = tuple[int, int]


def planned(lineage: Lineage, points: Sequence[Point], task: Task | None, revisions: Pair | None) -> tuple[Task, Pair]:
    """What is to be compared, defaults filled in; for those see `port.Session`.

    Raises:
        UsageError: there is no such task or revision.
    """
    known = lineage.journal.revisions(lineage.key)
    pair = _existing(revisions, known) if revisions else _newest(lineage.head, known)
    return task or _latest(points), pair


def compare(serving: Serving, task: Task, revisions: Pair) -> None:
    """Ask both revisions, on the serving thread."""
    _compare(serving, serving.engine.agent.greedy(), task, revisions, "")


def show_lesson(serving: Serving, lesson_id: str, taken: Proposal, revision: int) -> None:
    """What the task of a proposal that was taken would have got before a lesson and after it, from the file as it was.

    Args:
        revision: what the lesson made.
    """
    agent = serving.engine.agent.greedy().as_it_was(taken.path, taken.before)
    _compare(serving, agent, taken.task, (taken.revision, revision), lesson_id)


def _compare(serving: Serving, agent: Agent, task: Task, revisions: Pair, lesson_id: str) -> None:
    as_before = f"Revision {serving.revision} serves, as before."
    try:
        with serving.turn():
            serving.emit(Comparing(task, revisions, revisions[0], lesson_id))
            compared = _compared(serving, agent, task, revisions, lesson_id)
    except Interrupted:
        serving.emit(NoEdit(task, f"You stopped the comparison. {as_before}"))
    except StateError as error:
        serving.emit(Failed(error.what, as_before))
    except ContinualCodeError as error:
        serving.emit(NoEdit(task, str(error)))
    else:
        serving.emit(compared)


def _compared(serving: Serving, agent: Agent, task: Task, revisions: Pair, lesson_id: str) -> Compared:
    lineage = serving.engine.lineage
    made_by = {revision.number: revision.lesson_ids for revision in lineage.journal.revisions(lineage.key)}
    answers: list[Answer] = []
    with serving.lent() as load:
        # Both are read first: a damaged one is noticed before the person has waited for the other's answer.
        weights = [lineage.load(number) or serving.engine.views.initial for number in revisions]
        asked = agent.prepare(task)
        for number, tensors in zip(revisions, weights, strict=True):
            if answers:
                serving.emit(Comparing(task, revisions, number, lesson_id))
            load(tensors)
            answers.append(_answer(serving, agent, asked, number, made_by.get(number, ())))
    rules = tuple(dict.fromkeys(each.comment for each in lineage.memory()))
    return Compared(task, answers[0], answers[1], rules, asked.context.left_out)


def _answer(serving: Serving, agent: Agent, asked: Asked, number: int, lesson_ids: tuple[str, ...]) -> Answer:
    try:
        draft = serving.sample(agent, asked, number)
    except ProposalError as error:
        return Answer(number, lesson_ids, None, str(error))
    return Answer(number, lesson_ids, Edit(draft.path, draft.before, draft.after))


def _latest(points: Sequence[Point]) -> Task:
    tasks = [point.task for point in points if not point.path]
    if not tasks:
        raise UsageError(
            "Nothing was asked in this session yet.", kept=NOT_ASKED, do="Type the task too: /ab 0 3 add a function"
        )
    return tasks[-1]


def _newest(head: int, known: Sequence[Revision]) -> Pair:
    parents = {revision.number: revision.parent or 0 for revision in known}
    if head not in parents:
        raise UsageError(
            "The base serves: no lesson is in the weights, so there is nothing before it.",
            kept=NOT_ASKED,
            do="Teach it something first, or name two revisions.",
        )
    return parents[head], head


def _existing(revisions: Pair, known: Sequence[Revision]) -> Pair:
    numbers = {0, *(revision.number for revision in known)}
    for number in revisions:
        if number not in numbers:
            do = f"The newest is {max(numbers)}, 0 is the base; F4 names those of your lessons."
            raise UsageError(f"There is no revision {number}.", kept=NOT_ASKED, do=do)
    if revisions[0] == revisions[1]:
        raise UsageError(f"Both are revision {revisions[0]}.", kept=NOT_ASKED, do="Name two revisions that differ.")
    return revisions
