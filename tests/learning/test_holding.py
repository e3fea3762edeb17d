"""What a lesson must leave, and which earlier lesson a new one takes the place of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from lessons import COMMENT, TALK, Bench

from continual_code.learning.contradiction import Contradiction
from continual_code.learning.hindsight import Hindsight
from continual_code.learning.holding import Holding
from continual_code.learning.lessons import Earlier
from continual_code.learning.rehearsal import Rehearsal
from continual_code.learning.scoring import Exchange, Reading, Scorer
from continual_code.learning.weighing import Dropped
from continual_code.model.prefix import PrefixStore
from continual_code.settings import LearningSettings

CANARY = Rehearsal((1,), (2,), (0,))


class Against(Contradiction):
    """Stands in for what a comment says against one lesson: outright, or of most that has faded of it."""

    def __init__(self, faded: str, outright: str) -> None:
        self._faded, self._outright = faded, outright

    def of_most(self, earlier: Earlier) -> bool:
        return earlier.lesson_id == self._faded

    def outright(self, earlier: Earlier) -> bool:
        return earlier.lesson_id == self._outright

    def replaces(self, earlier: Earlier) -> bool:
        return self.outright(earlier)


def earlier(number: int, pinned: bool) -> Earlier:
    return Earlier(f"l{number}", TALK, Rehearsal((number,), (number,), (0,)), pinned=pinned)


def holding(count: int, faded: str = "", outright: str = "", pinned: str = "", **settings: float) -> Holding:
    lessons = [earlier(number, f"l{number}" == pinned) for number in range(count)]
    return Holding(lessons, lessons, [CANARY], LearningSettings(**settings), Against(faded, outright))


@pytest.mark.parametrize(("canary_floor", "rehearsed_below"), [(0.4, 0.8), (0.9, 0.9)])
def test_the_newest_lessons_are_held_and_small_programs_no_less(canary_floor: float, rehearsed_below: float) -> None:
    held = holding(3, rehearse=2, held=0.8, canary_floor=canary_floor).held
    found = [(each.rehearsal.prompt_ids, each.floor) for each in held]
    assert found == [((1,), 0.8), ((2,), 0.8), ((1,), rehearsed_below)]
    assert "earlier lesson" in held[0].harm
    assert "small programs" in held[2].harm


def test_a_contradicted_lesson_that_has_faded_may_go_and_is_named_and_nothing_else_may() -> None:
    found = holding(2, faded="l1")
    first, second, canary = found.held
    assert [found.may_go(each) for each in (first, second, canary)] == [False, True, False]
    assert found.superseded == ["l1"]
    assert found.held == [first, canary]


def test_a_pinned_lesson_is_held_however_old_it_is_and_whatever_is_said_against_it() -> None:
    found = holding(4, rehearse=2, pinned="l0", faded="l0", outright="l0", canary_floor=0.0)
    assert [each.rehearsal.prompt_ids for each in found.held[:-1]] == [(0,), (2,), (3,)]
    assert not found.may_go(found.held[0])
    assert found.superseded == []


def test_a_lesson_that_is_contradicted_outright_is_not_held_from_the_start_however_old_it_is() -> None:
    found = holding(3, outright="l1", rehearse=2)
    assert (found.superseded, [each.rehearsal.prompt_ids for each in found.held[:-1]]) == (["l1"], [(2,)])
    assert holding(3, outright="l0", rehearse=2).superseded == ["l0"]


def test_what_a_line_of_the_prompt_replaces_is_found_however_old_it_is_unless_it_is_pinned() -> None:
    for found in (Holding.replaced, Holding.replaced_lines):
        assert found(holding(3, outright="l0", rehearse=1)) == ["l0"]
        assert found(holding(3, outright="l0", pinned="l0")) == []
        assert found(holding(3, faded="l1")) == []


@pytest.fixture
def bench(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


@pytest.fixture
def taught(bench: Bench) -> tuple[int, ...]:
    """An answer that an earlier lesson taught to the task whose answer is rejected now."""
    return tuple(bench.base.chat.encode("def total(values):\n    return 0\n"))


def arguing(bench: Bench, monkeypatch: pytest.MonkeyPatch, taught: Sequence[int], argues: float) -> None:
    """As if every comment made the taught answer so many nats less likely; random weights would say anything."""
    scored, asked = Scorer.read_each, bench.rollout.prompt_ids

    def argued(scorer: Scorer, exchanges: Sequence[Exchange]) -> list[Reading]:
        told = [token_ids == taught and tuple(prompt_ids) != asked for prompt_ids, token_ids in exchanges]
        untold = [(asked, taught) if is_told else each for each, is_told in zip(exchanges, told, strict=True)]
        readings = zip(scored(scorer, untold), told, strict=True)
        return [replace(each, own=each.own - argues) if is_told else each for each, is_told in readings]

    monkeypatch.setattr(Scorer, "read_each", argued)


@pytest.mark.parametrize(("argues", "supersedes"), [(3.0, ("l0",)), (0.5, ())])
def test_a_lesson_says_what_it_supersedes(
    bench: Bench, taught: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, argues: float, supersedes: tuple[str, ...]
) -> None:
    old = Earlier("l0", TALK, Rehearsal(bench.rollout.prompt_ids, taught, (3, 5)))
    arguing(bench, monkeypatch, taught, argues)
    report = bench.learner(held=1.0).learn("l1", bench.rollout, COMMENT, bench.adapter, 1, [old]).report
    assert report.status == "learned"
    assert report.supersedes == supersedes


@pytest.mark.parametrize(
    ("earlier_comment", "gone", "argues", "outright"),
    [
        ("Always open text files with encoding='utf-8'.", True, 3.0, True),
        ("Always open text files with encoding='utf-8'.", True, 0.5, False),  # not against what it says there
        ("Always open text files with encoding='utf-8'.", False, 3.0, False),  # against other tokens
        ("Write a docstring for every function.", True, 3.0, False),  # about something else
    ],
)
def test_a_comment_contradicts_outright_what_it_says_otherwise_in_like_words(
    bench: Bench, taught: tuple[int, ...], monkeypatch: pytest.MonkeyPatch,
    earlier_comment: str, gone: bool, argues: float, outright: bool,
) -> None:  # fmt: skip
    old = Earlier("l0", TALK, Rehearsal(bench.rollout.prompt_ids, taught, (3, 5)), earlier_comment)
    arguing(bench, monkeypatch, taught, argues)
    hindsight = Hindsight(Scorer(bench.view, PrefixStore(), lambda: None), bench.base.chat)
    says = "Open text files with encoding='latin-1'."
    found = Contradiction(hindsight, says, Dropped(frozenset(taught), frozenset([taught[4]] if gone else [])), str)
    assert found.outright(old) == outright
    silent = Contradiction(hindsight, "", Dropped(frozenset(taught), frozenset([taught[4]])), str)
    assert not silent.outright(old)
    found = Holding([old], [], [], LearningSettings(), silent)
    assert not found.may_go(found.held[0]), "what may take no place lets nothing go"


NAMES, ALIKE = "Use an empty tuple instead of None.", "Return nothing at all here."


@pytest.mark.parametrize(
    ("rejected", "corrected", "says", "replaces"),
    [
        ((3, 5), (5,), NAMES, True),  # half of what it taught is gone, and that is named
        ((3, 5), (5,), ALIKE, True),  # not named, but said in like words
        ((3, 5), (5,), "Keep it short.", False),  # a correction that drops it by the way
        ((3, 5, 4), (3, 5), NAMES, False),  # what is dropped is not what it taught
        ((3, 5), (3, 5), NAMES, False),  # nothing is dropped
        ((3, 5), (5,), "", False),
        ((3, 5, 6, 7), (5, 6, 7), NAMES, False),  # most of it may stay
        ((3,), (), NAMES, True),  # all of it that had shown is gone
        ((3, 3, 5), (3, 5), NAMES, False),  # it stands there still
        ((3, 3, 5), (3, 5), ALIKE, True),  # of the same thing it is said otherwise, and some of it went
        ((3, 5, 5), (3, 5), ALIKE, False),  # what went says nothing
    ],
)
def test_a_comment_replaces_a_lesson_whose_words_its_correction_drops_if_it_speaks_of_them(
    bench: Bench, taught: tuple[int, ...], rejected: tuple[int, ...], corrected: tuple[int, ...], says: str,
    replaces: bool,
) -> None:  # fmt: skip
    old = Earlier("l0", TALK, Rehearsal(bench.rollout.prompt_ids, taught, (3, 5, 6, 7)), "Return None, nothing at all.")
    assert len({taught[place] for place in range(3, 8)}) == 5
    hindsight = Hindsight(Scorer(bench.view, PrefixStore(), lambda: None), bench.base.chat)
    before, after = ([taught[place] for place in places] for places in (rejected, corrected))
    texts = {taught[3]: "=None"}
    lacking, rarer = frozenset(before) - frozenset(after), frozenset(Counter(before) - Counter(after))
    dropped = Dropped(frozenset(before), frozenset(), lacking, rarer)
    found = Contradiction(hindsight, says, dropped, lambda token_ids: texts.get(token_ids[0], ")"))
    assert found.replaces(old) == replaces


def test_an_earlier_lesson_is_read_once_however_often_it_is_asked_about(
    bench: Bench, taught: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Earlier("l0", TALK, Rehearsal(bench.rollout.prompt_ids, taught, (3, 5)), "Say it so.")
    reads: list[str] = []
    against = Hindsight.against
    monkeypatch.setattr(Hindsight, "against", lambda self, *asked: (reads.append(asked[-1]), against(self, *asked))[1])
    hindsight = Hindsight(Scorer(bench.view, PrefixStore(), lambda: None), bench.base.chat)
    found = Contradiction(hindsight, "Say it otherwise.", Dropped(frozenset(taught), frozenset(taught)), str)
    first = found.of_most(old)
    assert (found.of_most(old), found.of_most(replace(old, lesson_id="l1"))) == (first, first)
    assert reads == ["Say it otherwise."] * 2, "one for each lesson"


@pytest.mark.parametrize("stands_in", ["weights", "prompt"])
@pytest.mark.parametrize(("pinned", "replaced"), [(False, ("l0",)), (True, ())])
def test_a_comment_that_becomes_a_line_of_the_prompt_names_what_it_replaces(
    bench: Bench, taught: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, pinned: bool, replaced: tuple[str, ...],
    stands_in: str,
) -> None:  # fmt: skip
    old = Earlier("l0", TALK, Rehearsal(bench.rollout.prompt_ids, taught, (3, 5)), "Say it so.", pinned)
    monkeypatch.setattr(Contradiction, "replaces", lambda self, earlier: earlier is old)
    learner = bench.learner(gap_floor=1e9, memory=True, memory_floor=-1e9)
    before = ([old], []) if stands_in == "weights" else ([], [old])
    candidate = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1, *before)
    assert (candidate.report.status, candidate.report.supersedes) == ("memory", replaced)
    assert candidate.tensors is None
