"""The gradient updates of one lesson, on the learning view.

Invariant: the prompt's keys and values are constants (unless `gradient = "full"`), the
target is fixed before the first update, and a candidate that is not finite never leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from continual_code.errors import StateError
from continual_code.learning.divergence import DIVERGENCES
from continual_code.learning.scoring import HEAD_CHUNK
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


def distil(
    view: View,
    *,
    prompt_ids: Sequence[int],
    token_ids: Sequence[int],
    prefix: Prefix,
    target_T_V: Tensor,
    settings: LearningSettings,
    pause: Callable[[], None],
) -> Outcome:
    """Move the view's adapter towards the target on the rollout; the smallest number of updates that does it.

    A fresh AdamW is used each time, so a revision is a function of its parent and its lesson alone.

    Args:
        prefix: keys and values of all prompt tokens but the last, under the view's present adapter.
        target_T_V: normalised log-probabilities for each of the T rollout tokens.
        pause: called between forward and backward passes; may block or raise.

    Raises:
        NotFinite: the candidate was spoilt; the view's tensors must be restored by the caller.
    """
    optimizer = torch.optim.AdamW(view.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    losses: list[float] = []
    while True:
        pause()
        hidden_T_D = _student(view, prompt_ids, token_ids, prefix, settings.gradient)
        learning = len(losses) < settings.max_updates
        loss, gradient_T_D = _loss(view, hidden_T_D, target_T_V, settings, pause, with_gradient=learning)
        losses.append(_finite(loss, "loss"))
        if gradient_T_D is None or loss <= settings.stop_at * losses[0]:
            return Outcome(losses[0], losses[-1], len(losses) - 1)
        optimizer.zero_grad(set_to_none=True)
        hidden_T_D.backward(gradient_T_D)
        _update(view, optimizer, settings.max_grad_norm)


def _student(view: View, prompt_ids: Sequence[int], token_ids: Sequence[int], prefix: Prefix, gradient: str) -> Tensor:
    if gradient == "full":
        return view.hidden(torch.tensor([*prompt_ids, *token_ids[:-1]]))[-len(token_ids) :]
    return view.hidden(torch.tensor([prompt_ids[-1], *token_ids[:-1]]), prefix.cache(len(prefix.ids)))


def _loss(
    view: View,
    hidden_T_D: Tensor,
    target_T_V: Tensor,
    settings: LearningSettings,
    pause: Callable[[], None],
    *,
    with_gradient: bool,
) -> tuple[float, Tensor | None]:
    """The mean divergence and its gradient for the hidden states, one chunk of logits at a time."""
    divergence = DIVERGENCES[settings.divergence]
    leaf_T_D = hidden_T_D.detach().requires_grad_(with_gradient)
    total = 0.0
    for start in range(0, len(leaf_T_D), HEAD_CHUNK):
        pause()
        part = slice(start, start + HEAD_CHUNK)
        with torch.set_grad_enabled(with_gradient):
            student_C_V = view.logits(leaf_T_D[part]).log_softmax(dim=-1)
            loss = divergence(student_C_V, target_T_V[part]).sum() / len(leaf_T_D)
        if with_gradient:
            loss.backward()
        total += loss.item()
    return total, leaf_T_D.grad


def _update(view: View, optimizer: torch.optim.Optimizer, max_grad_norm: float) -> None:
    try:
        torch.nn.utils.clip_grad_norm_(view.parameters(), max_grad_norm, error_if_nonfinite=True)
    except RuntimeError as error:
        raise NotFinite("The step's gradient was not finite.", kept="The adapter stays as it was.") from error
    optimizer.step()
    for parameter in view.parameters():
        _finite(parameter.abs().max().item(), "weight")


def _finite(value: float, name: str) -> float:
    if value != value or value in (float("inf"), float("-inf")):
        raise NotFinite(f"The step's {name} was not finite.", kept="The adapter stays as it was.")
    return value
