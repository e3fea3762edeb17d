"""What goes wrong around a session is said once, loses nothing, and keeps nothing else from working."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from playing import AFTER, BEFORE, COMMENT, FILE, Script, Watch, plant, play_script, playing, tiny_settings

from continual_code.adapters.store import AdapterStore
from continual_code.app import open_session
from continual_code.errors import ContinualCodeError, ModelError
from continual_code.events import Failed, Learned, LearnerState, NoEdit, Recorded, Swapped, Task, Undone, Verdict
from continual_code.learning.learner import Learner
from continual_code.settings import Settings
from continual_code.workspace import edits

QUIET = 2.5  # seconds, twice and a half as long as the learner waits between two looks


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    return tiny_settings(tmp_path / "home", tiny_model)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return plant(tmp_path / "project")


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Script:
    return play_script(monkeypatch, tiny_model)


def reject(watch: Watch, comment: str = COMMENT) -> str:
    """Ask and reject; the proposal's id."""
    proposal = watch.ask()
    watch.session.judge(Verdict(proposal.id, "reject", comment))
    return proposal.id


def teach(watch: Watch, comment: str = COMMENT) -> Learned:
    proposal_id = reject(watch, comment)
    learned = watch.wait(Learned, lambda event: event.lesson.proposal_id == proposal_id)
    assert learned.report.status == "learned", learned.report.reason
    watch.wait(Swapped, lambda event: event.revision == learned.report.revision)
    return learned


def statuses(watch: Watch) -> dict[str, str]:
    return {lesson.id: lesson.status for lesson in watch.session.lessons()}


def damage(settings: Settings, proposal: int) -> None:
    """The stored tokens of a proposal cannot be read any more."""
    with sqlite3.connect(next(settings.home.rglob("journal.db"))) as journal:
        journal.execute("UPDATE proposals SET content = substr(content, 1, 60) WHERE number = ?", (proposal,))
    journal.close()


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


# --- Two sessions -----------------------------------------------------------------------


def test_a_session_that_does_not_learn_takes_nothing_back_and_serves_what_the_other_one_learned(
    settings: Settings, root: Path
) -> None:
    with playing(settings, root, retries=False) as first, playing(settings, root, retries=False) as second:
        second.wait(LearnerState, lambda event: event.state == "read_only")
        reject(second)
        assert second.wait(Swapped).revision == first.wait(Learned).report.revision == 1
        assert second.ask().after == AFTER[1]
        for take_back in (lambda: second.session.undo("l1"), lambda: second.session.rollback(0)):
            mark = second.mark()
            take_back()
            assert "is learning, and only that one" in second.wait(Failed, after=mark).what
        assert statuses(second) == {"l1": "learned"}
        first.session.undo("l1")
        first.wait(Undone)
        assert second.wait(Swapped, lambda event: event.revision == 0)
        assert second.ask().after == AFTER[0]


# --- What is stored ---------------------------------------------------------------------


def test_a_lesson_that_a_full_disk_kept_from_being_stored_waits_until_something_is_wanted(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with playing(settings, root, retries=False) as watch:
        with monkeypatch.context() as patch:
            patch.setattr(AdapterStore, "write", no_space)
            reject(watch)
            failed = watch.wait(Failed)
            assert failed.what == "What l1 taught could not be stored: No space left on device."
            time.sleep(QUIET)
            assert watch.of(Failed) == [failed], "it is not learned again and again for nothing"
            assert statuses(watch) == {"l1": "pending"}
            for _ in range(3):  # however often it meets the full disk, the lesson is not to blame
                mark = watch.mark()
                watch.ask()
                watch.wait(Failed, after=mark)
        watch.ask()
        assert watch.wait(Learned).report.status == "learned"


def test_a_lesson_whose_answer_cannot_be_read_any_more_ends_and_holds_up_no_other(
    settings: Settings, root: Path
) -> None:
    with playing(settings, root, retries=False) as watch:
        teach(watch)
    first = open_session(settings, root)
    first._desk.journal.record_verdict(Verdict(_unread(settings, root), "reject", "Be brief."))
    damage(settings, 1)
    damage(settings, 2)
    with playing(settings, root, retries=False) as watch:
        assert "p2 is damaged" in watch.wait(Learned).report.reason
        teach(watch, "Add type hints.")
        assert statuses(watch) == {"l1": "learned", "l2": "failed", "l3": "learned"}
        assert watch.of(Failed) == []


@pytest.mark.parametrize("error", [RuntimeError("no memory"), IndexError("a bug")])
def test_a_lesson_that_fails_in_the_middle_ends_with_the_reason_and_holds_up_no_other(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with playing(settings, root, retries=False) as watch:
        with monkeypatch.context() as patch:
            patch.setattr(Learner, "learn", lambda *_: (_ for _ in ()).throw(error))
            reject(watch, "Be brief.")
            failed = watch.wait(Learned).report
        assert (failed.status, type(error).__name__ in failed.reason) == ("failed", True)
        teach(watch, "Add type hints.")
        assert statuses(watch) == {"l1": "failed", "l2": "learned"}


def _unread(settings: Settings, root: Path) -> str:
    """A proposal that waits for its verdict."""
    with playing(settings, root, retries=False) as watch:
        return watch.ask().id


def test_a_revision_that_is_gone_is_not_gone_back_to_and_a_head_that_is_gone_is_fallen_back_from(
    settings: Settings, root: Path
) -> None:
    with playing(settings, root, retries=False) as watch:
        teach(watch)
        teach(watch, "Add type hints.")
        revisions = watch.session._loaded().lineage.store.directory
        shutil.rmtree(revisions / "000001")
        watch.session.undo("l2")
        assert watch.wait(Failed).kept == "Nothing was changed."
        assert statuses(watch) == {"l1": "learned", "l2": "learned"}
        shutil.rmtree(revisions / "000002")
        mark = watch.mark()
        third = reject(watch, "Be brief.")
        assert "Revision 0 serves instead" in watch.wait(Failed, lambda event: "instead" in event.what).what
        ended = watch.wait(Learned, lambda event: event.lesson.proposal_id == third)
        assert ended.report.status == "learned"
        for lesson_id in ("l1", "l2"):
            watch.wait(Learned, lambda event, lesson_id=lesson_id: event.lesson.id == lesson_id, after=mark)
        assert set(statuses(watch).values()) == {"learned"}


# --- What is written --------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "edited"), [("accept", None), ("edit", "def double(x):\n    return 2 * x\n")])
def test_an_edit_that_could_not_be_written_is_judged_all_the_same_and_that_is_said(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch, kind: str, edited: str | None
) -> None:
    with playing(settings, root, retries=False) as watch:
        proposal = watch.ask()
        with monkeypatch.context() as patch:
            patch.setattr(edits, "replace_file", no_space)
            watch.session.judge(Verdict(proposal.id, kind, edited=edited))  # type: ignore[arg-type]
        assert watch.wait(Recorded).verdict.kind == kind
        failed = watch.wait(Failed)
        assert ("No space left" in failed.what, failed.kept[:24]) == (True, "Your verdict is recorded")
        assert (root / FILE).read_text() == BEFORE
        assert len(statuses(watch)) == (kind == "edit")


# --- What is loaded ---------------------------------------------------------------------


def test_a_model_that_cannot_be_loaded_is_said_to_whoever_asks_for_it(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ModelError("the network is down")

    monkeypatch.setattr("continual_code.app.provision", refuse)
    session = open_session(settings, root)
    watch = Watch(session)
    session.ask(task := Task("Use multiplication in double.", (FILE,)))
    session.start(watch)
    try:
        assert watch.wait(Failed).what == "the network is down"
        assert watch.wait(NoEdit).task == task
        mark = watch.mark()
        session.ask(task)
        assert "could not be loaded" in watch.wait(NoEdit, after=mark).reason
        with pytest.raises(ContinualCodeError, match="could not be loaded"):
            session.rollback(0)
    finally:
        session.close()
    assert not session._thread.is_alive()


# --- Bugs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("module", "what"), [("session", "LiveSession._answer"), ("learning.worker", "Worker._work")])
def test_a_bug_is_one_line_on_the_screen_and_a_traceback_in_the_log(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    module: str, what: str,
) -> None:  # fmt: skip
    def breaks(*_: object, **__: object) -> None:
        raise KeyError("lost")

    with playing(settings, root) as watch:
        watch.ask()
        monkeypatch.setattr(f"continual_code.{module}.{what}", breaks)
        watch.session.ask(Task("Double it again.", (FILE,)))
        assert watch.wait(Failed).what == "Unexpected KeyError: 'lost'"
    log = (settings.home / "errors.log").read_text()
    assert "in breaks" in log
    assert "KeyError: 'lost'" in log
    assert capfd.readouterr().err == ""


def test_a_log_that_cannot_be_written_changes_nothing(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (settings.home / "errors.log").mkdir(parents=True)

    def breaks(*_: object, **__: object) -> None:
        raise KeyError("lost")

    with playing(settings, root) as watch:
        monkeypatch.setattr("continual_code.session.LiveSession._answer", breaks)
        watch.session.ask(Task("Double it.", (FILE,)))
        assert watch.wait(Failed).what == "Unexpected KeyError: 'lost'"
    assert capfd.readouterr().err == ""
