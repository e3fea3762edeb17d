"""Text that belongs to no lesson: for a fresh adapter, and to hold on to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lessons import COMMENT, Bench, same

from continual_code.learning.common_text import CommonText, is_fresh


@pytest.fixture(scope="module")
def bench(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


def common(bench: Bench, count: int = 2) -> CommonText:
    return CommonText(bench.view, bench.base.chat, count)


def test_an_adapter_is_fresh_until_it_has_learned(bench: Bench) -> None:
    assert is_fresh(bench.views.initial)
    assert not is_fresh(bench.adapter)


def test_a_started_adapter_answers_as_the_base_and_reads_otherwise(bench: Bench) -> None:
    started = common(bench).start(bench.views.initial, lambda: None)
    assert is_fresh(started)
    assert not same(started, bench.views.initial)
    assert same(started, common(bench).start(bench.views.initial, lambda: None)), "the same after a restart"
    bench.view.load(started)
    with bench.view.adapter_off():
        base = bench.logprobs()
    assert torch.allclose(bench.logprobs(), base, atol=1e-5)


def test_with_no_directions_an_adapter_starts_as_it_was_made(bench: Bench) -> None:
    assert same(common(bench, 0).start(bench.views.initial, lambda: None), dict(bench.views.initial))


def test_starting_takes_its_time_once(bench: Bench) -> None:
    pauses: list[None] = []
    text = common(bench)
    text.start(bench.views.initial, lambda: pauses.append(None))
    done = len(pauses)
    text.start(bench.views.initial, lambda: pauses.append(None))
    assert done > 10
    assert len(pauses) == done


def test_anchors_are_edits_and_change_from_lesson_to_lesson(bench: Bench) -> None:
    text, decode = common(bench), bench.base.chat.decode
    first, second = text.anchors(0, 2), text.anchors(1, 2)
    assert len(first) == len(second) == 2
    assert not any(anchor in first for anchor in second)
    assert all(decode(anchor.token_ids).startswith("```python\n") for anchor in (*first, *second))
    assert text.anchors(3, 0) == []
    assert len(text.anchors(0, 1000)) < 20, "no more than there are"


def test_a_first_lesson_starts_from_an_adapter_that_is_deaf_to_common_text(bench: Bench) -> None:
    candidate = bench.learner().learn("l1", bench.rollout, COMMENT, bench.views.initial, 0)
    started = common(bench).start(bench.views.initial, lambda: None)
    assert candidate.tensors is not None
    a = [name for name in started if ".lora_A." in name]
    assert all(torch.equal(candidate.tensors[name], started[name]) for name in a), "and a lesson moves B alone"
    assert not is_fresh(candidate.tensors)
