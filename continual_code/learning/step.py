"""The gradient updates of one lesson, on the learning view.

Invariant: the prompt's keys and values are constants (unless `gradient = "full"`), the
target is fixed before the first update, and a candidate that is not finite never leaves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from continual_code.errors import StateError
from continual_code.events import StepReport
from continual_code.learning.divergence import DIVERGENCES
from continual_code.learning.scoring import HEAD_CHUNK, of_tokens
from continual_code.model.prefix import Prefix
from continual_code.model.views import View
from continual_code.settings import LearningSettings


class NotFinite(StateError):
    """A loss, gradient or weight of the candidate is NaN or infinite; it must be dropped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Mean divergence from the target before and after, nats per token, and how many updates it took."""

    loss_before: float
    loss_after: float
    updates: int


@dataclass(frozen=True)
class Rehearsal:
    """An answer that must hold, such as an earlier lesson's; at least one deciding token, in order (see `Aim`)."""

    prompt_ids: Sequence[int]
    token_ids: Sequence[int]
    deciding: Sequence[int]

    @classmethod
    def of(cls, prompt_ids: Sequence[int], report: StepReport | None) -> list[Rehearsal]:
        """What a finished lesson leaves to rehearse: one, or none where no corrected answer was taught."""
        if report is None or not report.deciding:
            return []
        return [cls(prompt_ids, report.corrected_ids, report.deciding)]


Held = tuple[Rehearsal, Prefix | None]  # with its prompt's prefix (see `Aim`), or None to read the prompt each time


@dataclass(frozen=True)
class Aim:
    """An answer to a prompt, and the distribution that the student should have at each of its T tokens.

    `prefix` holds keys and values of all prompt tokens but the last, under the view's present
    adapter; `target` holds normalised log-probabilities. `deciding` are the positions of
    tokens that the base would not have written by itself.
    """

    prompt_ids: Sequence[int]
    token_ids: Sequence[int]
    prefix: Prefix
    target: Tensor  # [T, V]
    deciding: Sequence[int] = ()

    def held(self) -> Held:
        """The answer as one that must hold from now on; it needs a deciding token."""
        return Rehearsal(self.prompt_ids, self.token_ids, self.deciding), self.prefix


def distil(
    view: View, aims: Sequence[Aim], settings: LearningSettings, pause: Callable[[], None],
    rehearsals: Sequence[Held] = (),
) -> Outcome:  # fmt: skip
    """Move the view's adapter towards the targets; the smallest number of updates that does it.

    A fresh AdamW is used each time, so a revision is a function of its ancestors and its lesson alone.

    Args:
        aims: at least one; the loss is the mean of theirs.
        pause: called between forward and backward passes; may block or raise.
        rehearsals: what must hold; those that fade join the loss until they hold again.

    Raises:
        NotFinite: the candidate was spoilt; the view's tensors must be restored by the caller.
    """
    optimizer = torch.optim.AdamW(view.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    losses: list[float] = []
    while True:
        learning = len(losses) < settings.max_updates
        passes = [_forward(view, aim, settings, pause, share=1 / len(aims), with_gradient=learning) for aim in aims]
        loss = _finite(sum(each.loss for each in passes), "loss")
        losses.append(loss)
        is_sure = any(aim.deciding for aim in aims) and all(each.least >= settings.sure for each in passes)
        is_done = is_sure or loss <= settings.stop_at * losses[0]
        is_later = learning and len(losses) > 1  # before the first update nothing has faded
        faded = [each for each in rehearsals if weakest(view, *each, pause) < settings.held] if is_later else []
        if not learning or (is_done and not faded):
            return Outcome(losses[0], losses[-1], len(losses) - 1)
        optimizer.zero_grad(set_to_none=True)
        for each in passes:
            pause()
            each.hidden.backward(each.gradient)
        for each in faded:
            pause()
            (_surprise(view, *each).mean() * settings.rehearsal_weight).backward()
        _update(view, optimizer, settings.max_grad_norm)


@torch.no_grad()
def weakest(view: View, rehearsal: Rehearsal, prefix: Prefix | None, pause: Callable[[], None]) -> float:
    """The least probability of a deciding token; without a prefix the prompt is read under the adapter as it is."""
    pause()
    return math.exp(-_surprise(view, rehearsal, prefix).max().item())


def _surprise(view: View, rehearsal: Rehearsal, prefix: Prefix | None) -> Tensor:
    """Negative log-probability of each deciding token, nats."""
    token_ids, deciding = rehearsal.token_ids, list(rehearsal.deciding)
    answer_ids = token_ids[: deciding[-1]]  # what comes later decides nothing
    hidden_T_D = _student(view, rehearsal.prompt_ids, answer_ids, prefix)
    logprobs_K_V = view.logits(hidden_T_D[deciding]).log_softmax(dim=-1)
    return -of_tokens(logprobs_K_V, [token_ids[position] for position in deciding])


@dataclass(frozen=True)
class _Pass:
    """One aim's share of the loss and its gradient for the hidden states; `least` probability of a deciding token."""

    hidden: Tensor  # [T, D]
    loss: float
    gradient: Tensor | None  # [T, D]
    least: float


def _forward(
    view: View, aim: Aim, settings: LearningSettings, pause: Callable[[], None], *, share: float, with_gradient: bool
) -> _Pass:
    pause()
    prefix = None if settings.gradient == "full" else aim.prefix
    hidden_T_D = _student(view, aim.prompt_ids, aim.token_ids[:-1], prefix)
    divergence = DIVERGENCES[settings.divergence]
    leaf_T_D = hidden_T_D.detach().requires_grad_(with_gradient)
    total, least = 0.0, 1.0
    for start in range(0, len(leaf_T_D), HEAD_CHUNK):  # one chunk of logits at a time
        pause()
        part = slice(start, start + HEAD_CHUNK)
        with torch.set_grad_enabled(with_gradient):
            student_C_V = view.logits(leaf_T_D[part]).log_softmax(dim=-1)
            loss = divergence(student_C_V, aim.target[part]).sum() * (share / len(leaf_T_D))
        if with_gradient:
            loss.backward()
        total += loss.item()
        deciding = [position - start for position in aim.deciding if start <= position < start + HEAD_CHUNK]
        for position in deciding:
            least = min(least, student_C_V[position, aim.token_ids[start + position]].exp().item())
    return _Pass(hidden_T_D, total, leaf_T_D.grad, least)


def _student(view: View, prompt_ids: Sequence[int], answer_ids: Sequence[int], prefix: Prefix | None) -> Tensor:
    """Hidden states that predict each token of the answer and the one after it, [T + 1, D]."""
    if prefix is None:
        return view.hidden(torch.tensor([*prompt_ids, *answer_ids]))[len(prompt_ids) - 1 :]
    return view.hidden(torch.tensor([prompt_ids[-1], *answer_ids]), prefix.cache(len(prefix.ids)))


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
