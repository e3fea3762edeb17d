"""A candidate that breaks something is made smaller, and refused if that does not help."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lessons import COMMENT, Bench, same

from continual_code.events import FinishReason
from continual_code.learning import canaries
from continual_code.model.generation import Generation, Generator


def answers(monkeypatch: pytest.MonkeyPatch, *finishes: FinishReason) -> list[int]:
    """Let the re-asks end like this, in order; returns a list that grows with each re-ask's limit."""
    script, limits = list(finishes), []

    def generate(self: Generator, prompt_ids: object, sampling: object, **rest: object) -> Generation:
        limits.append(sampling.max_tokens)  # type: ignore[attr-defined]
        return Generation((1,), (0.0,), script.pop(0), 1)

    monkeypatch.setattr(Generator, "generate", generate)
    return limits


def test_a_candidate_that_ends_is_kept_whole(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    whole = bench.learner().learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    limits = answers(monkeypatch, "stop")
    asked = bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert same(asked.tensors, whole.tensors)
    assert limits == [2 * len(bench.rollout.token_ids) + 128]


def test_a_candidate_that_runs_on_is_halved_until_it_ends(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    whole = bench.learner().learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    answers(monkeypatch, "length", "stop")
    half = bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1).tensors
    assert whole is not None
    assert half is not None
    for name, start in bench.adapter.items():
        torch.testing.assert_close(half[name] - start, (whole[name] - start) / 2, atol=1e-6, rtol=1e-4)


def test_a_candidate_that_never_ends_is_refused_and_leaves_the_adapter(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "length", "length", "length")
    refused = bench.learner(reask=True).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (refused.report.status, refused.tensors) == ("refused", None)
    assert "without an end" in refused.report.reason
    assert same(bench.view.tensors(), bench.adapter)


def test_a_candidate_that_spoils_small_programs_is_refused_before_it_is_asked(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tiny_model)
    monkeypatch.setattr(canaries, "SURE", 0.0)  # a model with random weights is sure of nothing
    answers(monkeypatch)
    learner = bench.learner(reask=True, canary_floor=1.0)
    refused = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (refused.report.status, refused.tensors) == ("refused", None)
    assert "small programs" in refused.report.reason
    assert refused.report.updates > 0
    assert same(bench.view.tensors(), bench.adapter)


def test_what_the_weights_may_not_have_stays_in_the_prompt(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "length", "length", "length")
    learner = bench.learner(reask=True, memory=True, memory_floor=1e9)
    kept = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (kept.report.status, kept.tensors) == ("memory", None)


def test_a_candidate_that_breaks_the_code_it_was_taught_on_is_refused(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "stop", "stop", "stop")
    rejected = bench.base.chat.decode(bench.rollout.token_ids)
    evidence = replace(COMMENT, is_sound=lambda answer: answer == rejected)
    refused = bench.learner(reask=True).learn("l1", bench.rollout, evidence, bench.adapter, 1)
    assert refused.report.status == "refused"
    assert "whole code" in refused.report.reason


def test_code_that_was_broken_before_need_not_become_whole(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    answers(monkeypatch, "stop")
    evidence = replace(COMMENT, is_sound=lambda answer: False)
    assert bench.learner(reask=True).learn("l1", bench.rollout, evidence, bench.adapter, 1).report.status == "learned"


def test_a_smaller_step_of_which_nothing_is_left_is_refused(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tiny_model)
    monkeypatch.setattr(canaries, "SURE", 0.0)
    evidence = replace(COMMENT, example="```python\ndef total(values):\n    return sum(values)\n```")
    learner = bench.learner(reask=True, canary_floor=1.0)
    refused = learner.learn("l1", bench.rollout, evidence, bench.adapter, 1)
    assert refused.report.deciding
    assert refused.report.status == "refused"
    assert refused.report.reason.startswith("Small programs")
    assert "nothing would be left" in refused.report.reason
    assert same(bench.view.tensors(), bench.adapter)
