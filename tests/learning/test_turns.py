"""Who goes first: the person, then what they said, then what the program does by itself."""

from __future__ import annotations

import time

import pytest

from continual_code.errors import Interrupted
from continual_code.learning.turns import Turns


def test_it_is_idle_since_the_person_last_wanted_something() -> None:
    turns = Turns()
    time.sleep(0.02)
    assert turns.idle_for >= 0.02
    with turns.serving():
        time.sleep(0.02)
        assert turns.idle_for == 0
    assert turns.idle_for < 0.02
    time.sleep(0.02)
    turns.want()
    assert turns.idle_for < 0.02


def test_a_piece_of_work_gives_way_to_what_came_up_and_the_next_one_does_not_know_of_it() -> None:
    turns, came_up = Turns(), [False]
    turns.begin(lambda: came_up[0])
    turns.pause()
    came_up[0] = True
    with pytest.raises(Interrupted):
        turns.pause()
    turns.begin()
    turns.pause()
