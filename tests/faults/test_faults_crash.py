"""Killed anywhere, a lesson is pending or learned: never lost, never applied twice (F1, F3, F5)."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import fake_learner
import pytest
from fake_learner import Nursery, check, observed, one_comment_one_lesson

from continual_code.errors import StateError

KILLS, SECONDS = 60, 25.0


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path)
    yield nursery
    nursery.close()


class PowerCut(BaseException):
    """Not an Exception, so that no ordinary handler can swallow it."""


def trace(home: Path) -> list[str]:
    """The durable operations of one comment and one lesson, in order."""
    names: list[str] = []
    with observed(names.append, lambda _: None):
        one_comment_one_lesson(home)
    return names


def test_f1_sixty_kills_at_random_times_lose_nothing_and_apply_nothing_twice(nursery: Nursery, tmp_path: Path):
    times, started, kills = random.Random(1), time.monotonic(), 0
    while kills < KILLS and time.monotonic() - started < SECONDS:
        child = nursery.start("run")
        time.sleep(times.uniform(0.02, 0.2))
        os.kill(child, signal.SIGKILL)
        assert nursery.wait() == -signal.SIGKILL
        kills += 1
        if kills % 10 == 0:
            check(tmp_path)
    result = check(tmp_path)
    assert kills >= 10, "the machine was too slow for this test to mean anything"
    assert result["learned"] >= 10, "the learners hardly ran"


def test_f3_a_process_that_dies_at_any_durable_operation_leaves_a_sound_state(nursery: Nursery, tmp_path: Path):
    point, ended = 0, 99
    while ended == 99:
        nursery.start(f"stop {point}")
        ended = nursery.wait()
        check(tmp_path / str(point))
        one_comment_one_lesson(tmp_path / str(point))
        result = check(tmp_path / str(point))
        assert result["learned"] == result["lessons"] > 0
        point += 1
    assert ended == 0
    assert point == 2 * len(trace(tmp_path / "trace")) + 1


def test_f3_an_interruption_at_any_durable_operation_leaves_a_sound_state(tmp_path: Path):
    points = 2 * len(trace(tmp_path / "trace"))
    for point in range(points):
        home, passed = tmp_path / str(point), []

        def cut_when_due(name: str, point: int = point, passed: list[str] = passed) -> None:
            passed.append(name)
            if len(passed) == point + 1:
                raise PowerCut(name)

        with observed(cut_when_due, cut_when_due), pytest.raises(PowerCut):
            one_comment_one_lesson(home)
        check(home)
        one_comment_one_lesson(home)
        result = check(home)
        assert result["learned"] == result["lessons"] > 0


def test_f3_control_a_learner_that_publishes_before_it_writes_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    never_written = SimpleNamespace(path="000001", sha256="0" * 64)
    with monkeypatch.context() as patch:
        patch.setattr(fake_learner.AdapterStore, "write", lambda store, **values: never_written)
        one_comment_one_lesson(tmp_path)
    with pytest.raises(StateError, match="cannot be used"):
        check(tmp_path)


def test_f5_files_are_synced_before_the_rename_and_the_rename_before_the_commit(tmp_path: Path):
    one_comment_one_lesson(tmp_path)
    names = trace(tmp_path)
    rename = names.index("rename 000002")
    assert names.index("sync file adapter.safetensors") < rename
    assert names.index("sync file manifest.json") < rename
    assert names[rename - 1].startswith("sync dir .writing-")
    assert names[rename + 1 :] == ["sync dir revisions", "commit"]
    assert "commit" in names[:rename], "the verdict must be safe before the step begins"
