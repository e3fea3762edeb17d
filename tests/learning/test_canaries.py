"""Small programs that every lesson must leave as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lessons import COMMENT, Bench, same

from continual_code.learning import canaries
from continual_code.learning.canaries import Canaries


@pytest.fixture(scope="module")
def bench(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


def go_on() -> None:
    return None


def test_what_the_untaught_model_is_not_sure_of_is_not_held(bench: Bench) -> None:
    assert Canaries(bench.view, bench.base.chat).all(go_on) == []


def test_every_opening_is_read_once_and_by_the_base(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canaries, "SURE", 0.0)
    found, pauses = Canaries(bench.view, bench.base.chat), []
    bench.view.load(bench.adapter)
    every = found.all(lambda: pauses.append(None))
    read = len(pauses)
    assert found.all(lambda: pauses.append(None)) is every
    assert len(pauses) == read
    assert len(every) >= 10
    for each in every:
        assert bench.base.chat.decode(each.token_ids).startswith("```python\n")
        assert list(each.deciding) == list(range(len(each.token_ids)))


def test_where_the_untaught_model_wavers_all_that_it_wavers_between_will_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canaries, "SURE", mass := 0.02)
    monkeypatch.setattr(canaries, "FEW", few := 20)
    for each in Canaries(bench.view, bench.base.chat).all(go_on):
        ids = torch.tensor([*each.prompt_ids, *each.token_ids])
        with bench.view.adapter_off(), torch.no_grad():
            likely_T_V = bench.view.logits(bench.view.hidden(ids)).softmax(dim=-1)[len(each.prompt_ids) - 1 :]
        for place in each.deciding:
            wanted = list(each.wanted(place))
            held = likely_T_V[place][wanted]
            assert len(wanted) <= few
            assert held.sum() >= mass - 1e-4
            assert held[:-1].sum() < mass + 1e-4, "no token too many"
            assert held.min() >= likely_T_V[place].topk(len(wanted)).values.min() - 1e-6


def test_a_small_program_that_fades_pulls_at_the_lesson(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canaries, "SURE", 0.0)
    free = bench.learner(canary_floor=0.0).learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    held = bench.learner(canary_floor=1.0).learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    assert not same(free, held)
