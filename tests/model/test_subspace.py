"""A fresh adapter that does not read what all text shares."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import tiny_base, tiny_views
from torch import Tensor

from continual_code.model.subspace import deaf_to, shared_directions
from continual_code.model.views import Views

TEXTS = [list(range(5, 45)), list(range(20, 60)), list(range(60, 20, -1))]
COUNT = 4


@pytest.fixture(scope="module")
def views(tiny_model: Path) -> Views:
    return tiny_views(tiny_base(tiny_model))


@pytest.fixture(scope="module")
def directions(views: Views) -> dict[str, Tensor]:
    return shared_directions(views.learning, TEXTS, COUNT, lambda: None)


def read_by(views: Views, texts: list[list[int]]) -> dict[str, Tensor]:
    """What each A multiplies, [T, D]."""
    heard: dict[str, list[Tensor]] = {}
    with torch.no_grad(), views.learning.listening(lambda name, x: heard.setdefault(name, []).append(x.float())):
        for text in texts:
            views.learning.hidden(torch.tensor(text))
    return {name: torch.cat(parts) for name, parts in heard.items()}


def test_every_layer_has_orthonormal_directions(views: Views, directions: dict[str, Tensor]) -> None:
    assert directions.keys() == {name for name in views.initial if ".lora_A." in name}
    for name, rows_K_D in directions.items():
        assert rows_K_D.shape == (COUNT, views.initial[name].shape[1])
        assert torch.allclose(rows_K_D @ rows_K_D.T, torch.eye(COUNT), atol=1e-4)


def test_the_directions_hold_nearly_as_much_of_the_texts_as_the_best_ones(
    views: Views, directions: dict[str, Tensor]
) -> None:
    for name, x_T_D in read_by(views, TEXTS).items():
        best = torch.linalg.svdvals(x_T_D)[:COUNT].square().sum()
        assert (x_T_D @ directions[name].T).square().sum() >= 0.6 * best  # with random weights they stand out little


def test_a_deaf_adapter_reads_nothing_of_them_and_learns_from_the_rest(
    views: Views, directions: dict[str, Tensor]
) -> None:
    deaf = deaf_to(directions, views.initial)
    for name, tensor in views.initial.items():
        if ".lora_B." in name:
            assert torch.equal(deaf[name], tensor)
        else:
            shared_K_R = directions[name] @ deaf[name].float().T
            assert shared_K_R.abs().max() < 1e-4
            assert deaf[name].norm() > 0.5 * tensor.norm()


def test_the_directions_are_the_same_every_time(views: Views, directions: dict[str, Tensor]) -> None:
    again = shared_directions(views.learning, TEXTS, COUNT, lambda: None)
    assert all(torch.equal(again[name], rows) for name, rows in directions.items())


def test_the_person_goes_first_before_every_text(views: Views) -> None:
    pauses: list[None] = []
    shared_directions(views.learning, TEXTS, COUNT, lambda: pauses.append(None))
    assert len(pauses) >= len(TEXTS)
