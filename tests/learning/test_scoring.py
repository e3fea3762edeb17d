"""What the base thinks of answers, and what of it is thought only once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lessons import Bench

from continual_code.learning.scoring import REMEMBERED, Scorer
from continual_code.model.prefix import PrefixStore


@pytest.fixture(scope="module")
def bench(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


def test_an_answer_is_read_once_whatever_is_read_beside_it_and_whatever_is_learned_meanwhile(bench: Bench) -> None:
    reads: list[None] = []
    scorer = Scorer(bench.view, PrefixStore(), lambda: reads.append(None))
    prompt_ids, token_ids = bench.rollout.prompt_ids, bench.rollout.token_ids
    alone = scorer.read(prompt_ids, token_ids)
    bench.view.load(bench.adapter)
    other, again = scorer.read_each([(prompt_ids[:-1], token_ids), (list(prompt_ids), list(token_ids))])
    assert again is alone
    assert not torch.equal(other.own, alone.own)
    pauses = len(reads)
    both = scorer.read_each([(prompt_ids, token_ids), (prompt_ids, token_ids)])
    assert [each is alone for each in both] == [True, True]
    assert len(reads) == pauses


def test_a_reading_says_the_same_alone_and_beside_another(bench: Bench) -> None:
    prompt_ids, token_ids = bench.rollout.prompt_ids, bench.rollout.token_ids
    alone = Scorer(bench.view, PrefixStore(), go_on).read(prompt_ids, token_ids)
    beside, _ = Scorer(bench.view, PrefixStore(), go_on).read_each(
        [(prompt_ids, token_ids), (prompt_ids[2:], token_ids)]
    )
    assert torch.allclose(beside.own, alone.own, atol=1e-5)
    assert torch.equal(beside.likeliest, alone.likeliest)


def test_the_oldest_readings_are_forgotten(bench: Bench) -> None:
    reads: list[None] = []
    scorer = Scorer(bench.view, PrefixStore(), lambda: reads.append(None))
    prompt_ids, token_ids = bench.rollout.prompt_ids, bench.rollout.token_ids
    first = scorer.read(prompt_ids, token_ids)
    for length in range(1, REMEMBERED):
        scorer.read(prompt_ids, token_ids[:length])
    assert scorer.read(prompt_ids, token_ids) is first
    for length in range(1, REMEMBERED + 1):
        scorer.read(prompt_ids[1:], token_ids[:length])
    assert scorer.read(prompt_ids, token_ids) is not first


def go_on() -> None:
    return None
