"""What a candidate has to pass before it may serve, and how a step is made smaller until it does.

Invariant: what `admit` lets through is in the view when it returns; when nothing passes, the view holds a candidate
that must not serve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from torch import Tensor

from continual_code.events import Rollout
from continual_code.learning.answering import answer
from continual_code.learning.lessons import Reasked
from continual_code.learning.rehearsal import Held, Rehearsal, look, weakest
from continual_code.model.chat import Chat
from continual_code.model.generation import Generation, Generator, LogitsProcessor
from continual_code.model.prefix import PrefixStore
from continual_code.model.reopening import reopened
from continual_code.model.views import View

T = TypeVar("T")
SHARES = (1.0, 0.5, 0.25)  # of the step, tried in this order


class Refused(Exception):
    """Not even the smallest share of the step passes; the message says why, in plain words."""


class Gate:
    """Holds candidates of one lesson against what they must not break.

    Args:
        held: what the step must leave as it is.
        floor: least probability of a deciding token with which an answer still stands.
        is_sound, is_whole: see `Evidence`.
        drift: of what the view holds; see `Drift.of`.
        budget: the most that one lesson may add to it.
    """

    def __init__(
        self, view: View, chat: Chat, *, held: Sequence[Held], floor: float, is_sound: Callable[[str], bool],
        is_whole: Callable[[str], bool], drift: Callable[[], float], budget: float, pause: Callable[[], None],
    ) -> None:  # fmt: skip
        self._view, self._chat, self._held, self._floor = view, chat, held, floor
        self._drift, self._budget = drift, budget
        self._is_sound, self._is_whole, self._pause = is_sound, is_whole, pause

    def admit(
        self, rollout: Rollout, adapter: Mapping[str, Tensor], lesson: Rehearsal | None = None, *, holds: bool = False
    ) -> Reasked:
        """Halve the step from `adapter` to what the view holds until it passes; its answer without the comment.

        Args:
            lesson: what the step was for; of a smaller one it must still be there.
            holds: whether the whole step is known to leave everything as it was.

        Raises:
            Refused: no share of the step passes.
        """
        stepped, objection = self._view.tensors(), ""
        for share in SHARES:
            self._view.load({name: adapter[name].lerp(stepped[name], share) for name in stepped})
            if share < 1 and lesson and self._has_faded(lesson):
                raise Refused(f"{objection.capitalize()}; of a smaller step nothing would be left.")
            if not (holds and share == 1) and (objection := self._harm(adapter)):
                continue
            drift = self._drift()
            if drift > self._budget and drift - self._under(adapter, self._drift) > self._budget:
                objection = "what has nothing to do with the lesson would come out otherwise"
                continue
            reasked = self._ask(rollout, share, [lesson.token_ids] if lesson else [], drift)
            if not (objection := self._objection(rollout, reasked)):
                return reasked
        raise Refused(f"Even at a quarter of the step {objection}.")

    def _harm(self, adapter: Mapping[str, Tensor]) -> str:
        """What the candidate would break that stood under `adapter`, in plain words; "" if nothing."""
        for each, least in look(self._view, self._held, self._pause):
            if least < self._floor and not self._under(adapter, partial(self._has_faded, each.rehearsal)):
                return each.harm
        return ""

    def _under(self, adapter: Mapping[str, Tensor], look: Callable[[], T]) -> T:
        """What `look` finds with another adapter in the view."""
        candidate = self._view.tensors()
        self._view.load(adapter)
        found = look()
        self._view.load(candidate)
        return found

    def _has_faded(self, rehearsal: Rehearsal) -> bool:
        return weakest(self._view, [rehearsal], self._pause)[0] < self._floor

    def _ask(self, rollout: Rollout, share: float, similar: Sequence[Sequence[int]], drift: float) -> Reasked:
        generator = Generator(self._view, self._chat.stop_ids, PrefixStore())  # the candidate's keys are nobody else's

        def ask(begun: Sequence[int] = (), processor: LogitsProcessor | None = None) -> Generation:
            return answer(
                generator, [*rollout.prompt_ids, *begun], rollout, owner=share, pause=self._pause, similar=similar,
                processor=processor, is_enough=lambda token_ids: self._is_whole(self._text([*begun, *token_ids])),
            )  # fmt: skip

        asked = ask()
        again = reopened(self._chat, asked, ask) if self._lacks(rollout, asked) else None
        is_better = again is not None and again.finish == "stop" and not self._lacks(rollout, again)
        return Reasked(rollout.prompt_ids, again if again and is_better else asked, drift)

    def _objection(self, rollout: Rollout, reasked: Reasked) -> str:
        if reasked.generation.finish != "stop":
            return "the answer runs on without an end"
        is_broken = self._lacks(rollout, reasked.generation)
        return "the answer is broken, or lacks what the task asked for" if is_broken else ""

    def _lacks(self, rollout: Rollout, asked: Generation) -> bool:
        """Whether an answer that has come to its end is not sound, as the rejected one was."""
        is_over = asked.finish == "stop" and self._is_sound(self._text(rollout.token_ids))
        return is_over and not self._is_sound(self._text(asked.token_ids))

    def _text(self, token_ids: Sequence[int]) -> str:
        return self._chat.decode(token_ids)
