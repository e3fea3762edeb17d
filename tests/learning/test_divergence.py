"""The divergences and the target, each against a formula written out naively in double precision."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from continual_code.learning.divergence import DIVERGENCES, forward_kl, jsd, reverse_kl, shifted

T, V = 5, 37


def distribution(seed: int, scale: float = 3.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(T, V, generator=generator) * scale).log_softmax(dim=-1)


def naive_kl(left: list[float], right: list[float]) -> float:
    return sum(p * math.log(p / q) for p, q in zip(left, right, strict=True))


def probabilities(logprobs_T_V: Tensor) -> list[list[float]]:
    return logprobs_T_V.double().softmax(dim=-1).tolist()


def naive_reverse(student: list[float], target: list[float]) -> float:
    return naive_kl(student, target)


def naive_forward(student: list[float], target: list[float]) -> float:
    return naive_kl(target, student)


def naive_jsd(student: list[float], target: list[float]) -> float:
    middle = [(p + q) / 2 for p, q in zip(student, target, strict=True)]
    return (naive_kl(student, middle) + naive_kl(target, middle)) / 2


Divergence = Callable[[Tensor, Tensor], Tensor]
Naive = Callable[[list[float], list[float]], float]


@pytest.mark.parametrize(
    ("divergence", "naive"), [(reverse_kl, naive_reverse), (forward_kl, naive_forward), (jsd, naive_jsd)]
)
def test_a_divergence_equals_its_formula_at_every_position(divergence: Divergence, naive: Naive) -> None:
    student, target = distribution(1), distribution(2)
    expected = [naive(p, q) for p, q in zip(probabilities(student), probabilities(target), strict=True)]
    assert divergence(student, target).tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", DIVERGENCES)
def test_a_divergence_is_zero_between_equals_and_positive_otherwise(name: str) -> None:
    student = distribution(1)
    assert DIVERGENCES[name](student, student.clone()).abs().max() < 1e-6
    assert DIVERGENCES[name](student, distribution(2)).min() > 0.01


@pytest.mark.parametrize("name", DIVERGENCES)
def test_the_gradient_is_that_of_the_formula_in_the_student(name: str) -> None:
    target = distribution(2)[:2, :7].double().log_softmax(dim=-1)
    logits = torch.randn(2, 7, generator=torch.Generator().manual_seed(3), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: DIVERGENCES[name](x.log_softmax(dim=-1), target), (logits,))
    DIVERGENCES[name](logits.log_softmax(dim=-1), target).sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() > 0
    assert target.grad is None


@pytest.mark.parametrize("name", DIVERGENCES)
def test_there_is_nothing_to_learn_where_student_and_target_agree(name: str) -> None:
    logits = distribution(4).requires_grad_()
    student = logits.log_softmax(dim=-1)
    DIVERGENCES[name](student, student.detach()).sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-5


def test_the_two_directions_of_kl_are_not_the_same() -> None:
    student, target = distribution(1), distribution(2)
    assert not torch.allclose(reverse_kl(student, target), forward_kl(student, target), rtol=0.05)
    assert torch.allclose(reverse_kl(student, target), forward_kl(target, student), rtol=1e-5)


def test_jensen_shannon_stays_below_ln_2_even_between_opposites() -> None:
    certain = torch.full((2, V), -80.0)
    certain[0, 0] = certain[1, 1] = 0.0
    student, target = certain[:1].log_softmax(dim=-1), certain[1:].log_softmax(dim=-1)
    assert jsd(student, target).item() == pytest.approx(math.log(2), abs=1e-5)
    for seed in range(20):
        assert jsd(distribution(seed, 30.0), distribution(seed + 100, 30.0)).max() <= math.log(2) + 1e-5


# --- The shifted target -----------------------------------------------------------------


def test_a_comment_that_shifts_nothing_leaves_the_student_as_the_target() -> None:
    student, base = distribution(1), distribution(2)
    assert torch.allclose(shifted(student, base, base.clone(), beta=1.0, clip=20.0), student, atol=1e-5)


def test_no_strength_leaves_the_student_as_the_target() -> None:
    target = shifted(distribution(1), distribution(2), distribution(3), beta=0.0, clip=20.0)
    assert torch.allclose(target, distribution(1), atol=1e-5)


def test_a_student_that_is_the_base_is_shifted_to_the_teacher() -> None:
    base, told = distribution(1), distribution(2)
    assert torch.allclose(shifted(base, told, base, beta=1.0, clip=100.0), told, atol=1e-4)


def test_the_shifted_target_equals_its_formula() -> None:
    student, told, untold = (distribution(seed).double() for seed in (1, 2, 3))
    beta, clip = 0.7, 1.5
    expected = []
    for s_V, t_V, u_V in zip(student.tolist(), told.tolist(), untold.tolist(), strict=True):
        raw = [s + beta * max(-clip, min(clip, t - u)) for s, t, u in zip(s_V, t_V, u_V, strict=True)]
        total = math.log(sum(math.exp(value) for value in raw))
        expected.append([value - total for value in raw])
    assert torch.allclose(
        shifted(student, told, untold, beta=beta, clip=clip), torch.tensor(expected, dtype=torch.float64)
    )


def test_one_log_probability_moves_by_the_clip_at_most() -> None:
    student, told, untold = distribution(1), distribution(2, 30.0), distribution(3, 30.0)
    clip = 2.0
    assert (told - untold).abs().max() > 10 * clip
    move = shifted(student, told, untold, beta=1.0, clip=clip) - student
    spread = move.max(dim=-1).values - move.min(dim=-1).values  # what normalising adds is the same for all tokens
    assert spread.max() <= 2 * clip + 1e-4


@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_shifted_target_is_a_distribution(scale: float) -> None:
    target = shifted(distribution(1, scale), distribution(2, scale), distribution(3, scale), beta=1.0, clip=20.0)
    assert torch.allclose(target.exp().sum(dim=-1), torch.ones(T), atol=1e-5)
