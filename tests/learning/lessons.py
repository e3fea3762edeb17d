"""What the learning tests share: a rejected answer of the tiny model and a learner for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from tiny import spread, tiny_base, tiny_views
from torch import Tensor

from continual_code.events import Message, Rollout
from continual_code.learning.common_text import CommonText
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Evidence
from continual_code.model.base import Base
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import Views
from continual_code.settings import LearningSettings

TALK = (Message("user", "def total(values):\n    return values\n\nMake it return the sum."),)
ANSWER = "def total(values):\n    result = 0\n    return result\n"
COMMENT = Evidence("Use sum() instead of a loop.")
QUICK: dict[str, Any] = {
    "demonstration": False,
    "reask": False,
    "learning_rate": 5e-3,
    "max_updates": 4,
    "decay": 0.0,
    "work_floor": -1e9,
    "drift_budget": 1e9,
    "memory": False,  # what a model with random weights thinks of a remark means nothing
}


class Bench:
    """A loaded tiny model with a rejected answer; the adapter is one that does something."""

    def __init__(self, directory: Path) -> None:
        self.base: Base = tiny_base(directory)
        self.views: Views = tiny_views(self.base)
        self.view = self.views.learning
        self.adapter = spread(self.views.initial, 0.02)
        self.rollout = self._rollout(tuple(self.base.chat.encode(ANSWER)))

    def learner(self, *, pause: Callable[[], None] = lambda: None, **settings: Any) -> Learner:
        """A learner that remembers nothing, with quick settings where none are given."""
        chosen = LearningSettings(**{**QUICK, **settings})
        common = CommonText(self.view, self.base.chat, 2)
        return Learner(
            self.view, self.base.chat, PrefixStore(), chosen, common=common, pause=pause, stage=lambda stage: None,
            credit=lambda tokens, gaps: None,
        )  # fmt: skip

    @torch.no_grad()
    def logprobs(self) -> Tensor:
        """Of the rollout's positions under the learning view as it is, in one plain pass, [T, V]."""
        ids = [*self.rollout.prompt_ids, *self.rollout.token_ids[:-1]]
        hidden_T_D = self.view.hidden(torch.tensor(ids))[-len(self.rollout.token_ids) :]
        return self.view.logits(hidden_T_D).log_softmax(dim=-1)

    def _rollout(self, token_ids: tuple[int, ...]) -> Rollout:
        prompt_ids = tuple(self.base.chat.render(TALK))
        return Rollout(TALK, prompt_ids, token_ids, (-1.0,) * len(token_ids), 0.0, 1.0, 0, 0, "stop")


def same(left: dict[str, Tensor] | None, right: dict[str, Tensor] | None) -> bool:
    """Whether two adapters are equal bit for bit (NaN and infinity included)."""
    assert left is not None
    assert right is not None
    return left.keys() == right.keys() and all(
        torch.equal(left[name].view(torch.int32), right[name].view(torch.int32)) for name in left
    )
