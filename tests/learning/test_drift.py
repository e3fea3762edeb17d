"""How far lessons have moved the model elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from lessons import Bench
from tiny import spread
from torch import Tensor

from continual_code.learning.common_text import CommonText
from continual_code.learning.divergence import forward_kl
from continual_code.learning.drift import Drift
from continual_code.learning.scoring import BASE, Exchange, Scorer
from continual_code.model.prefix import PrefixStore


@pytest.fixture
def bench(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


def measured(bench: Bench, drift: Drift) -> float:
    """Of what the view holds; nothing is left for the next measurement."""
    return drift.of(Scorer(bench.view, PrefixStore(), lambda: None), "student")


def test_it_is_the_divergence_of_the_student_from_the_base_on_each_answer(bench: Bench) -> None:
    bench.view.load(bench.adapter)
    drift = Drift([(bench.rollout.prompt_ids, bench.rollout.token_ids)])
    student = bench.logprobs()
    with bench.view.adapter_off():
        base = bench.logprobs()
    assert measured(bench, drift) == pytest.approx(forward_kl(student, base).mean().item(), rel=1e-4)
    assert measured(bench, drift) > 1e-6


def test_an_adapter_that_does_nothing_has_not_drifted_and_one_that_does_more_has_further(bench: Bench) -> None:
    drift = CommonText(bench.view, bench.base.chat, 2).drift
    found = []
    for adapter in (bench.views.initial, bench.adapter, spread(bench.views.initial, 0.1)):
        bench.view.load(adapter)
        found.append(measured(bench, drift))
    assert found[0] == pytest.approx(0.0, abs=1e-6)
    assert 0 < found[1] < found[2]


def test_the_base_is_read_once_and_may_be_read_ahead(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    owners: list[object] = []
    hidden = Scorer.hidden_of_each

    def counted(scorer: Scorer, owner: object, exchanges: Sequence[Exchange]) -> list[Tensor]:
        owners.extend(owner for _ in exchanges)
        return hidden(scorer, owner, exchanges)

    monkeypatch.setattr(Scorer, "hidden_of_each", counted)
    drift = CommonText(bench.view, bench.base.chat, 2).drift
    drift.read_base(Scorer(bench.view, PrefixStore(), lambda: None))
    ahead = len(owners)
    assert ahead > 1
    for _ in range(2):
        measured(bench, drift)
    assert owners == [BASE] * ahead + ["student"] * 2 * ahead


def test_what_it_is_measured_on_is_no_anchor(bench: Bench) -> None:
    common = CommonText(bench.view, bench.base.chat, 2)
    anchors = {tuple(each.prompt_ids) for each in common.anchors(0, 1000)}
    assert not anchors & {tuple(prompt) for prompt, _ in common.drift._exchanges}
