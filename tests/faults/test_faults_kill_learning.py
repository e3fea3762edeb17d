"""Killed at any moment between the verdict and the swap, the program loses no lesson and learns none twice (F2)."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from playing import tiny_settings
from real_learner import COMMENTS, Nursery
from safetensors.torch import load

from continual_code.app import open_lineage
from continual_code.feedback.journal import Journal
from continual_code.feedback.planning import chain

HOMES, KILLS_EACH = 25, 2  # the third attempt at a lesson is the last one that the journal allows


@pytest.fixture
def nursery(tiny_model: Path) -> Iterator[Nursery]:
    nursery = Nursery(tiny_model)
    yield nursery
    nursery.close()


def check(home: Path, model: Path) -> bytes | None:
    """What must hold after any kill. Returns the head's weights, as they are on disk, once all is learned."""
    settings = tiny_settings(home, model)
    journal = Journal(settings.state_dir / "journal.db")
    lineage = open_lineage(settings, journal)
    lessons, revisions = lineage.lessons(), journal.revisions(lineage.key)
    line = chain(revisions, lineage.head)
    assert [lesson.comment for lesson in lessons] == list(COMMENTS)
    assert {lesson.status for lesson in lessons} <= {"pending", "learned"}
    learned = {lesson.id: lesson.revision for lesson in lessons if lesson.status == "learned"}
    published = {id: revision.number for revision in revisions for id in revision.lesson_ids}
    assert learned == published
    assert sorted(learned.values(), reverse=True) == list(line)
    assert len(revisions) == len(line)
    assert [lineage.store.verify(number, lineage.base_digest) for number in line] == [None] * len(line)
    journal.close()
    weights = lineage.store.directory / f"{max(line, default=0):06d}" / "adapter.safetensors"
    return weights.read_bytes() if len(learned) == len(COMMENTS) else None


def is_same(weights: bytes | None, expected: bytes) -> bool:
    """Bit for bit; but on some CPUs the last bits of a product depend on how many rows are multiplied along with it,
    and a session that goes on does not read the same rows at once as one that was never stopped.
    """
    if weights is None or rows_are_apart():
        return weights == expected
    found, wanted = load(weights), load(expected)
    return found.keys() == wanted.keys() and all(
        torch.allclose(found[name], wanted[name], rtol=1e-3, atol=1e-5) for name in wanted
    )


def rows_are_apart() -> bool:
    """Whether a row of a float32 product has the same bits whatever is multiplied along with it (not by AMD's CPUs)."""
    rows, weight = torch.rand(40, 64, generator=torch.Generator().manual_seed(0)), torch.ones(64, 16) / 3
    return all(torch.equal((rows @ weight)[:count], rows[:count] @ weight) for count in range(1, 17))


def finish(nursery: Nursery, home: Path) -> float:
    """Learn without being killed; seconds from the loaded model to the end."""
    nursery.start("learn", home)
    assert nursery.line() == "ready", "the session did not start"
    ready = time.monotonic()
    assert nursery.end() == 0
    return time.monotonic() - ready


def test_f2_killed_while_learning_everything_is_learned_exactly_once_and_the_same(
    tmp_path: Path, tiny_model: Path, nursery: Nursery
):
    chance, untouched, reference = random.Random(0), tmp_path / "untouched", tmp_path / "reference"
    nursery.start("prepare", untouched)
    assert nursery.end() == 0
    shutil.copytree(untouched, reference)
    longest = finish(nursery, reference)
    expected = check(reference, tiny_model)
    assert expected is not None
    killed = 0
    for number in range(HOMES):
        home = tmp_path / str(number)
        shutil.copytree(untouched, home)
        for _ in range(KILLS_EACH):
            handle = os.pidfd_open(nursery.start("learn", home))  # never means another process, as an id might
            assert nursery.line() == "ready", "the session did not start"
            time.sleep(chance.uniform(0, longest))
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
            ended = nursery.end()
            assert ended in (0, -signal.SIGKILL)
            killed += ended != 0
            check(home, tiny_model)
        finish(nursery, home)
        assert is_same(check(home, tiny_model), expected)
    assert killed >= HOMES // 2, "most learners had ended before they were killed"
