"""Where a lesson is taught beyond its own answer, and where it must leave things as they are."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import torch

from continual_code.events import Message
from continual_code.learning.common_text import Conversation
from continual_code.learning.hindsight import Hindsight
from continual_code.learning.reach import anchored
from continual_code.learning.scoring import Exchange, Reading
from continual_code.learning.weighing import MEANT

ANCHOR = Conversation([Message("user", "Add an area.")], (1, 2), (10, 11, 12, 11))
HINT, OTHER = 50, 60
EXAMPLE = "```python\nlength: int\n```"
TOLD_IDS = [7, 7, 7]


class Chat:
    """Renders the told prompt as `TOLD_IDS`, and keeps what it was asked to render."""

    def __init__(self) -> None:
        self.rendered: list[tuple[str, str]] = []

    def render(self, messages: Sequence[Message]) -> list[int]:
        self.rendered = [(message.role, message.content) for message in messages]
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


def reached(
    base: Base, chat: Chat | None = None, *, taught: Sequence[int] = (HINT,), comment: str = "Add hints.",
    example: str = EXAMPLE,
) -> Any:  # fmt: skip
    rollout = SimpleNamespace(messages=(Message("user", "Add a length."),))
    weighed = SimpleNamespace(rollout=rollout, comment=comment, example=example, taught=frozenset(taught))
    scorer, templates, targets = cast(Any, base), cast(Any, chat or Chat()), cast(Any, Targets())
    return anchored(ANCHOR, cast(Any, weighed), targets, Hindsight(scorer, templates), 3)


FIRM = [0.0, -MEANT - 1, -MEANT - 1, -MEANT + 0.5]


def test_an_anchor_is_taught_where_the_base_that_has_seen_the_lesson_writes_what_it_teaches() -> None:
    chat = Chat()
    assert reached(Base(FIRM, [HINT, HINT, HINT, HINT]), chat) == [1, 2], "at 0 and 3 nothing speaks against the anchor"
    (task, answer, other) = chat.rendered
    assert answer == ("assistant", EXAMPLE)
    assert "Add a length." in task[1]
    assert "Add an area." in other[1]
    assert all("Add hints." in content for role, content in (task, other))


def test_where_it_would_write_what_the_lesson_does_not_teach_the_anchor_is_kept() -> None:
    assert reached(Base(FIRM, [10, OTHER, HINT, OTHER])) == [2]
    assert reached(Base(FIRM, [10, OTHER, OTHER, OTHER])) == []


def test_a_token_that_is_still_the_likeliest_is_kept_though_the_lesson_teaches_it() -> None:
    assert reached(Base(FIRM, [10, 11, HINT, OTHER]), taught=(11, HINT)) == [2]


def test_a_lesson_in_another_language_leaves_anchors_alone() -> None:
    base = Base(FIRM, [10, HINT, HINT, HINT])
    assert reached(base, example="```javascript\nlet length\n```") == []
    assert base.reads == 0


def test_an_edit_of_the_person_says_enough_without_a_comment() -> None:
    chat = Chat()
    assert reached(Base(FIRM, [10, HINT, OTHER, OTHER]), chat, comment="") == [1]
    assert chat.rendered == [("user", "Add a length."), ("assistant", EXAMPLE), ("user", "Add an area.")]


def test_nothing_is_read_for_a_lesson_that_writes_nothing_of_its_own() -> None:
    base = Base(FIRM, [10, HINT, HINT, HINT])
    assert reached(base, taught=()) == []
    assert base.reads == 0
