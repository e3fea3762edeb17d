"""Accepted edits on a real desk and in a real repository, committed because the person said so."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from commanding import Commands
from playing import AFTER, COMMENT, FILE, TASK, Script, Watch, playing, tiny_settings

from continual_code.commits import LiveCommits, proposed_message
from continual_code.desk import Desk
from continual_code.engine import Engine
from continual_code.errors import ContinualCodeError, UsageError, WorkspaceError
from continual_code.events import (
    Committed,
    Event,
    Listener,
    Message,
    Proposal,
    Proposed,
    Recorded,
    Rollout,
    Started,
    Task,
    Undone,
    Verdict,
    Worded,
    Wording,
)
from continual_code.feedback.journal import Journal
from continual_code.jobs import Jobs
from continual_code.learning.turns import Turns
from continual_code.workspace import create_repository

ROLLOUT = Rollout((Message("user", "x"),), (1,), (3,), (-0.5,), 0.0, 1.0, 0, 0, "stop")


@pytest.fixture(autouse=True)
def who(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@localhost")


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@dataclass
class Work:
    desk: Desk
    commits: LiveCommits
    events: list[Event]

    def accepted(self, before: str = "one = 1\n", after: str = "one = 2\n", text: str = "Make it two.") -> Proposal:
        proposal = self.desk.journal.add_proposal(
            model="tiny@0", root=self.desk.key, task=Task(text), path="a.py", before=before, after=after,
            rollout=ROLLOUT, seconds=0.0,
        )  # fmt: skip
        self.desk.judge(Verdict(proposal.id, "accept"))
        return proposal


@pytest.fixture
def work(tmp_path: Path) -> Work:
    create_repository(tmp_path / "project", {"a.py": "one = 1\n"}, "first")
    desk = Desk(tmp_path / "project", tmp_path / "state", Journal(tmp_path / "state/journal.db"))
    events: list[Event] = []
    return Work(desk, without_model(desk, events.append), events)


def without_model(desk: Desk, emit: Listener) -> LiveCommits:
    """Commits at a desk where no model was ever loaded."""

    def none() -> Engine:
        raise ContinualCodeError("The model is still loading.")

    return LiveCommits(lambda: desk, emit, Jobs(), Turns(), none)


def test_the_newest_edit_is_proposed_with_the_first_line_of_its_task_and_committed_with_the_person_s(work: Work):
    proposal = work.accepted()
    draft = work.commits.draft()
    assert (draft.proposal_id, draft.path, draft.branch) == (proposal.id, "a.py", "main")
    assert draft.message == "Make it two"
    assert git(work.desk.root.path, "log", "--format=%s") == "first\n", "a draft writes nothing"
    work.commits.make(proposal.id, "Two, says Ada\n")
    assert git(work.desk.root.path, "log", "--format=%s %an") == "Two, says Ada Ada\nfirst continual-code\n"
    made = git(work.desk.root.path, "rev-parse", "HEAD").strip()
    assert work.events == [Committed(proposal.id, "a.py", made, "main")]


def test_an_edit_is_committed_once_and_one_after_the_other(work: Work):
    first = work.accepted()
    second = work.accepted("one = 2\n", "one = 3\n")
    with pytest.raises(WorkspaceError, match="changed since the edit"):
        work.commits.draft(first.id)
    work.desk.undo(second.id)
    work.commits.make(first.id, "two")
    with pytest.raises(UsageError, match="is committed already"):
        work.commits.draft(first.id)
    third = work.accepted("one = 2\n", "one = 3\n")
    work.commits.make(third.id, "three")
    assert git(work.desk.root.path, "log", "--format=%s") == "three\ntwo\nfirst\n"


def test_edits_that_build_on_each_other_are_committed_together(work: Work):
    other = work.desk.root.path / "b.py"
    work.commits.make(work.accepted().id, "two")
    ids = [work.accepted(f"one = {number}\n", f"one = {number + 1}\n").id for number in (2, 3)]
    draft = work.commits.draft()
    assert (draft.proposal_id, draft.others) == (ids[1], (ids[0],))
    other.write_text("mine\n")
    with pytest.raises(WorkspaceError, match="other uncommitted changes than this edit"):
        work.commits.make(draft.proposal_id, "four")
    with pytest.raises(UsageError, match="other edits than it was said"):
        work.commits.make(draft.proposal_id, "four", ("p1",))
    work.commits.make(draft.proposal_id, "four", draft.others)
    assert git(work.desk.root.path, "show", "HEAD:a.py", "HEAD~1:a.py") == "one = 4\none = 2\n"
    assert git(work.desk.root.path, "status", "--porcelain") == "?? b.py\n"
    for id in ids:
        with pytest.raises(UsageError, match="is committed already"):
            work.commits.draft(id)
    assert f" stays, with {ids[0]} in it; `git revert" in work.desk.undo(ids[1]).words


def test_an_edit_by_hand_in_between_is_in_no_commit(work: Work):
    work.accepted()
    (work.desk.root.path / "a.py").write_text("mine = 1\n")
    last = work.accepted("mine = 1\n", "mine = 2\n")
    assert list(work.desk.uncommitted(last.id)) == [last.id]
    with pytest.raises(WorkspaceError, match="other uncommitted changes"):
        work.commits.draft(last.id)


def test_undoing_a_committed_edit_is_an_edit_of_the_file_and_the_commit_stays_which_is_said(work: Work):
    proposal = work.accepted()
    work.commits.make(proposal.id, "two")
    made = git(work.desk.root.path, "rev-parse", "--short=12", "HEAD").strip()
    said = work.desk.undo(proposal.id).words
    assert said == f"a.py is as it was before {proposal.id}. Commit {made} stays; `git revert {made}` takes it back."
    assert (work.desk.root.path / "a.py").read_text() == "one = 1\n"
    assert git(work.desk.root.path, "log", "--format=%s") == "two\nfirst\n"
    assert git(work.desk.root.path, "status", "--porcelain") == " M a.py\n"


def test_undoing_an_edit_that_was_not_committed_says_nothing_of_commits(work: Work):
    assert "ommit" not in work.desk.undo(work.accepted().id).words


def test_what_was_never_applied_or_has_no_message_is_not_committed(work: Work):
    with pytest.raises(UsageError, match="no applied edit to commit"):
        work.commits.draft()
    with pytest.raises(UsageError, match="p99 is not applied"):
        work.commits.draft("p99")
    proposal = work.accepted()
    with pytest.raises(UsageError, match="message is empty"):
        work.commits.make(proposal.id, " \n")
    work.desk.undo(proposal.id)
    with pytest.raises(UsageError, match="is not applied"):
        work.commits.make(proposal.id, "x")
    assert git(work.desk.root.path, "log", "--format=%s") == "first\n"


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("\n  Sort   the list.\nAnd more.", "Sort the list"),
        ("word " * 40, ("word " * 14).strip() + " …"),
        ("x" * 100, "x" * 72),
        (" \n", "Edit a.py"),
    ],
)
def test_a_subject_is_one_short_line(text: str, subject: str):
    proposal = Proposal("p1", Task(text), "a.py", "", "x", 0, 0.0)
    assert proposed_message(proposal, []) == subject
    assert proposed_message(proposal, ["l3"]) == f"{subject}\n\nContinual-Code-Lesson: l3"
    both = f"{subject}\n\nContinual-Code-Lesson: l3\nContinual-Code-Lesson: l4"
    assert proposed_message(proposal, ["l3", "l4", "l3"]) == both


def test_an_edit_that_a_lesson_brought_names_the_lesson(
    tmp_path: Path, tiny_model: Path, script: Script, monkeypatch: pytest.MonkeyPatch
):
    from playing import BEFORE

    create_repository(tmp_path / "project", {FILE: BEFORE}, "first")
    with playing(tiny_settings(tmp_path / "home", tiny_model), tmp_path / "project") as watch:
        retried = _taught(watch)
        watch.session.judge(Verdict(retried.id, "accept"))
        draft = watch.session.commits.draft()
        assert draft.message == "Use multiplication in double\n\nContinual-Code-Lesson: l1"
        watch.session.commits.make(draft.proposal_id, draft.message)
        watch.session.undo(retried.id)
        assert "stays" in watch.wait(Undone).detail
    trailer = "--format=%(trailers:key=Continual-Code-Lesson,valueonly)"
    assert git(tmp_path / "project", "show", "-s", trailer).strip() == "l1"
    assert git(tmp_path / "project", "show", f"HEAD:{FILE}") == AFTER[1]


def test_the_model_writes_the_subject_once_it_is_asked_and_the_person_commits_with_it(
    tmp_path: Path, tiny_model: Path, script: Script
):
    from playing import BEFORE

    create_repository(tmp_path / "project", {FILE: BEFORE}, "first")
    script.subject = 'Subject: "Multiply by two in double."'
    with playing(tiny_settings(tmp_path / "home", tiny_model), tmp_path / "project") as watch:
        proposal, commits = watch.ask(TASK), watch.session.commits
        with pytest.raises(UsageError, match="is not applied"):
            commits.write_subject(proposal.id)
        watch.session.judge(Verdict(proposal.id, "accept"))
        commits.write_subject(proposal.id)
        worded = watch.wait(Worded)
        assert worded == Worded(proposal.id, "Multiply by two in double")
        pieces = [event.subject for event in watch.of(Wording)]
        assert pieces[0] == ""
        assert any(worded.subject.startswith(piece) and 3 < len(piece) < 20 for piece in pieces), pieces
        script.subject = "```\n```"
        mark = watch.mark()
        commits.write_subject(proposal.id)
        assert "nothing that could be a subject" in watch.wait(Worded, after=mark).note
        commits.make(proposal.id, worded.subject)
    assert git(tmp_path / "project", "log", "-1", "--format=%s") == "Multiply by two in double\n"


def test_a_subject_waits_for_the_answer_and_once_stopped_nothing_comes_of_it(
    tmp_path: Path, tiny_model: Path, script: Script
):
    from playing import BEFORE

    create_repository(tmp_path / "project", {FILE: BEFORE}, "first")
    script.subject = "Multiply"
    with playing(tiny_settings(tmp_path / "home", tiny_model), tmp_path / "project") as watch:
        proposal, commits = watch.ask(TASK), watch.session.commits
        watch.session.judge(Verdict(proposal.id, "accept"))
        script.held.clear()
        mark = watch.mark()
        watch.session.ask(Task("Another one.", (FILE,)))
        watch.wait(Started, after=mark)
        commits.write_subject(proposal.id)
        commits.stop_writing()
        commits.write_subject(proposal.id)
        assert watch.of(Wording) == []
        script.held.set()
        watch.wait(Worded)
        mark = watch.mark()
        watch.session.ask(Task("And another.", (FILE,)))
        watch.wait(Started, after=mark)
        assert watch.of(Worded) == [Worded(proposal.id, "Multiply")]


def _taught(watch: Watch) -> Proposal:
    watch.session.judge(Verdict(watch.ask(TASK).id, "reject", COMMENT))
    assert watch.wait(Recorded).lesson
    return watch.wait(Proposed, lambda event: event.proposal.retry_of is not None).proposal


def test_the_command_line_says_as_well_that_a_commit_stays(command: Commands, script: Script, home: Path):
    git(command.root, "init", "-q", "-b", "main")
    git(command.root, "add", ".")
    git(command.root, "commit", "-qm", "first")
    command("run", TASK.text, "--file", FILE, "--apply")
    desk = Desk(command.root, home / "state", Journal(home / "state/journal.db"))
    without_model(desk, lambda event: None).make("p1", "Multiply")
    assert "stays; `git revert" in command("undo")
    assert git(command.root, "log", "-1", "--format=%s") == "Multiply\n"
