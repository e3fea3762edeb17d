"""A loop is noticed; a repetitive file that is copied, and a long answer, are none."""

from __future__ import annotations

import pytest

from continual_code.model.repetition import LONGEST_PIECE, LOOP_TOKENS, is_loop


@pytest.mark.parametrize("piece", [[7], [7, 8, 9], list(range(LONGEST_PIECE))], ids=["one", "three", "longest"])
def test_one_piece_again_and_again_is_a_loop_wherever_it_is_cut(piece: list[int]):
    looping = [1, 2, 3, *piece * 2 * LOOP_TOKENS]
    assert is_loop(looping, [])
    assert is_loop(looping[:-1], [])


def test_a_loop_is_not_called_one_before_it_is_long():
    assert not is_loop([1, 2, 3, *[7] * (LOOP_TOKENS - 1)], [])
    assert is_loop([1, 2, 3, *[7] * LOOP_TOKENS], [])


def test_an_answer_that_goes_on_is_none():
    assert not is_loop(list(range(10 * LOOP_TOKENS)), [])
    assert not is_loop([*[7] * LOOP_TOKENS, 8], [])


def test_a_table_that_stands_in_the_prompt_may_be_copied():
    table = [4, 5, 6, 7] * LOOP_TOKENS
    assert not is_loop([1, *table], [9, *table, 9])
    assert is_loop([1, *table], [9, 9])
