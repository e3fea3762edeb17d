"""The gradient updates of one lesson, on the learning view.

Invariant: the prompt's keys and values are constants (unless `gradient = "full"`), the
target is fixed before the first update, and a candidate that is not finite never leaves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from continual_code.errors import StateError
from continual_code.learning.divergence import DIVERGENCES
from continual_code.learning.rehearsal import Held, Rehearsal, look, packed, surprise
from continual_code.learning.scoring import chunks
from continual_code.model.prefix import Prefix
from continual_code.model.views import View
from continual_code.settings import LearningSettings

KEPT = 3  # of the positions that should stay as they are, one in so many is looked at in a pass
LEFT = 0.5  # a token that is less probable than this has been left


class NotFinite(StateError):
    """A loss, gradient or weight of the candidate is NaN or infinite; it must be dropped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Mean divergence from the target before and after, nats per token, and how many updates it took.

    `holds`: what had to hold was looked at after the last update, and does.
    """

    loss_before: float
    loss_after: float
    updates: int
    holds: bool = False


@dataclass(frozen=True)
class Aim:
    """An answer to a prompt, and the distribution that the student should have at each of its T tokens.

    `prefix` holds keys and values of all prompt tokens but the last, under the view's present
    adapter; `target` gives normalised log-probabilities at positions, [R, V]. Those in `departs` count in every pass:
    there they are others than what the student has now, or must not become others on the way; elsewhere the student
    should stay as it is. `deciding` are those of tokens that the base would not have written by itself, and `leaving`
    those of tokens that the student should no longer write.
    """

    prompt_ids: Sequence[int]
    token_ids: Sequence[int]
    prefix: Prefix
    target: Callable[[Sequence[int]], Tensor]
    departs: Sequence[int]
    deciding: Sequence[int] = ()
    leaving: Sequence[int] = ()

    def rehearsal(self) -> Rehearsal:
        """The answer as one that must hold from now on; it needs a deciding token."""
        return Rehearsal(self.prompt_ids, self.token_ids, self.deciding)

    def weights(self, turn: int) -> dict[int, float]:
        """The positions that count in a pass (0 is the first), in order, and how much; on average each counts 1.

        At all others the student is where it should be before the first update, and later a part
        of them stands for the rest, each time another.
        """
        chosen = dict.fromkeys(self.departs, 1.0)
        for position in range(turn % KEPT, len(self.token_ids), KEPT) if turn else ():
            chosen.setdefault(position, KEPT)
        return dict(sorted(chosen.items()))


def distil(
    view: View, aims: Sequence[Aim], settings: LearningSettings, pause: Callable[[], None],
    held: Sequence[Held] = (), may_go: Callable[[Held], bool] = lambda each: False,
) -> Outcome:  # fmt: skip
    """Move the view's adapter towards the targets; the smallest number of updates that does it.

    A fresh AdamW is used each time, so a revision is a function of its ancestors and its lesson alone.

    Args:
        aims: at least one; the loss is the mean of theirs. Those that depart nowhere only keep the student from
            drifting; whether it has learned does not depend on them.
        pause: called between forward and backward passes; may block or raise.
        held: looked at once the lesson is learned, and halfway to the last update; those that have faded join the
            loss until they hold again.
        may_go: asked about each that has faded; True lets it fade.

    Raises:
        NotFinite: the candidate was spoilt; the view's tensors must be restored by the caller.
    """
    optimizer = torch.optim.AdamW(view.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda turn: (turn + 1) ** -settings.decay)
    teaching, keeping = [aim for aim in aims if aim.departs], [aim for aim in aims if not aim.departs]
    losses: list[float] = []
    held, watched = list(held), []
    while True:
        turn = len(losses)
        learning = turn < settings.max_updates
        forward = partial(_forward, view, settings, pause, turn, share=1 / len(aims), with_gradient=learning)
        passes = forward(teaching)
        loss = _finite(sum(each.loss for each in passes), "loss")
        losses.append(loss)
        is_sure = any(aim.deciding for aim in aims) and all(
            each.least >= settings.sure and each.most < LEFT for each in passes
        )
        is_done = is_sure or loss <= settings.stop_at * losses[0]
        is_later = turn > 0  # before the first update nothing has faded
        looked_at = held if is_done or turn == max(1, settings.max_updates // 2) else watched
        seen = look(view, looked_at, pause) if learning and is_later else []
        faded = [each for each, least in seen if least < each.floor]
        for each in [each for each in faded if each not in watched and may_go(each)]:
            faded.remove(each)
            held.remove(each)
        watched += [each for each in faded if each not in watched]
        if not learning or (is_done and not faded):
            return Outcome(losses[0], losses[-1], turn, holds=learning)
        optimizer.zero_grad(set_to_none=True)
        _backward(passes, pause)
        if is_later and keeping:
            _backward(forward(keeping), pause)
        for together in packed([each.rehearsal for each in faded]):
            pause()
            means = [surprise_K.mean() for surprise_K in surprise(view, together)]
            (torch.stack(means).sum() * settings.rehearsal_weight).backward()
        _update(view, optimizer, settings.max_grad_norm)
        rate.step()


@dataclass(frozen=True)
class _Pass:
    """One aim's share of the loss and its gradient for the hidden states.

    `least` is the least probability of a deciding token, `most` the largest of one that should be left.
    """

    hidden: Tensor  # [R, D]
    loss: float
    gradient: Tensor | None  # [R, D]
    least: float
    most: float


def _backward(passes: Sequence[_Pass], pause: Callable[[], None]) -> None:
    pause()
    torch.autograd.backward([each.hidden for each in passes], [each.gradient for each in passes])


def _forward(
    view: View, settings: LearningSettings, pause: Callable[[], None], turn: int, aims: Sequence[Aim], *, share: float,
    with_gradient: bool,
) -> list[_Pass]:  # fmt: skip
    """Of each aim; the texts of all share a pass where they can, for rows are what a CPU multiplies best many of."""
    pause()
    weights = [aim.weights(turn) for aim in aims]
    answers = [aim.token_ids[: max(each)] for aim, each in zip(aims, weights, strict=True)]
    with torch.set_grad_enabled(with_gradient):
        hidden = _students(view, aims, answers, settings.gradient == "full")
    loss = partial(_loss, view, settings, pause, share=share, with_gradient=with_gradient)
    return [loss(*each) for each in zip(aims, weights, hidden, strict=True)]


def _loss(
    view: View, settings: LearningSettings, pause: Callable[[], None], aim: Aim, weights: Mapping[int, float],
    hidden_T_D: Tensor, *, share: float, with_gradient: bool,
) -> _Pass:  # fmt: skip
    rows, deciding, leaving = list(weights), set(aim.deciding), set(aim.leaving)
    with torch.set_grad_enabled(with_gradient):
        hidden_R_D = hidden_T_D[rows]
    divergence = DIVERGENCES[settings.divergence]
    leaf_R_D = hidden_R_D.detach().requires_grad_(with_gradient)
    total, least, most = 0.0, 1.0, 0.0
    for chunk in chunks(len(rows)):
        pause()
        part = rows[chunk]
        weights_C = torch.tensor([weights[row] for row in part], device=view.device)
        target_C_V = aim.target(part)
        with torch.set_grad_enabled(with_gradient):
            student_C_V = view.logits(leaf_R_D[chunk]).log_softmax(dim=-1)
            divergence_C = divergence(student_C_V, target_C_V)
            loss = (divergence_C * weights_C).sum() * (share / len(aim.token_ids))
        if with_gradient:
            loss.backward()
        total += loss.item()
        for index, row in enumerate(part):
            if row in deciding or row in leaving:
                probability = student_C_V[index, aim.token_ids[row]].exp().item()
                least = min(least, probability) if row in deciding else least
                most = max(most, probability) if row in leaving else most
    return _Pass(hidden_R_D, total, leaf_R_D.grad, least, most)


def _students(view: View, aims: Sequence[Aim], answers: Sequence[Sequence[int]], is_full: bool) -> list[Tensor]:
    """Hidden states that predict each token of every answer and the one after it, [T + 1, D]."""
    read = [0 if is_full else len(aim.prompt_ids) - 1 for aim in aims]
    texts = [[*aim.prompt_ids[start:], *ids] for aim, ids, start in zip(aims, answers, read, strict=True)]
    hidden = view.hidden_of_each(texts, [None if is_full else aim.prefix.cache() for aim in aims])
    return [rows[-len(ids) - 1 :] for rows, ids in zip(hidden, answers, strict=True)]


def _update(view: View, optimizer: torch.optim.Optimizer, max_grad_norm: float) -> None:
    try:
        torch.nn.utils.clip_grad_norm_(view.parameters(), max_grad_norm, error_if_nonfinite=True)
    except RuntimeError as error:
        raise NotFinite("The step's gradient was not finite.", kept="The adapter stays as it was.") from error
    optimizer.step()
    for parameter in view.parameters():
        _finite(parameter.abs().max().item(), "weight")


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise NotFinite(f"The step's {name} was not finite.", kept="The adapter stays as it was.")
    return value
