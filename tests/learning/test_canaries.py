"""Small programs that every lesson must leave as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
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


def test_a_small_program_that_fades_pulls_at_the_lesson(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canaries, "SURE", 0.0)
    free = bench.learner(canary_floor=0.0).learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    held = bench.learner(canary_floor=1.0).learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    assert not same(free, held)
