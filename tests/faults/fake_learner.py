"""A learner without a model, run in processes that the tests kill.

Each lesson adds exactly 1 to its own place in a tensor, so that the head's weights tell
which lessons were applied, and how often. Run as a script it is a nursery: torch is imported once,
then every line on stdin ("run", or "stop K" in a home of its own) forks a learner and prints its process
id, and its exit status when it has ended.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from continual_code import disk
from continual_code.adapters.store import AdapterStore
from continual_code.errors import StateError
from continual_code.events import Message, Rollout, StepReport, Task, Verdict
from continual_code.feedback.journal import Journal, RevisionRow
from continual_code.feedback.planning import chain

MODEL, BASE, ROOT, WEIGHT = "tiny@0", "digest-of-base", "/project", "layer.lora_A.weight"
LORA = {"r": 4, "lora_alpha": 8, "target_modules": ["layer"]}
ROLLOUT = Rollout((Message("user", "x"),), (1, 2), (3,), (-0.5,), 0.0, 1.0, 0, 0, "stop")
PLACES = 4096


class Learner:
    """Journal and revisions in one directory, brought up the way the program does it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.journal = Journal(home / "journal.db")
        self.store = AdapterStore(home / "revisions")
        self.store.sweep([revision.number for revision in self.journal.revisions(MODEL)])

    def comment(self, text: str) -> str:
        """Record a rejection; its text is noted outside once the journal has promised to keep it."""
        proposal = self.journal.add_proposal(
            model=MODEL, root=ROOT, task=Task("t"), path="a.py", before="a", after="b", rollout=ROLLOUT, seconds=0.0
        )
        lesson = self.journal.record_verdict(Verdict(proposal.id, "reject", text))
        assert lesson is not None
        with (self.home / "acknowledged").open("a") as notes:
            notes.write(f"{text}\n")
        return lesson.id

    def learn_one(self) -> None:
        lesson_id = self.journal.pending(MODEL, 1)[0].lesson.id
        try:
            self.journal.begin_attempt(lesson_id)
        except StateError as error:
            if "set aside" in str(error):  # killed three times at this one, as chance will have it
                return
            raise
        head = self.journal.head(MODEL)
        weight = self.weight()
        weight[int(lesson_id[1:])] += 1
        number = self.journal.next_revision_number(MODEL)
        stored = self.store.write(
            number=number, parent=head, lesson_ids=(lesson_id,), base_digest=BASE, lora=LORA,
            tensors={WEIGHT: weight}, created="2030-01-01T00:00:00+00:00",
        )  # fmt: skip
        row = RevisionRow(number, head, stored.path, stored.sha256, (lesson_id,))
        report = StepReport(lesson_id, "learned", "", number, 0.1, 0.2, 0.1, 1, 0.1)
        self.journal.publish(model=MODEL, revision=row, lesson_id=lesson_id, report=report)

    def weight(self) -> torch.Tensor:
        head = self.journal.head(MODEL)
        return self.store.load(head, base_digest=BASE)[1][WEIGHT] if head else torch.zeros(PLACES)

    def close(self) -> None:
        self.journal.close()


def check(home: Path) -> dict[str, int]:
    """What must hold after any crash: nothing lost, nothing applied twice, every revision sound."""
    learner = Learner(home)
    lessons, weight = learner.journal.lessons(MODEL), learner.weight()
    notes = home / "acknowledged"
    promised = notes.read_text().splitlines() if notes.exists() else []
    missing = set(promised) - {lesson.comment for lesson in lessons}
    assert not missing, f"lost: {missing}"
    assert {lesson.status for lesson in lessons} <= {"pending", "learned", "failed"}
    applied = {f"l{place}": int(weight[place]) for place in weight.nonzero().flatten().tolist()}
    assert applied == {lesson.id: 1 for lesson in lessons if lesson.status == "learned"}
    revisions = learner.journal.revisions(MODEL)
    faults = [learner.store.verify(revision.number, BASE) for revision in revisions]
    assert not any(faults), faults
    if revisions:  # before the first one, complete directories stay: the journal might be a new one
        assert learner.store.numbers() == [revision.number for revision in revisions]
    assert len(chain(revisions, learner.journal.head(MODEL))) == len(applied)
    learner.close()
    return {"learned": len(applied), "lessons": len(lessons)}


# --- Stopping at a durable operation --------------------------------------------------


@contextmanager
def observed(before: Callable[[str], None], after: Callable[[str], None]) -> Iterator[None]:
    """Call back around every fsync, rename and commit that is made through Python."""
    real_fsync, real_rename, real_connect = os.fsync, os.rename, sqlite3.connect

    def fsync(descriptor: int) -> None:
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        name = f"sync {'dir' if os.path.isdir(name) else 'file'} {Path(name).name}"
        before(name)
        real_fsync(descriptor)
        after(name)

    def rename(source: str, target: str) -> None:
        name = f"rename {Path(target).name}"
        before(name)
        real_rename(source, target)
        after(name)

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *values) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return super().execute(sql, *values)
            before("commit")
            cursor = super().execute(sql)
            after("commit")
            return cursor

    os.fsync, os.rename = fsync, rename  # pyright: ignore[reportAttributeAccessIssue]
    sqlite3.connect = lambda *args, **kwargs: real_connect(*args, factory=Connection, **kwargs)
    assert disk.os.fsync is fsync
    try:
        yield
    finally:
        os.fsync, os.rename, sqlite3.connect = real_fsync, real_rename, real_connect


def one_comment_one_lesson(home: Path) -> None:
    learner = Learner(home)
    learner.comment(f"{os.getpid()}-{len(learner.journal.lessons(MODEL))}")
    while learner.journal.queued(MODEL):
        learner.learn_one()
    learner.close()


# --- The nursery ----------------------------------------------------------------------


class Nursery:
    """The other side of the script: forks learners in a process that has already imported torch."""

    def __init__(self, home: Path) -> None:
        command, root = [sys.executable, __file__, str(home)], Path(__file__).parents[2]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )

    def start(self, order: str) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return int(self._line())

    def wait(self) -> int:
        """How the last learner ended: its exit status, or minus the signal."""
        return int(self._line())

    def close(self) -> None:
        self.process.communicate()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


def _run_for_ever(home: Path) -> None:
    learner = Learner(home)
    for number in range(PLACES):
        learner.comment(f"{os.getpid()}-{number}")
        while learner.journal.queued(MODEL):
            learner.learn_one()


def _stop_at(home: Path, point: int) -> None:
    """Die without any handler at the given point; before the first operation is point 0, after it point 1."""
    passed = 0

    def die_when_due(_: str) -> None:
        nonlocal passed
        if passed == point:
            os._exit(99)
        passed += 1

    with observed(die_when_due, die_when_due):
        one_comment_one_lesson(home)


def _nursery(home: Path) -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        order, _, point = line.strip().partition(" ")
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            _stop_at(home / point, int(point)) if order == "stop" else _run_for_ever(home)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _nursery(Path(sys.argv[1]))
