"""What of a correction is a lesson: what the comment accounts for, and what of it comes up afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from continual_code.events import Rollout
from continual_code.learning.alignment import changed
from continual_code.learning.scoring import Reading
from continual_code.learning.weighing import PRICE, Correction, Untold, Weighed

REJECTED = [0, 1, 2, 3]
CORRECTED = [0, 5, 6, 1, 2, 4]
OTHER = 7  # what the base would have written where it decides otherwise


def untold(*unlike: int) -> Reading:
    """The base by itself finds every token as likely as any other, and at some positions another one likeliest."""
    likeliest = torch.tensor([OTHER if position in unlike else token for position, token in enumerate(CORRECTED)])
    return Reading(torch.empty(len(CORRECTED), 0), torch.full((len(CORRECTED),), -5.0), likeliest)


def correction(*effects: float, unlike: tuple[int, ...] = (1, 2, 5)) -> Correction:
    """With these effects of the comment on its tokens, in nats."""
    by_itself = untold(*unlike)
    return Correction(CORRECTED, by_itself, "", by_itself.own + torch.tensor(effects))


def test_only_what_the_comment_accounts_for_departs_and_what_leads_to_it() -> None:
    both = correction(0.2, 0.1, 3.0, 0.0, 0.0, 1.5)
    assert both.departures(REJECTED, None) == ([1, 3], [1, 2, 5])
    one = correction(0.2, 0.1, 3.0, 0.0, 0.0, 0.5)
    assert one.departures(REJECTED, None) == ([1], [1, 2])
    assert correction(*[0.5] * 6).departures(REJECTED, None) == ([], [])


def test_what_the_comment_argues_against_departs_though_nothing_there_is_meant() -> None:
    found = correction(0.2, 0.1, 3.0, 0.0, 0.0, 0.5)
    assert found.departures(REJECTED, None, unwanted=[3]) == ([1, 3], [1, 2]), "of the correction the same is taught"


def test_a_persons_own_version_is_taught_wholly() -> None:
    own = Correction(CORRECTED, untold(), "", None)
    assert own.departures(REJECTED, None) == ([1, 3], [1, 2, 5])
    assert own.merit(REJECTED) == 0.0


def test_what_the_base_would_have_written_as_well_decides_nothing() -> None:
    assert correction(*[3.0] * 6, unlike=(2,)).deciding([1, 2, 5]) == (2,)


def test_the_merit_of_a_correction_is_the_effect_of_the_comment_on_it_less_what_it_changes() -> None:
    found = correction(5.0, 3.0, 2.0, 0.0, 0.0, -1.0)
    assert found.merit(CORRECTED) == 0.0
    assert found.merit(REJECTED) == pytest.approx(3.0 + 2.0 - 1.0 - PRICE * changed(REJECTED, CORRECTED))


def test_how_much_of_a_lesson_comes_up_is_counted_by_effect() -> None:
    found = correction(0.0, 1.0, 3.0, 0.0, 0.0, 4.0)
    deciding = found.deciding(found.departures(REJECTED, None)[1])
    assert found.share_in(CORRECTED, REJECTED, deciding) == 1.0
    assert found.share_in([0, 6], REJECTED, deciding) == pytest.approx(3 / 8)
    assert found.share_in(REJECTED, REJECTED, deciding) == 0.0


def weighed(corrected: Correction | None, rejected: list[int]) -> Weighed:
    rollout = Rollout((), (), tuple(rejected), (0.0,) * len(rejected), 0.0, 1.0, 0, 0, "stop")
    reading = Reading(torch.empty(len(rejected), 0), torch.zeros(len(rejected)), torch.tensor(rejected))
    departs = corrected.departures(rejected, None) if corrected else ([], [])
    return Weighed(rollout, "Say it so.", Untold(rejected, reading), reading, corrected, departs)


def test_a_correction_adds_if_most_of_what_it_teaches_is_not_in_the_rejected_answer_already() -> None:
    found = correction(0.0, 1.0, 3.0, 0.0, 0.0, 4.0)
    assert weighed(found, REJECTED).adds
    assert not weighed(None, REJECTED).adds
    everything_is_there = [*REJECTED, 5, 6, 4]  # what is taught is only to leave some of it out
    assert not weighed(found, everything_is_there).adds


@pytest.mark.parametrize(
    ("answer", "resembles"), [([0, 6, 1, 2, 4], True), ([0, 6, 1, 2, 3], False), (REJECTED, False), (CORRECTED, True)]
)
def test_an_answer_resembles_a_correction_by_most_of_what_that_changes_whatever_of_it_decides(
    answer: list[int], resembles: bool
) -> None:
    found = weighed(correction(0.0, 9.0, 0.0, 0.0, 0.0, 0.0, unlike=(1,)), REJECTED)
    assert found.taught == {5}
    assert found.resembles(answer) == resembles
    assert not weighed(None, REJECTED).resembles(answer)


def test_what_a_correction_has_less_often_is_dropped_but_of_one_given_anew_only_what_is_left_for_it() -> None:
    rejected = [0, 1, 1, 2, 3]
    found = correction(0.2, 0.1, 0.2, 0.0, 0.0, 1.5)  # its end is meant; that it writes 1 but once is not
    assert weighed(found, rejected).dropped.rarer == {1, 3}
    assert weighed(found, rejected).dropped.lacking == {3}
    assert weighed(found, rejected).left == {3}
    assert weighed(replace(found, edits=False), rejected).dropped.rarer == {3}
    assert weighed(None, rejected).dropped.rarer == weighed(None, rejected).dropped.lacking == frozenset()
