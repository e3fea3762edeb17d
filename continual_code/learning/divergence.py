"""Divergences between next-token distributions over the whole vocabulary.

Every function takes log-probabilities of shape [T, V] (normalised, float32) and returns
nats per position, shape [T]. The gradient flows through `student` only; callers pass a
detached `target`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def reverse_kl(student_T_V: Tensor, target_T_V: Tensor) -> Tensor:
    """KL(student || target): the student gives up what the target would not write."""
    return (student_T_V.exp() * (student_T_V - target_T_V)).sum(dim=-1)


def forward_kl(student_T_V: Tensor, target_T_V: Tensor) -> Tensor:
    """KL(target || student): the student covers everything the target might write."""
    return (target_T_V.exp() * (target_T_V - student_T_V)).sum(dim=-1)


def jsd(student_T_V: Tensor, target_T_V: Tensor) -> Tensor:
    """Jensen-Shannon divergence with equal weights; at most ln 2, so it needs no clip."""
    mixture_T_V = torch.logaddexp(student_T_V, target_T_V) - math.log(2)
    return (forward_kl(mixture_T_V, student_T_V) + forward_kl(mixture_T_V, target_T_V)) / 2


DIVERGENCES = {"reverse_kl": reverse_kl, "forward_kl": forward_kl, "jsd": jsd}


def shifted(student_T_V: Tensor, told_T_V: Tensor, untold_T_V: Tensor, *, beta: float, clip: float) -> Tensor:
    """The student's own distribution, shifted by what the comment changes in the base.

    log p* = log p_student + beta * clip(log p_base(y | x, comment) - log p_base(y | x)),
    renormalised. Where the comment is irrelevant the shift is zero and the target is the
    student itself, so earlier lessons are not pulled back towards the base.

    Args:
        beta: strength of the shift; 1 is the comment's full effect.
        clip: largest shift of a single log-probability, nats.

    Returns:
        Normalised log-probabilities, shape [T, V].
    """
    shift_T_V = (told_T_V - untold_T_V).clamp(-clip, clip)
    return (student_T_V + beta * shift_T_V).log_softmax(dim=-1)
