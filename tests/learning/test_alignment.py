"""Which tokens of two answers are the correction, and which are common to both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from continual_code.learning.alignment import WAY, changed, departures, ways_back

TOKENS = st.lists(st.integers(0, 5), max_size=30)


@pytest.mark.parametrize(
    ("rejected", "corrected", "marked"),
    [
        ([1, 2, 3], [1, 2, 3], ([], [])),
        ([1, 2, 3], [1, 9, 3], ([1], [1])),
        ([1, 2, 3], [1, 2, 8, 9, 3], ([2], [2, 3])),  # the rejected answer should not have said 3 there
        ([1, 2, 8, 9, 3], [1, 2, 3], ([2, 3], [2])),
        ([1, 2], [1, 2, 3], ([], [2])),
        ([], [4, 5], ([], [0, 1])),
        ([1, 7, 2], [1, 7, 8, 9, 7, 2], ([2], [2, 3, 4])),  # not from the first 7: up to the 8 both say the same
        ([1, 7, 8, 9, 7, 2], [1, 7, 2], ([2, 3, 4], [2])),
    ],
)
def test_what_differs_is_marked_on_both_sides(
    rejected: list[int], corrected: list[int], marked: tuple[list[int], list[int]]
) -> None:
    assert departures(rejected, corrected) == marked


@given(TOKENS, TOKENS)
def test_what_is_not_marked_is_common_to_both(rejected: list[int], corrected: list[int]) -> None:
    left, right = departures(rejected, corrected)
    kept = [token for position, token in enumerate(rejected) if position not in left]
    others = iter(corrected)
    assert all(token in others for token in kept), "what is left is a subsequence of the other answer"
    assert set(left) <= set(range(len(rejected)))
    assert set(right) <= set(range(len(corrected)))
    assert bool(left or right) == (rejected != corrected)


def test_of_a_departure_what_is_meant_is_marked_and_what_leads_to_it() -> None:
    rejected, corrected = [1, 2, 3], [1, 6, 7, 8, 2, 9]
    assert departures(rejected, corrected, meant={3}) == ([1], [1, 3])
    assert departures(rejected, corrected, meant={4, 5}) == ([2], [5])
    assert departures(rejected, corrected, meant=set()) == ([], [])


@pytest.mark.parametrize(
    ("corrected", "taught", "back"),
    [
        ([7, 8, 1, 2, 3, 4, 5, 6], {0, 1}, [2, 3, 4, 5]),  # an import, and how the file goes on behind it
        ([7, 8, 9, 6, 9, 1, 2, 3], {0}, [1, 2, 5, 6, 7]),  # the end of what was begun, and not all that came with it
        ([1, 2, 7, 3, 8, 4, 5, 6], {2}, [3]),  # only what both answers say
        ([1, 2, 7, 3, 4, 5, 6], set(), []),
        ([1, 2, 3, 4, 5, 6], {2}, []),  # nothing was put in
        ([1, 2, 4, 5, 6], {2}, [3, 4]),  # where something was left out
    ],
)
def test_a_correction_comes_back_with_the_first_tokens_that_both_say(
    corrected: list[int], taught: set[int], back: list[int]
) -> None:
    assert ways_back([1, 2, 3, 4, 5, 6], corrected, taught) == back


@given(TOKENS, TOKENS)
def test_a_way_back_is_short_in_order_and_nothing_that_is_taught(rejected: list[int], corrected: list[int]) -> None:
    taught = departures(rejected, corrected)[1]
    back = ways_back(rejected, corrected, set(taught))
    assert back == sorted(set(back) - set(taught))
    assert len(back) <= WAY * len(taught)


def test_what_is_unwanted_is_marked_where_nothing_is_meant() -> None:
    rejected, corrected = [1, 2, 3, 4, 5], [9, 1, 2, 6, 4, 7]
    assert departures(rejected, corrected, meant={0}) == ([0], [0])
    assert departures(rejected, corrected, meant={0}, unwanted={2}) == ([0, 2], [0]), (
        "an import, and what follows from it"
    )
    assert departures(rejected, corrected, about={4}, meant=set(), unwanted={2, 4}) == ([4], [])
    assert departures(rejected, corrected, meant={3}, unwanted={1, 3}) == ([2], [3]), "what both say is never marked"


def test_talk_after_the_code_is_no_part_of_a_lesson() -> None:
    end = 0
    rejected, corrected = [1, 2, 7, 8, end], [1, 2, end]
    assert departures(rejected, corrected, meant=set(), unwanted={2, 3}) == ([], [])
    assert departures([1, 7, 8, 2, end], corrected, meant=set(), unwanted={1, 2}) == ([1, 2], [])


@pytest.mark.parametrize(("corrected", "count"), [([1, 2, 3], 0), ([1, 3], 1), ([1, 9, 3], 2), ([9, 1, 2, 3, 9], 2)])
def test_what_is_changed_is_taken_out_or_put_in(corrected: list[int], count: int) -> None:
    assert changed([1, 2, 3], corrected) == count
