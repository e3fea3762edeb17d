"""While something swaps files and directories for links, no read and no write leaves the root."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from workspace_trees import SECRET, plant, snapshot

from continual_code.errors import WorkspaceError
from continual_code.workspace import Edits, Root

ROUNDS = 400  # of reading and of editing, for each way of opening: 1,600 and 1,600 in all
PATIENCE = 30.0  # seconds in which the naive control must have escaped once
SWAPPED = {"a file": ("d/f.txt", "d/f.txt", "f.txt"), "a directory": ("d/f.txt", "d", ".")}


class Swapper(threading.Thread):
    """Keeps putting a link to `target` in the place of `real` and taking it away again; counts how often."""

    def __init__(self, real: Path, target: Path) -> None:
        super().__init__()
        self.real, self.target = real, target
        self.held, self.link = real.with_name("held"), real.with_name("link")
        self.stop, self.swaps = threading.Event(), 0

    def run(self) -> None:
        while not self.stop.is_set():
            with suppress(OSError):  # the editor puts its own file or directory in the gap, which is its right
                self.restore()
                self.swap()

    def swap(self) -> None:
        while not self.stop.is_set():
            os.rename(self.real, self.held)
            os.rename(self.link, self.real)
            os.rename(self.real, self.link)
            os.rename(self.held, self.real)
            self.swaps += 1

    def restore(self) -> None:
        if self.held.exists():
            clear(self.real)
            os.rename(self.held, self.real)
        if not self.link.is_symlink():  # what the editor put in the link's place may have been moved here
            clear(self.link)
            self.link.symlink_to(self.target)


def clear(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        shutil.rmtree(path)


@contextmanager
def swapping(real: Path, target: Path) -> Iterator[Swapper]:
    swapper = Swapper(real, target)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    swapper.start()
    try:
        yield swapper
    finally:
        stopped_early = not swapper.is_alive()
        swapper.stop.set()
        swapper.join()
        sys.setswitchinterval(interval)
    assert not stopped_early, "the swapper died, so nothing was raced"


@pytest.fixture(autouse=True)
def quick_syncs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A race is about names; waiting for the disk would only make it rarer."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(params=SWAPPED)
def race(request: pytest.FixtureRequest, tree: Path, outside: Path) -> tuple[str, Path, Path]:
    """The path that is asked for, what gets swapped, and what the link points at."""
    path, swapped, target = SWAPPED[request.param]
    plant(tree / path, "inside 0\n")
    plant(outside / "f.txt", SECRET)
    return path, tree / swapped, outside / target


def raced(done: int, refused: int, swapper: Swapper) -> bool:
    """Whether the two sides met often enough for "nothing escaped" to mean something."""
    return done + refused >= ROUNDS and swapper.swaps >= 20 and done >= 20 and refused >= 20


def test_reading_never_returns_what_lies_outside(
    race: tuple[str, Path, Path], opening: str, root: Root, outside: Path
) -> None:
    path, swapped, target = race
    read = refused = 0
    with swapping(swapped, target) as swapper:
        deadline = time.monotonic() + PATIENCE
        while not raced(read, refused, swapper) and time.monotonic() < deadline:
            try:
                source = root.read(path)
            except WorkspaceError:
                refused += 1
                continue
            assert source is None or source.text == "inside 0\n"
            read += source is not None
    assert raced(read, refused, swapper), f"too little: {read} read, {refused} refused, {swapper.swaps} swaps"


def test_editing_never_writes_outside(
    race: tuple[str, Path, Path], opening: str, root: Root, edits: Edits, outside: Path
) -> None:
    path, swapped, target = race
    before = snapshot(outside)
    rounds = undone = refused = 0
    with swapping(swapped, target) as swapper:
        deadline = time.monotonic() + PATIENCE
        while not raced(undone, refused, swapper) and time.monotonic() < deadline:
            rounds += 1
            after = f"inside {rounds}\n"
            try:
                source = root.read(path)
                record = edits.prepare(path, source.text if source else None, after)
                edits.commit(record, after)
                edits.undo(record)
                undone += 1
            except WorkspaceError:
                refused += 1
    assert snapshot(outside) == before
    assert raced(undone, refused, swapper), f"too little: {undone} undone, {refused} refused, {swapper.swaps} swaps"


def resolve_then_read(tree: Path, path: str, outside: Path) -> bool:
    resolved = (tree / path).resolve()
    return resolved.is_relative_to(tree) and (tree / path).read_text() == SECRET


def resolve_then_write(tree: Path, path: str, outside: Path) -> bool:
    resolved = (tree / path).resolve()
    if resolved.is_relative_to(tree):
        (tree / path).write_text("inside\n")
    return (outside / "f.txt").read_text() != SECRET


@pytest.mark.parametrize("naive", [resolve_then_read, resolve_then_write])
def test_resolving_first_and_opening_then_does_leave_the_root(
    naive: Callable[[Path, str, Path], bool], race: tuple[str, Path, Path], tree: Path, outside: Path
) -> None:
    """Control: the same race against the usual check; were it never lost, the tests above would prove nothing."""
    path, swapped, target = race
    deadline = time.monotonic() + PATIENCE
    escaped = False
    with swapping(swapped, target):
        while not escaped and time.monotonic() < deadline:
            with suppress(OSError, RuntimeError):
                escaped = naive(tree, path, outside)
    assert escaped, f"the naive control did not escape in {PATIENCE:.0f} s: the race is too weak to prove anything"
