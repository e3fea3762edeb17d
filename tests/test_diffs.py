"""Hunks: what changed, and the text that is left when some of it is not wanted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from continual_code.diffs import compose, hunks_of, lines_of, unified_diff

texts = st.lists(st.sampled_from(["a", "b", "c", "", "\n", "\r\n", "\r", "\x0c", "\u2028", "\ud800"]), max_size=14)
pairs = st.tuples(texts.map("".join), texts.map("".join))


def left(before: str, after: str, *unwanted: int) -> str:
    return compose(before, hunks_of(before, after), unwanted)


@settings(max_examples=300, deadline=None)
@given(pairs)
def test_all_hunks_wanted_is_the_text_after_and_none_is_the_text_before(pair: tuple[str, str]) -> None:
    before, after = pair
    hunks = hunks_of(before, after)
    assert compose(before, hunks, ()) == after
    assert compose(before, hunks, range(len(hunks))) == before


@settings(max_examples=300, deadline=None)
@given(pairs, st.data())
def test_each_hunk_is_on_one_side_and_what_lies_between_is_untouched(
    pair: tuple[str, str], data: st.DataObject
) -> None:
    before, after = pair
    hunks = hunks_of(before, after)
    unwanted = {hunk.index for hunk in hunks if data.draw(st.booleans())}
    rest = compose(before, hunks, unwanted)
    lines, grown = lines_of(rest), 0
    for hunk in hunks:
        chosen = hunk.old_lines if hunk.index in unwanted else hunk.new_lines
        start = hunk.old_start - 1 + grown
        assert tuple(lines[start : start + len(chosen)]) == chosen
        grown += len(chosen) - len(hunk.old_lines)
    assert len(lines) == len(lines_of(before)) + grown


@settings(max_examples=200, deadline=None)
@given(pairs)
def test_hunks_are_numbered_in_order_and_never_touch(pair: tuple[str, str]) -> None:
    hunks = hunks_of(*pair)
    assert [hunk.index for hunk in hunks] == list(range(len(hunks)))
    for one, following in pairwise(hunks):
        assert one.old_start + len(one.old_lines) < following.old_start
        assert one.new_start + len(one.new_lines) < following.new_start


@pytest.mark.parametrize(
    ("before", "after", "unwanted", "expected"),
    [
        ("a\nb\nc\n", "A\nb\nC\n", 0, "a\nb\nC\n"),
        ("a\nb\nc\n", "A\nb\nC\n", 1, "A\nb\nc\n"),
        ("a\nb\nc\n", "b\nc\nd\n", 0, "a\nb\nc\nd\n"),
        ("a\nb\nc\n", "b\nc\nd\n", 1, "b\nc\n"),
        ("a\nb\nc", "A\nb\nc\n", 0, "a\nb\nc\n"),
        ("a\nb\nc", "A\nb\nc\n", 1, "A\nb\nc"),
        ("a\nb\nc\n", "A\nb\nc", 0, "a\nb\nc"),
        ("a\nb\nc", "A\nb\nc\nd", 1, "A\nb\nc"),
        ("a\r\nb\nc\r\n", "A\r\nb\nC\r\n", 0, "a\r\nb\nC\r\n"),
        ("a\x0cb\nb\nc\n", "A\x0cb\nb\nC\n", 1, "A\x0cb\nb\nc\n"),
    ],
)
def test_what_is_left_without_a_hunk(before: str, after: str, unwanted: int, expected: str) -> None:
    assert left(before, after, unwanted) == expected


def test_a_new_file_and_an_emptied_one_are_one_hunk() -> None:
    assert left("", "a\n\nb", 0) == ""
    assert left("a\n\nb", "", 0) == "a\n\nb"


def test_only_a_newline_ends_a_line_of_the_unified_diff() -> None:
    assert unified_diff("x", "a\x0c\nb\n", "a\x0c\nc\n").splitlines(keepends=False)[-1] == "+c"
    assert "No newline" not in unified_diff("x", "a\x0cb\n", "a\x0cc\n")
