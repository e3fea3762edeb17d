"""Within a changed line the changed words stand out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from person import Person, at_work
from rich.segment import Segment
from scripted import proposal

from continual_code.events import Proposed
from continual_code.ui.widgets.diff_view import STYLES, WORDS, DiffView
from continual_code.ui.words import LONGEST_LINE, MOST_PAIRS, changed_words, facing

code = st.lists(st.sampled_from(["a", "b", "total", "_x", " ", "  ", "(", ",", "é"]), max_size=12).map("".join)


def told(old: str, new: str) -> tuple[list[str], list[str]]:
    removed, added = changed_words(old, new)
    return [old[start:end] for start, end in removed], [new[start:end] for start, end in added]


@pytest.mark.parametrize(
    ("old", "new", "removed", "added"),
    [
        ("def f(name):", "def f(name: str) -> None:", [], [": str", " -> None"]),
        ("total = price + tax", "total = price * tax", ["+"], ["*"]),
        ("for p in prices:", "for price in prices:", ["p"], ["price"]),
        ("send(alpha, beta, to=home)", "send(gamma delta, to=home)", ["alpha, beta"], ["gamma delta"]),
        ("    return x", "        return x", ["    "], ["        "]),
    ],
)
def test_the_words_that_the_other_line_has_not_are_told(
    old: str, new: str, removed: list[str], added: list[str]
) -> None:
    assert told(old, new) == (removed, added)


def test_of_lines_with_little_in_common_no_word_is_told() -> None:
    assert told("import os", "class Greeter(Base):") == ([], [])
    assert told("", "x = 1") == ([], [])


def test_lines_too_long_to_compare_between_two_keys_are_left_alone() -> None:
    long = "x, " * LONGEST_LINE
    assert told(f"{long}1", f"{long}2") == ([], [])


@settings(max_examples=200, deadline=None)
@given(code, code)
def test_without_the_told_words_both_lines_are_the_same(old: str, new: str) -> None:
    removed, added = changed_words(old, new)

    def rest(line: str, spans: list[tuple[int, int]]) -> str:
        kept = [letter for at, letter in enumerate(line) if not any(start <= at < end for start, end in spans)]
        return "".join(kept).replace(" ", "")

    if removed or added:
        assert rest(old, removed) == rest(new, added)


lines = st.lists(st.sampled_from(["", "x = 1", "x = 2", "return x", "return y", "if y:", "}"]), max_size=8)


@settings(max_examples=200, deadline=None)
@given(lines, lines)
def test_every_line_faces_at_most_one_other_and_stays_in_its_order(old: list[str], new: list[str]) -> None:
    pairs = facing(old, new)
    assert [left for left, _ in pairs if left is not None] == list(range(len(old)))
    assert [right for _, right in pairs if right is not None] == list(range(len(new)))
    assert (None, None) not in pairs


def test_a_line_faces_what_became_of_it_and_not_what_stands_at_its_height() -> None:
    old = ["def total(prices):", "    return sum(prices)"]
    new = ["def total(prices: list) -> int:", '    """Add up."""', "    return sum(prices) + 1"]
    assert facing(old, new) == [(0, 0), (None, 1), (1, 2)]


def test_a_hunk_too_long_to_compare_faces_line_by_line() -> None:
    count = MOST_PAIRS // 2
    old = [f"a{number}" for number in range(count)]
    assert facing(old, old[1:]) == [*((at, at) for at in range(count - 1)), (count - 1, None)]


async def card(person: Person) -> DiffView:
    before, after = "def f(name):\n    print('hi ' + name)\n", "def f(name: str):\n    print('hello ' + name)\n"
    person.session.play(Proposed(proposal(before=before, after=after)))
    await person.review_opens()
    person.clock.pass_grace()
    await person.settles()
    return person.app.screen.query_one(DiffView)


def seen(person: Person, stands_out: Callable[[Segment], bool]) -> list[str]:
    """The parts of the screen that stand out, top down."""
    parts: list[str] = []
    for strip in person.app.screen._compositor.render_strips():
        joined = ""
        for segment in [*strip, Segment("")]:
            if segment.style and stands_out(segment):
                joined += segment.text
            elif joined:
                parts.append(joined)
                joined = ""
    return parts


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize(("layout", "order"), [("", ["hi", ": str", "hello"]), ("d", [": str", "hi", "hello"])])
async def test_the_changed_words_stand_out_in_one_column_and_in_two(theme: str, layout: str, order: list[str]) -> None:
    async with at_work(size=(120, 40)) as person:
        person.app.theme = theme
        view = await card(person)
        await person.press(*layout)
        await person.settles()
        grounds = {view.get_visual_style(STYLES[mark], WORDS[mark]).rich_style.bgcolor for mark in "-+"}
        plain = {view.get_visual_style(STYLES[mark]).rich_style.bgcolor for mark in "-+"}
        assert not grounds & plain
        assert seen(person, lambda segment: segment.style.bgcolor in grounds) == order  # type: ignore[union-attr]


async def test_without_colours_the_changed_words_are_underlined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_work() as person:
        await card(person)
        assert seen(person, lambda segment: bool(segment.style.underline)) == ["hi", ": str", "hello"]  # type: ignore[union-attr]


async def test_words_of_a_hunk_that_is_not_wanted_do_not_stand_out() -> None:
    async with at_work() as person:
        view = await card(person)
        ground = view.get_visual_style(STYLES["+"], WORDS["+"]).rich_style.bgcolor
        await person.press("space")
        await person.settles()
        assert seen(person, lambda segment: segment.style.bgcolor == ground) == []  # type: ignore[union-attr]
