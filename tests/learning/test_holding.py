"""What a lesson must leave, and which earlier lesson a new one takes the place of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from lessons import COMMENT, TALK, Bench

from continual_code.learning.holding import Holding
from continual_code.learning.lessons import Earlier
from continual_code.learning.scoring import Reading, Scorer
from continual_code.learning.step import Rehearsal
from continual_code.settings import LearningSettings

CANARY = Rehearsal((1,), (2,), (0,))


def earlier(number: int, pinned: bool) -> Earlier:
    return Earlier(f"l{number}", TALK, Rehearsal((number,), (number,), (0,)), pinned)


def holding(count: int, contradicted: str = "", pinned: str = "", **settings: float) -> Holding:
    lessons = [earlier(number, f"l{number}" == pinned) for number in range(count)]
    return Holding(lessons, [CANARY], LearningSettings(**settings), lambda each: each.lesson_id == contradicted)


def test_the_newest_lessons_are_held_and_small_programs_with_a_floor_of_their_own() -> None:
    held = holding(3, rehearse=2, held=0.8, canary_floor=0.4).held
    assert [(each.rehearsal.prompt_ids, each.floor) for each in held] == [((1,), 0.8), ((2,), 0.8), ((1,), 0.4)]
    assert "earlier lesson" in held[0].harm
    assert "small programs" in held[2].harm


def test_a_contradicted_lesson_may_go_and_is_named_and_nothing_else_may() -> None:
    found = holding(2, contradicted="l1")
    first, second, canary = found.held
    assert [found.may_go(each) for each in (first, second, canary)] == [False, True, False]
    assert found.superseded == ["l1"]
    assert found.held == [first, canary]


def test_a_pinned_lesson_is_held_however_old_it_is_and_whatever_is_said_against_it() -> None:
    found = holding(4, rehearse=2, pinned="l0", contradicted="l0", canary_floor=0.0)
    assert [each.rehearsal.prompt_ids for each in found.held[:-1]] == [(0,), (2,), (3,)]
    assert not found.may_go(found.held[0])


@pytest.mark.parametrize(("argues", "supersedes"), [(3.0, ("l0",)), (0.5, ())])
def test_a_lesson_says_what_it_supersedes(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, argues: float, supersedes: tuple[str, ...]
) -> None:
    """As if the comment made the earlier answer so many nats less likely; random weights would say anything."""
    bench = Bench(tiny_model)
    taught = tuple(bench.base.chat.encode("def total(values):\n    return 0\n"))
    old = Earlier("l0", TALK, Rehearsal(bench.rollout.prompt_ids, taught, (3, 5)))
    scored = Scorer.read

    def argued(scorer: Scorer, owner: object, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Reading:
        if token_ids != taught or tuple(prompt_ids) == bench.rollout.prompt_ids:
            return scored(scorer, owner, prompt_ids, token_ids)
        untold = scored(scorer, owner, bench.rollout.prompt_ids, token_ids)
        return replace(untold, own=untold.own - argues)

    monkeypatch.setattr(Scorer, "read", argued)
    report = bench.learner(held=1.0).learn("l1", bench.rollout, COMMENT, bench.adapter, 1, [old]).report
    assert report.status == "learned"
    assert report.supersedes == supersedes
