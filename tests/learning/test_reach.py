"""Where a lesson is taught beyond its own answer, and where it must leave things as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
import torch

from continual_code.events import Message
from continual_code.learning.common_text import Conversation
from continual_code.learning.hindsight import Hindsight
from continual_code.learning.reach import Change, anchored
from continual_code.learning.scoring import Exchange, Reading
from continual_code.learning.weighing import MEANT

ANCHOR = Conversation([Message("user", "Add an area.")], (1, 2), (10, 11, 12, 11))
HINT, OTHER = 50, 60
TOLD_IDS = [7, 7, 7]


class Chat:
    """Renders the told prompt as `TOLD_IDS`, and keeps what it was asked to render."""

    def __init__(self) -> None:
        self.rendered = ""

    def render(self, messages: Sequence[Message]) -> list[int]:
        self.rendered = messages[-1].content
        return TOLD_IDS


class Base:
    """Finds every token of the anchor certain by itself; told, it has these log-probabilities and likes these."""

    def __init__(self, told: list[float], likeliest: list[int]) -> None:
        self._told, self._likeliest, self.reads = told, likeliest, 0

    def read_each(self, exchanges: Sequence[Exchange]) -> list[Reading]:
        self.reads += 1
        return [self._reading(*exchange) for exchange in exchanges]

    def _reading(self, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Reading:
        if prompt_ids == TOLD_IDS:
            return Reading(torch.empty(4, 0), torch.tensor(self._told), torch.tensor(self._likeliest))
        return Reading(torch.empty(4, 0), torch.zeros(4), torch.tensor(token_ids))


class Targets:
    """Gives the positions that are taught in place of an aim."""

    def kept(self, *_: Any) -> list[int]:
        return []

    def moved(self, prompt_ids: Any, revision: int, answer: Any, told: Reading, departs: list[int]) -> list[int]:
        return departs


def reached(change: Change, base: Base, chat: Chat | None = None) -> Any:
    scorer, templates, targets = cast(Any, base), cast(Any, chat or Chat()), cast(Any, Targets())
    return anchored(ANCHOR, change, targets, Hindsight(scorer, templates), 3)


FIRM = [0.0, -MEANT - 1, -MEANT - 1, -MEANT + 0.5]


def test_an_anchor_is_taught_where_the_comment_says_the_same_of_the_same_token() -> None:
    chat = Chat()
    change = Change("Add hints.", {11, 12}, {HINT})
    assert reached(change, Base(FIRM, [10, HINT, HINT, HINT]), chat) == [1, 2], "at 3 the comment says too little"
    assert "Add hints." in chat.rendered
    assert "Add an area." in chat.rendered


@pytest.mark.parametrize(
    ("change", "likeliest"),
    [
        (Change("Add hints.", {11, 12}, {HINT}), [10, OTHER, OTHER, OTHER]),  # it would write what is not taught
        (Change("Add hints.", {10}, {HINT}), [10, HINT, HINT, HINT]),  # nothing of what the lesson leaves
        (Change("Add hints.", {99}, {HINT}), [10, HINT, HINT, HINT]),
        (Change("Add hints.", {11, 12}, set()), [10, HINT, HINT, HINT]),
    ],
)
def test_what_the_lesson_is_not_about_is_kept(change: Change, likeliest: list[int]) -> None:
    assert reached(change, Base(FIRM, likeliest)) == []


def test_nothing_is_read_for_an_anchor_without_a_token_that_the_lesson_leaves_or_without_a_comment() -> None:
    for change in (Change("Add hints.", {99}, {HINT}), Change("", {11, 12}, {HINT})):
        base = Base(FIRM, [10, HINT, HINT, HINT])
        assert reached(change, base) == []
        assert base.reads == 0
