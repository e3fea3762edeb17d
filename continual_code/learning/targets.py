"""What a lesson aims at: the distribution that the student should have at each token of an answer.

Invariant: a target is fixed by the weights from before the first update. Its rows are made when they are asked for:
each takes 600 kB, so those of a whole answer would take more memory than a small model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from continual_code.learning.divergence import shifted
from continual_code.learning.scoring import Reading, Scorer, chunks, of_tokens
from continual_code.learning.step import Aim
from continual_code.learning.weighing import MEANT, Untold
from continual_code.settings import LearningSettings

FOLLOWED = 0.75  # a token on the way back is to be at least so probable
UNWANTED = 0.1  # a token is to be left when its target is at most so probable


class Targets:
    """Makes the aims of one lesson.

    Args:
        scorer: of the view that learns, with its adapter as it is before the lesson.
    """

    def __init__(self, scorer: Scorer, settings: LearningSettings) -> None:
        self._scorer, self._settings = scorer, settings

    def moved(
        self, prompt_ids: Sequence[int], revision: int, answer: Untold, told: Reading, departs: Sequence[int],
        deciding: Sequence[int] = (), back: Sequence[int] = (),
    ) -> Aim:  # fmt: skip
        """An answer in which the student should go another way at `departs`; `revision` owns the adapter's keys.

        At `back` it should go on as the answer does, and is raised to `FOLLOWED` where it would not. No step waits
        for that: on a rule that one update had taught, a second one for the way back overshot.
        """
        token_ids, prefix = answer.token_ids, self._scorer.prefix(revision, prompt_ids)
        everywhere = range(len(token_ids))
        if self._settings.target == "base_teacher":
            return Aim(prompt_ids, token_ids, prefix, Rows(self._scorer, told.hidden), everywhere, deciding)
        rows = list(departs if self._settings.departures_only else everywhere)
        student_T_D = self._scorer.hidden(revision, prompt_ids, token_ids)
        hidden_of_three = student_T_D, told.hidden, answer.reading.hidden
        moved: dict[int, Tensor] = {}
        for part in chunks(len(rows)):
            own, hidden = [token_ids[row] for row in rows[part]], [each[rows[part]] for each in hidden_of_three]
            moved.update(zip(rows[part], self._moved(own, *hidden), strict=True))
        if back:
            moved.update(zip(back, self._scorer.logprobs(student_T_D[list(back)]), strict=True))
        for row in {*deciding, *back}.intersection(moved):
            _raise(moved[row], token_ids[row], (1 + self._settings.sure) / 2 if row in deciding else FOLLOWED)
        rows = sorted({*rows, *back})
        target = Rows(self._scorer, student_T_D, moved)
        may_leave = [] if deciding else rows
        leaving = [row for row in may_leave if moved[row][token_ids[row]].exp().item() <= UNWANTED]
        return Aim(prompt_ids, token_ids, prefix, target, rows, deciding, leaving)

    def _moved(self, own: Sequence[int], *hidden_R_D: Tensor) -> Tensor:
        """Targets at a few positions, [R, V], whose tokens are `own`; as student, told base and base see them."""
        student_R_V, told_R_V, untold_R_V = (self._scorer.logprobs(each) for each in hidden_R_D)
        against_R = _against(own, student_R_V, told_R_V, untold_R_V)
        origin_R_V = torch.where(against_R[:, None], untold_R_V, student_R_V)
        return shifted(origin_R_V, told_R_V, untold_R_V, beta=self._settings.beta, clip=self._settings.shift_clip)

    def kept(self, prompt_ids: Sequence[int], revision: int, token_ids: Sequence[int]) -> Aim:
        """An answer that has nothing to do with the lesson: the student should go on as it is."""
        student_T_D = self._scorer.hidden(revision, prompt_ids, token_ids)
        prefix = self._scorer.prefix(revision, prompt_ids)
        return Aim(prompt_ids, token_ids, prefix, Rows(self._scorer, student_T_D), departs=())


def _against(own: Sequence[int], student_R_V: Tensor, told_R_V: Tensor, untold_R_V: Tensor) -> Tensor:
    """Where earlier lessons have brought the student further from what the comment says of a token than the base is.

    The comment's effect on the base cannot make up for that: there it is added to the base. Shape [R].
    """
    student_R, told_R, untold_R = (of_tokens(each, own) for each in (student_R_V, told_R_V, untold_R_V))
    effect_R, taught_R = told_R - untold_R, student_R - untold_R
    return (effect_R.abs() >= MEANT) & (taught_R.abs() >= MEANT) & (effect_R.sign() != taught_R.sign())


def _raise(target_V: Tensor, token_id: int, floor: float) -> None:
    """Make a token at least so probable; without it an update could never be the last (`learning.sure`)."""
    now = target_V[token_id].exp().item()
    if now < floor:
        target_V += math.log((1 - floor) / (1 - now))
        target_V[token_id] = math.log(floor)


class Rows:
    """Log-probabilities at positions of an answer, from hidden states; where `moved` has a position, its own, [V]."""

    def __init__(self, scorer: Scorer, hidden_T_D: Tensor, moved: dict[int, Tensor] | None = None) -> None:
        self._scorer, self._hidden, self._moved = scorer, hidden_T_D, moved or {}

    def __call__(self, positions: Sequence[int]) -> Tensor:
        """Shape [R, V], float32."""
        as_is = [position for position in positions if position not in self._moved]
        found = dict(self._moved)
        if as_is:
            found.update(zip(as_is, self._scorer.logprobs(self._hidden[as_is]), strict=True))
        return torch.stack([found[position] for position in positions])
