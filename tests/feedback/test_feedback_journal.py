"""Proposals, verdicts and edits: what goes in comes out, once, and outlives the process."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from feedback_story import MODEL, NOON, ROLLOUT, ROOT, Story

from continual_code.errors import StateError, UsageError
from continual_code.events import Task, Verdict
from continual_code.feedback.journal import Journal


def test_a_proposal_and_its_rollout_come_back_as_they_were_after_a_restart(journal: Journal, path: Path):
    offered = journal.add_proposal(
        model=MODEL, root=ROOT, task=Task("tidy \ud800 up", ("ä.py",)), path="ä\udcff.py", before=None,
        after="x = '\x00\udcff'\r\n",
        rollout=ROLLOUT, seconds=0.25, left_out=("nothing",), retry_of="p9",
    )  # fmt: skip
    journal.close()
    again = Journal(path)
    assert offered.id == "p1"
    assert again.proposal("p1") == offered
    assert again.rollout("p1") == ROLLOUT


@pytest.mark.parametrize("id", ["p1", "p0", "l1", "", "p1; DROP TABLE lessons", "p99999999999999999999", "p-1", "p1\n"])
def test_an_unknown_proposal_is_the_persons_mistake(journal: Journal, id: str):
    with pytest.raises(UsageError):
        journal.proposal(id)
    with pytest.raises(UsageError):
        journal.record_verdict(Verdict(id, "accept"))


def test_a_rejection_with_a_reason_creates_a_lesson(story: Story, journal: Journal):
    lesson = story.reject("  Keep the order.\n")
    assert (lesson.id, lesson.proposal_id, lesson.path, lesson.status) == ("l1", "p1", "a.py", "pending")
    assert lesson.comment == "Keep the order."
    assert lesson.created == NOON.isoformat()
    assert journal.lessons(MODEL) == [lesson]
    [waiting] = journal.pending(MODEL)
    assert waiting.lesson == lesson
    assert waiting.verdict == Verdict("p1", "reject", "Keep the order.")
    assert waiting.proposal == journal.proposal("p1")
    assert waiting.rollout == ROLLOUT
    assert waiting.attempts == 0


@pytest.mark.parametrize("verdict", [("accept", "good"), ("accept", ""), ("reject", ""), ("reject", " \n\x1b[31m\t")])
def test_without_a_reason_to_learn_from_there_is_no_lesson(story: Story, journal: Journal, verdict: tuple):
    assert journal.record_verdict(Verdict(story.propose().id, *verdict)) is None
    assert journal.lessons(MODEL) == []


def test_the_persons_own_edit_is_a_lesson_even_without_words(story: Story, journal: Journal):
    lesson = journal.record_verdict(Verdict(story.propose().id, "edit", edited="a\nb\nc\ud800\n"), {"path": "a.py"})
    assert lesson is not None
    assert journal.pending(MODEL)[0].verdict == Verdict("p1", "edit", "", "a\nb\nc\ud800\n")
    assert [edit.status for edit in journal.edits(ROOT)] == ["intended"]


@pytest.mark.parametrize("kind", ["accept", "reject"])
def test_a_comment_against_some_hunks_is_a_lesson_that_names_them_after_a_restart(
    story: Story, journal: Journal, path: Path, kind: str
):
    verdict = Verdict(story.propose().id, kind, "Too much.", unwanted=(0, 2))  # pyright: ignore[reportArgumentType]
    lesson = journal.record_verdict(verdict)
    journal.close()
    [waiting] = Journal(path).pending(MODEL)
    assert lesson == waiting.lesson
    assert waiting.verdict == verdict


@pytest.mark.parametrize("kind", ["accept", "reject"])
def test_hunks_that_are_not_wanted_for_no_stated_reason_are_no_lesson(story: Story, journal: Journal, kind: str):
    assert journal.record_verdict(Verdict(story.propose().id, kind, " ", unwanted=(1,))) is None  # pyright: ignore[reportArgumentType]
    assert journal.lessons(MODEL) == []


def test_an_edit_without_text_is_refused(story: Story, journal: Journal):
    with pytest.raises(UsageError):
        journal.record_verdict(Verdict(story.propose().id, "edit"))


@pytest.mark.parametrize("kind", ["accept", "reject", "edit"])
def test_a_second_verdict_changes_nothing(story: Story, journal: Journal, kind):
    story.reject("Keep the order.")
    before = story.everything()
    for _ in range(100):
        with pytest.raises(UsageError, match="already has a verdict"):
            journal.record_verdict(Verdict("p1", kind, "Another reason.", "text"), {"path": "a.py"})
    assert story.everything() == before


def test_a_comment_is_stored_without_controls_surrogates_and_secrets(story: Story, path: Path):
    secret = "gh" + "p_" + "a1B2" * 9
    lesson = story.reject(f"\x1b[31mUse\x07 \x9b1mtabs\x1b]52;c;aGk=\x07,\r\nnot\tspaces\ud800 {secret} é 👩‍👧\x00")
    assert lesson.comment == "Use tabs,\nnot spaces\N{REPLACEMENT CHARACTER} [redacted: GitHub token] é 👩‍👧"
    assert secret.encode() not in path.read_bytes()


def test_control_an_unredacted_comment_would_be_in_the_file(story: Story, path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("continual_code.feedback.comments.redact", lambda text: text)
    secret = "gh" + "p_" + "a1B2" * 9
    story.reject(secret)
    assert secret.encode() in path.read_bytes()


def test_a_comment_is_taken_whole_or_refused(story: Story, journal: Journal):
    assert len(story.reject("x" * 20_000).comment) == 20_000
    proposal = story.propose()
    with pytest.raises(UsageError, match="20,001 characters"):
        journal.record_verdict(Verdict(proposal.id, "reject", "x" * 20_001))
    assert journal.record_verdict(Verdict(proposal.id, "reject", "shorter")) is not None


def test_a_write_is_followed_from_intent_to_undo(story: Story, journal: Journal):
    record = {"path": "a.py", "sha256": "00", "mode": 0o644}
    for _ in range(3):
        journal.record_verdict(Verdict(story.propose().id, "accept"), record)
    journal.edit_done("p2")
    journal.edit_failed("p1", "disk full, token=aK8x!2mQz7Lp9Tw")
    assert journal.edits(ROOT) == [("p1", record, "failed"), ("p2", record, "applied"), ("p3", record, "intended")]
    assert journal.edits(ROOT, "applied", "intended") == [("p2", record, "applied"), ("p3", record, "intended")]
    assert journal.edits("/elsewhere") == []
    journal.edit_undone("p2")
    assert journal.edits(ROOT, "undone") == [("p2", record, "undone")]


def test_a_write_cannot_skip_a_state(story: Story, journal: Journal):
    journal.record_verdict(Verdict(story.propose().id, "accept"), {"path": "a.py"})
    with pytest.raises(StateError):
        journal.edit_undone("p1")
    journal.edit_done("p1")
    for step in (journal.edit_done, lambda id: journal.edit_failed(id, "why")):
        with pytest.raises(StateError):
            step("p1")


def test_a_commit_is_asked_to_survive_a_power_cut(path: Path, monkeypatch: pytest.MonkeyPatch):
    connect, opened = sqlite3.connect, []

    def remember(*args, **options) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    Journal(path)
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    extra = 3
    assert [opened[0].execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas] == ["delete", extra, 1]


def test_the_file_is_for_this_person_alone(journal: Journal, story: Story, path: Path):
    story.reject()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_too_open_is_closed(path: Path, journal: Journal):
    journal.close()
    path.chmod(0o644)
    Journal(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_threads_share_one_journal(story: Story, journal: Journal):
    threads = [threading.Thread(target=lambda: [story.reject() for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.pending(MODEL)) == 40
    assert len({waiting.proposal.id for waiting in journal.pending(MODEL)}) == 40
