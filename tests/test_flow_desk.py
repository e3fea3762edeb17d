"""Verdicts and writes without a model: what a kill, a second look or another directory may not do."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from continual_code import disk
from continual_code.desk import Desk
from continual_code.errors import UsageError, WorkspaceError
from continual_code.events import Message, Proposal, Rollout, Task, Verdict
from continual_code.feedback.journal import Journal
from continual_code.workspace import Edits, edits

MODEL, FILE, BEFORE, AFTER = "tiny@0", "a.py", "one = 1\n", "one = 2\n"
ROLLOUT = Rollout((Message("user", "x"),), (1,), (3,), (-0.5,), 0.0, 1.0, 0, 0, "stop")


class Killed(BaseException):
    """Stands in for a kill: nothing may catch it."""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def desk(tmp_path: Path, state: Path) -> Desk:
    return open_desk(state, plant(tmp_path / "project"))


def plant(root: Path) -> Path:
    root.mkdir()
    (root / FILE).write_text(BEFORE)
    return root


def open_desk(state: Path, root: Path) -> Desk:
    return Desk(root, state, Journal(state / "journal.db"))


def propose(desk: Desk, path: str = FILE, before: str | None = BEFORE, after: str = AFTER) -> Proposal:
    return desk.journal.add_proposal(
        model=MODEL, root=str(desk.root.path), task=Task("t"), path=path, before=before, after=after,
        rollout=ROLLOUT, seconds=0.0,
    )  # fmt: skip


def text(desk: Desk, path: str = FILE) -> str:
    return (desk.root.path / path).read_text()


def kill_at_commit(
    desk: Desk, verdict: Verdict, monkeypatch: pytest.MonkeyPatch, first: Callable[..., None] = lambda *_: None
) -> None:
    """Give the verdict and be killed when the file is written: before it is, or after `first` did it."""

    def die(*arguments: object) -> None:
        first(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Edits, "commit", die)
        with pytest.raises(Killed):
            desk.judge(verdict)


# --- A kill between the intent and the write --------------------------------------------


@pytest.mark.parametrize("kind", ["accept", "edit"])
def test_a_write_that_a_kill_prevented_is_finished_at_the_next_start(
    desk: Desk, state: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    proposal = propose(desk)
    verdict = Verdict(proposal.id, "accept") if kind == "accept" else Verdict(proposal.id, "edit", edited="one = 3\n")
    kill_at_commit(desk, verdict, monkeypatch)
    assert text(desk) == BEFORE
    later = open_desk(state, desk.root.path)
    assert later.last_applied() is None
    later.recover()
    assert text(later) == (AFTER if kind == "accept" else "one = 3\n")
    assert later.last_applied() == proposal.id
    later.recover()  # once is enough
    later.undo(proposal.id)
    assert text(later) == BEFORE


def test_a_kill_just_after_the_write_is_recognised(desk: Desk, state: Path, monkeypatch: pytest.MonkeyPatch):
    proposal = propose(desk)
    kill_at_commit(desk, Verdict(proposal.id, "accept"), monkeypatch, first=Edits.commit)
    later = open_desk(state, desk.root.path)
    later.recover()
    assert text(later) == AFTER
    assert later.last_applied() == proposal.id


def test_a_file_that_the_person_changed_after_the_kill_is_theirs(
    desk: Desk, state: Path, monkeypatch: pytest.MonkeyPatch
):
    proposal = propose(desk)
    kill_at_commit(desk, Verdict(proposal.id, "accept"), monkeypatch)
    (desk.root.path / FILE).write_text("mine\n")
    later = open_desk(state, desk.root.path)
    (trouble,) = later.recover()
    assert f"{proposal.id} was accepted but could not be written" in trouble
    assert text(later) == "mine\n"
    assert later.recover() == []  # said once; the next start is clean
    assert later.last_applied() is None


def test_one_write_that_cannot_be_finished_does_not_keep_the_others_from_it(
    desk: Desk, state: Path, monkeypatch: pytest.MonkeyPatch
):
    other = "b.py"
    (desk.root.path / other).write_text(BEFORE)
    proposals = propose(desk), propose(desk, other)
    for proposal in proposals:
        kill_at_commit(desk, Verdict(proposal.id, "accept"), monkeypatch)
    (desk.root.path / FILE).write_text("mine\n")
    later = open_desk(state, desk.root.path)
    assert len(later.recover()) == 1
    assert (text(later), text(later, other)) == ("mine\n", AFTER)


# --- Some hunks wanted, some not --------------------------------------------------------

THREE = "import os\n\none = 1\n\ntwo = 2\n"
CHANGED = "import sys\n\none = 10\n\ntwo = 20\n"


def plant_three(desk: Desk, data: bytes) -> Proposal:
    (desk.root.path / FILE).write_bytes(data)
    return propose(desk, before=THREE, after=CHANGED)


@pytest.mark.parametrize(
    ("unwanted", "expected"),
    [
        ((), CHANGED),
        ((0,), "import os\n\none = 10\n\ntwo = 20\n"),
        ((1,), "import sys\n\none = 1\n\ntwo = 20\n"),
        ((0, 2), "import os\n\none = 10\n\ntwo = 2\n"),
    ],
)
def test_an_accept_writes_the_wanted_hunks_alone(desk: Desk, unwanted: tuple[int, ...], expected: str):
    proposal = plant_three(desk, THREE.encode())
    assert desk.judge(Verdict(proposal.id, "accept", unwanted=unwanted)) is None
    assert text(desk) == expected
    assert desk.last_applied() == proposal.id


def test_a_reason_against_the_hunks_that_were_left_out_is_a_lesson_about_them(desk: Desk):
    verdict = Verdict(plant_three(desk, THREE.encode()).id, "accept", "Leave the imports alone.", unwanted=(0,))
    lesson = desk.judge(verdict)
    assert text(desk) == "import os\n\none = 10\n\ntwo = 20\n"
    [waiting] = desk.journal.pending(MODEL)
    assert (waiting.lesson, waiting.verdict) == (lesson, verdict)


def test_a_rejection_for_some_hunks_writes_nothing_and_names_them(desk: Desk):
    verdict = Verdict(plant_three(desk, THREE.encode()).id, "reject", "Leave the imports alone.", unwanted=(0,))
    lesson = desk.judge(verdict)
    assert text(desk) == THREE
    assert desk.journal.edits(str(desk.root.path)) == []
    [waiting] = desk.journal.pending(MODEL)
    assert (waiting.lesson, waiting.verdict) == (lesson, verdict)


@pytest.mark.parametrize(
    "original",
    [THREE.encode(), THREE.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + THREE.encode()],
    ids=["plain", "windows line ends", "byte order mark"],
)
def test_undoing_an_accept_of_some_hunks_restores_every_byte(desk: Desk, original: bytes):
    proposal = plant_three(desk, original)
    desk.judge(Verdict(proposal.id, "accept", unwanted=(1,)))
    written = (desk.root.path / FILE).read_bytes()
    assert written == original.replace(b"os", b"sys").replace(b"two = 2", b"two = 20")
    desk.undo(proposal.id)
    assert (desk.root.path / FILE).read_bytes() == original


def test_an_accept_of_some_hunks_that_a_kill_prevented_is_finished_with_these_hunks(
    desk: Desk, state: Path, monkeypatch: pytest.MonkeyPatch
):
    verdict = Verdict(plant_three(desk, THREE.encode()).id, "accept", unwanted=(1, 2))
    kill_at_commit(desk, verdict, monkeypatch)
    assert text(desk) == THREE
    later = open_desk(state, desk.root.path)
    assert later.recover() == []
    assert text(later) == "import sys\n\none = 1\n\ntwo = 2\n"


def test_leaving_out_every_hunk_is_no_accept(desk: Desk):
    proposal = plant_three(desk, THREE.encode())
    with pytest.raises(UsageError, match="nothing would be left"):
        desk.judge(Verdict(proposal.id, "accept", unwanted=(0, 1, 2)))
    assert text(desk) == THREE
    desk.judge(Verdict(proposal.id, "reject", "why", unwanted=(0, 1, 2)))  # no verdict stands in the way


@pytest.mark.parametrize("kind", ["accept", "reject"])
@pytest.mark.parametrize("unwanted", [(3,), (-1,), (0, 7)])
def test_a_hunk_that_is_not_there_is_refused(desk: Desk, kind: str, unwanted: tuple[int, ...]):
    proposal = plant_three(desk, THREE.encode())
    with pytest.raises(UsageError, match="has no hunk"):
        desk.judge(Verdict(proposal.id, kind, "why", unwanted=unwanted))  # type: ignore[arg-type]
    assert text(desk) == THREE
    assert desk.journal.lessons(MODEL) == []


# --- Verdicts that are refused ----------------------------------------------------------


def test_a_stale_file_is_refused_and_nothing_is_recorded(desk: Desk):
    proposal = propose(desk)
    (desk.root.path / FILE).write_text("mine\n")
    with pytest.raises(WorkspaceError, match="changed since"):
        desk.judge(Verdict(proposal.id, "accept"))
    assert text(desk) == "mine\n"
    assert desk.journal.edits(str(desk.root.path)) == []
    (desk.root.path / FILE).write_text(BEFORE)
    desk.judge(Verdict(proposal.id, "accept"))  # no verdict stands in the way
    assert text(desk) == AFTER


@pytest.mark.parametrize("second", ["accept", "edit", "reject"])
@pytest.mark.parametrize("first", ["accept", "reject"])
def test_a_second_verdict_is_refused(desk: Desk, first: str, second: str):
    proposal = propose(desk)
    desk.judge(Verdict(proposal.id, first, "why"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="already has a verdict"):
        desk.judge(Verdict(proposal.id, second, "why", "one = 3\n"))  # type: ignore[arg-type]
    assert text(desk) == (AFTER if first == "accept" else BEFORE)
    assert len(desk.journal.lessons(MODEL)) == (first == "reject")


@pytest.mark.parametrize("kind", ["accept", "edit"])
def test_a_proposal_is_not_written_in_another_directory(desk: Desk, state: Path, tmp_path: Path, kind: str):
    elsewhere = open_desk(state, plant(tmp_path / "copy"))  # the same file, so only the directory tells
    proposal = propose(desk)
    with pytest.raises(UsageError, match=r"project, not of .*copy"):
        elsewhere.judge(Verdict(proposal.id, kind, edited="one = 3\n"))  # type: ignore[arg-type]
    assert (text(desk), text(elsewhere)) == (BEFORE, BEFORE)
    desk.judge(Verdict(proposal.id, "accept"))
    assert (text(desk), text(elsewhere)) == (AFTER, BEFORE)


def test_an_edit_is_not_undone_in_another_directory(desk: Desk, state: Path, tmp_path: Path):
    proposal = propose(desk)
    desk.judge(Verdict(proposal.id, "accept"))
    elsewhere = open_desk(state, plant(tmp_path / "copy"))
    (elsewhere.root.path / FILE).write_text(AFTER)
    assert elsewhere.last_applied() is None
    with pytest.raises(UsageError, match="not applied in this directory"):
        elsewhere.undo(proposal.id)
    assert text(elsewhere) == AFTER


def test_a_rejection_counts_wherever_it_is_given(desk: Desk, state: Path, tmp_path: Path):
    proposal = propose(desk)
    lesson = open_desk(state, plant(tmp_path / "copy")).judge(Verdict(proposal.id, "reject", "why"))
    assert lesson is not None
    assert [found.id for found in desk.journal.lessons(MODEL)] == [lesson.id]


@pytest.mark.parametrize("id", ["p9", "p0", "7", "", "l1", "p1; rm"])
def test_an_unknown_proposal_is_refused(desk: Desk, id: str):
    for kind in ("accept", "reject", "edit"):
        with pytest.raises(UsageError):
            desk.judge(Verdict(id, kind, "why", "x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("step", ["pre-image", "write"])
def test_a_full_disk_is_said_and_the_edit_can_be_proposed_again(desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    proposal = propose(desk)
    with monkeypatch.context() as patch:
        if step == "pre-image":
            patch.setattr(disk, "write_synced", full)
        else:
            patch.setattr(edits, "replace_file", full)
        with pytest.raises(WorkspaceError, match="No space left"):
            desk.judge(Verdict(proposal.id, "accept"))
    assert text(desk) == BEFORE
    recorded = [edit.status for edit in desk.journal.edits(str(desk.root.path))]
    assert recorded == ([] if step == "pre-image" else ["failed"])
    desk.judge(Verdict(propose(desk).id, "accept"))
    assert text(desk) == AFTER
