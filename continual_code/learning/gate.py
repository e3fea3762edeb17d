"""What a candidate has to pass before it may serve, and how a step is made smaller until it does.

Invariant: what `admit` lets through is in the view when it returns; when nothing passes, the view holds a candidate
that must not serve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from continual_code.events import Rollout
from continual_code.learning.answering import answer
from continual_code.learning.lessons import Reasked
from continual_code.learning.step import Held, Rehearsal, weakest
from continual_code.model.chat import Chat
from continual_code.model.generation import Generator
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View

SHARES = (1.0, 0.5, 0.25)  # of the step, tried in this order


class Refused(Exception):
    """Not even the smallest share of the step passes; the message says why, in plain words."""


class Gate:
    """Holds candidates of one lesson against what they must not break.

    Args:
        held: what the step must leave as it is.
        floor: least probability of a deciding token with which an answer still stands.
        is_sound: see `Evidence`.
    """

    def __init__(
        self, view: View, chat: Chat, *, held: Sequence[Held], floor: float,
        is_sound: Callable[[str], bool], pause: Callable[[], None],
    ) -> None:  # fmt: skip
        self._view, self._chat, self._held, self._floor = view, chat, held, floor
        self._is_sound, self._pause = is_sound, pause

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
            reasked = self._ask(rollout, share, [lesson.token_ids] if lesson else [])
            if not (objection := self._objection(rollout, reasked)):
                return reasked
        raise Refused(f"Even at a quarter of the step {objection}.")

    def _harm(self, adapter: Mapping[str, Tensor]) -> str:
        """What the candidate would break that stood under `adapter`, in plain words; "" if nothing."""
        candidate = self._view.tensors()
        for each in self._held:
            if not self._has_faded(each.rehearsal):
                continue
            self._view.load(adapter)
            stood = not self._has_faded(each.rehearsal)
            self._view.load(candidate)
            if stood:
                return each.harm
        return ""

    def _has_faded(self, rehearsal: Rehearsal) -> bool:
        return weakest(self._view, rehearsal, self._pause) < self._floor

    def _ask(self, rollout: Rollout, share: float, similar: Sequence[Sequence[int]]) -> Reasked:
        generator = Generator(self._view, self._chat.stop_ids, PrefixStore())  # the candidate's keys are nobody else's
        asked = answer(generator, rollout.prompt_ids, rollout, owner=share, pause=self._pause, similar=similar)
        return Reasked(rollout.prompt_ids, asked)

    def _objection(self, rollout: Rollout, reasked: Reasked) -> str:
        if reasked.generation.finish != "stop":
            return "the answer runs on without an end"
        was_sound = self._is_sound(self._chat.decode(rollout.token_ids))
        if was_sound and not self._is_sound(self._chat.decode(reasked.generation.token_ids)):
            return "the answer is broken, or lacks what the task asked for"
        return ""
