"""Killed at any step, an edit or its undo leaves the file of before or of after, never a mixture, and can go on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from workspace_trees import plant, snapshot

from continual_code.errors import WorkspaceError
from continual_code.workspace import EditRecord, Edits, Root

STEPS = ("open", "fsync", "rename", "unlink", "mkdir", "rmdir", "fchmod", "close")
BEFORE, AFTER = "old line\r\n" * 3000, "new line\r\n" * 4000
CASES = {"changed file": ("a.py", BEFORE), "new file": ("x/y/new.py", None)}


def killed_at(step: int, action: Callable[[], object], *, late: bool) -> bool:
    """Run `action` in a child that dies at its `step`-th file operation (before or after it); False if it finished."""
    child = os.fork()
    if child == 0:
        die_at(step, late=late)
        with suppress(BaseException):
            action()
            os._exit(0)
        os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), "the action failed by itself"
    return code == 9


def die_at(step: int, *, late: bool) -> None:
    seen = 0

    def counted(operation: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*args: object, **kwargs: object) -> object:
            nonlocal seen
            seen += 1
            mine = seen == step
            if mine and not late:
                os._exit(9)
            try:
                return operation(*args, **kwargs)
            finally:
                if mine:
                    os._exit(9)

        return wrapper

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


@pytest.fixture
def start_again(tree: Path, tmp_path: Path) -> Callable[[], Edits]:
    """The program after a restart: nothing in memory, the same directories."""
    return lambda: Edits(Root(tree), tmp_path / "state/blobs")


@pytest.mark.parametrize("late", [False, True], ids=["before the step", "after the step"])
@pytest.mark.parametrize("case", CASES)
def test_a_commit_killed_at_any_step_can_be_finished_or_forgotten(
    case: str, late: bool, tree: Path, start_again: Callable[[], Edits]
) -> None:
    path, before = CASES[case]
    plant(tree / "a.py", BEFORE, 0o755)
    untouched = snapshot(tree)
    text = before and before.replace("\r\n", "\n")
    record = start_again().prepare(path, text, AFTER)
    step, states = 1, []
    while killed_at(step, lambda: start_again().commit(record, AFTER), late=late):
        states.append(start_again().state(record))
        assert_whole(tree / path, before, AFTER)
        if step % 2 and states[-1] == "before":
            start_again().discard(record)
            assert snapshot(tree) == untouched, f"step {step} left something behind"
            start_again().commit(record, AFTER)
        elif states[-1] == "before":
            start_again().commit(record, AFTER)
        assert start_again().state(record) == "after"
        start_again().undo(record)
        assert snapshot(tree) == untouched, f"step {step} left something behind"
        step += 1
    assert set(states) == {"before", "after"}
    assert len(states) > 10


@pytest.mark.parametrize("late", [False, True], ids=["before the step", "after the step"])
@pytest.mark.parametrize("case", CASES)
def test_an_undo_killed_at_any_step_can_be_finished(
    case: str, late: bool, tree: Path, start_again: Callable[[], Edits]
) -> None:
    path, before = CASES[case]
    plant(tree / "a.py", BEFORE, 0o755)
    untouched = snapshot(tree)
    text = before and before.replace("\r\n", "\n")
    record = start_again().prepare(path, text, AFTER)
    step, states = 1, []
    start_again().commit(record, AFTER)
    while killed_at(step, lambda: start_again().undo(record), late=late):
        states.append(start_again().state(record))
        assert_whole(tree / path, before, AFTER)
        if states[-1] == "after":
            start_again().undo(record)
        start_again().discard(record)
        assert snapshot(tree) == untouched, f"step {step} left something behind"
        start_again().commit(record, AFTER)
        step += 1
    assert set(states) == {"before", "after"}
    assert len(states) > 8


def test_writing_in_place_would_be_caught(tree: Path) -> None:
    """Control: the usual open, truncate and write leaves an empty file when it dies after the open."""
    file = plant(tree / "a.py", BEFORE)

    def naive() -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, AFTER.encode())
        os.close(descriptor)

    assert killed_at(1, naive, late=True)
    with pytest.raises(AssertionError):
        assert_whole(file, BEFORE, AFTER)


def assert_whole(file: Path, before: str | None, after: str) -> None:
    now = file.read_bytes() if file.exists() else None
    written = after.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    assert now in (before.encode() if before is not None else None, written)


FAILURES = [("fsync", errno.EIO), ("rename", errno.ENOSPC), ("fchmod", errno.EPERM), ("open", errno.EMFILE)]


@pytest.mark.parametrize(("operation", "number"), FAILURES)
def test_a_disk_that_refuses_is_told_in_a_sentence_and_leaves_nothing_behind(
    operation: str, number: int, edits: Edits, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(tree / "a.py", BEFORE)
    untouched = snapshot(tree)
    record = edits.prepare("a.py", BEFORE.replace("\r\n", "\n"), AFTER)
    with monkeypatch.context() as patch:
        patch.setattr(os, operation, failing(number))
        with pytest.raises(WorkspaceError) as caught:
            edits.commit(record, AFTER)
    assert os.strerror(number) in caught.value.what
    assert caught.value.kept == "Nothing was changed."
    assert snapshot(tree) == untouched


def test_a_failed_commit_takes_the_directories_it_made_away_again(
    edits: Edits, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    untouched = snapshot(tree)
    record = edits.prepare("x/y/new.py", None, "new\n")
    monkeypatch.setattr(os, "rename", failing(errno.ENOSPC))
    with pytest.raises(WorkspaceError, match="space"):
        edits.commit(record, "new\n")
    assert snapshot(tree) == untouched


def test_a_failed_sync_after_the_rename_does_not_claim_that_nothing_changed(
    edits: Edits, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record: EditRecord = edits.prepare("a.py", "one\n", "two\n")
    rename = os.rename

    def rename_then_break(*args: str, **kwargs: int) -> None:
        rename(*args, **kwargs)
        monkeypatch.setattr(os, "fsync", failing(errno.EIO))

    monkeypatch.setattr(os, "rename", rename_then_break)
    with pytest.raises(WorkspaceError, match="in place, but may not survive"):
        edits.commit(record, "two\n")
    assert edits.state(record) == "after"


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail
