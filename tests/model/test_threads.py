"""Threads beside a computing one: whoever stops computing leaves the cores to the other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from continual_code.learning.turns import Turns
from continual_code.model.threads import dismiss_helpers

TASKS = Path("/proc/self/task")
pytestmark = pytest.mark.skipif(
    (os.cpu_count() or 1) < 2 or not list(Path(torch.__file__).parent.glob("lib/libgomp*")),
    reason="needs two cores and a torch that brings GNU OpenMP",
)


def compute() -> float:
    return torch.arange(2_000_000, dtype=torch.float64).sqrt().sum().item()


def helpers() -> int:
    return len(list(TASKS.iterdir())) - threading.active_count()


def fewer(before: int) -> bool:
    """Whether there are fewer helpers than before; a thread that was sent away needs a moment to end."""
    deadline = time.monotonic() + 10
    while helpers() >= before and time.monotonic() < deadline:
        time.sleep(0.01)
    return helpers() < before


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def learner() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


def test_dismissed_helpers_are_gone_and_come_back_when_they_are_needed(learner: ThreadPoolExecutor) -> None:
    expected = learner.submit(compute).result()
    having = helpers()
    learner.submit(dismiss_helpers).result()
    assert fewer(having)
    without = helpers()
    assert learner.submit(compute).result() == expected
    assert helpers() > without


def test_a_lesson_that_waits_for_the_person_leaves_its_helpers_alone_no_longer(learner: ThreadPoolExecutor) -> None:
    turns = Turns()
    learner.submit(compute).result()
    having = helpers()
    with turns.serving():
        waiting = learner.submit(turns.pause)
        assert fewer(having)
        assert not waiting.done()
    waiting.result(timeout=10)


def test_an_answer_that_ended_leaves_no_helpers(learner: ThreadPoolExecutor) -> None:
    turns = Turns()

    def answer() -> None:
        with turns.serving():
            compute()

    before = helpers()
    learner.submit(answer).result()
    assert fewer(before + 1)
