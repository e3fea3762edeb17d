"""A commit of one accepted edit: that edit alone, on the branch that is checked out, and nothing else moves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace_trees import plant

from continual_code.errors import WorkspaceError
from continual_code.workspace import (
    Commit,
    Committable,
    EditRecord,
    Edits,
    Root,
    commit_edit,
    committable,
    create_repository,
)

FILES = {"a.py": "one\n", "pkg/b.py": "two\n", ".gitignore": "*.log\n"}


PERSON = "Ada Löv <ada@localhost>"


class Repository:
    """A repository with one commit and an identity, an edit of one of its files, and git as the person calls it."""

    def __init__(self, path: Path, state: Path, *, beneath: str = ".") -> None:
        self.path, self.root = path, Root(path / beneath)
        self._edits = Edits(self.root, state)

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return done.stdout.decode()

    def edit(self, path: str = "a.py", before: str | None = "one\n", after: str = "edited\n") -> EditRecord:
        """An accepted edit, written to the file."""
        record = self._edits.prepare(path, before, after)
        self._edits.commit(record, after)
        return record

    def commit(self, record: EditRecord, message: str = "Edit a") -> Commit:
        return commit_edit(self.root, [record], message)

    def refuses(self, record: EditRecord, why: str) -> None:
        head, status = self.git("rev-parse", "--all"), self.git("status", "--porcelain")
        for look in (lambda: committable(self.root, [record]), lambda: self.commit(record)):
            with pytest.raises(WorkspaceError, match=why) as refused:
                look()
            assert refused.value.kept == "No commit was made."
        assert (self.git("rev-parse", "--all"), self.git("status", "--porcelain")) == (head, status)

    def files_of(self, commit: str = "HEAD") -> list[str]:
        return self.git("diff-tree", "-r", "--no-commit-id", "--name-only", "--root", commit).split()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Whose person has a name in the configuration of their account."""
    plant(tmp_path / "account/.gitconfig", "[user]\nname = Ada Löv\nemail = ada@localhost\n")
    for name in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL", "CONFIG_GLOBAL"):
        monkeypatch.delenv(f"GIT_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "account"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("EMAIL", raising=False)
    create_repository(tmp_path / "repo", FILES, "first")
    return Repository(tmp_path / "repo", tmp_path / "state")


# --- Several edits of one file --------------------------------------------------------


def test_a_commit_holds_the_edits_that_head_has_not(repository: Repository) -> None:
    first, second = repository.edit(), repository.edit(before="edited\n", after="edited\ntwice\n")
    assert committable(repository.root, [first, second]) == Committable("main", 2)
    commit_edit(repository.root, [first, second], "Both")
    third = repository.edit(before="edited\ntwice\n", after="thrice\n")
    assert committable(repository.root, [first, second, third]) == Committable("main", 1)
    with pytest.raises(WorkspaceError, match=r"Some of these edits .* are committed already"):
        commit_edit(repository.root, [second, third], "One")
    commit_edit(repository.root, [third], "One")
    assert repository.git("show", "HEAD~1:a.py", "HEAD:a.py") == "edited\ntwice\nthrice\n"
    assert repository.git("status", "--porcelain") == ""


def test_what_the_person_changed_before_the_first_edit_is_in_no_commit(repository: Repository) -> None:
    (repository.path / "a.py").write_text("mine\n")
    edits = [repository.edit(before="mine\n"), repository.edit(before="edited\n", after="more\n")]
    with pytest.raises(WorkspaceError, match="other uncommitted changes"):
        commit_edit(repository.root, edits, "Both")
    assert repository.git("show", "HEAD:a.py") == "one\n"


# --- What a commit is -------------------------------------------------------------------


def test_a_commit_holds_the_edit_and_its_message_and_leaves_the_directory_clean(repository: Repository) -> None:
    before = repository.git("rev-parse", "HEAD").strip()
    record = repository.edit()
    assert committable(repository.root, [record]) == Committable("main", 1)
    made = repository.commit(record, "Grüße an a\n\nContinual-Code-Lesson: l3")
    assert (made.id, made.branch, made.index_behind) == (repository.git("rev-parse", "main").strip(), "main", False)
    assert repository.git("rev-parse", "HEAD^").strip() == before
    assert repository.files_of() == ["a.py"]
    assert repository.git("show", "HEAD:a.py") == "edited\n"
    assert repository.git("show", "-s", "--format=%an <%ae>, %cn <%ce>").strip() == f"{PERSON}, {PERSON}"
    assert repository.git("show", "-s", "--format=%B").strip() == "Grüße an a\n\nContinual-Code-Lesson: l3"
    assert repository.git("show", "-s", "--format=%(trailers:key=Continual-Code-Lesson,valueonly)").strip() == "l3"
    assert repository.git("status", "--porcelain") == ""
    assert "commit (continual-code)" in repository.git("reflog", "-1")


def test_what_is_staged_and_what_is_not_stays_so(repository: Repository) -> None:
    plant(repository.path / "pkg/b.py", "staged\n")
    repository.git("add", "pkg/b.py")
    plant(repository.path / "pkg/b.py", "staged and changed on\n")
    plant(repository.path / "c.py", "new and staged\n")
    repository.git("add", "c.py")
    plant(repository.path / "d.py", "unknown to git\n")
    staged, changed = repository.git("diff", "--cached"), repository.git("diff", "--", "pkg")
    record = repository.edit()
    repository.commit(record)
    assert repository.files_of() == ["a.py"]
    assert repository.git("diff", "--cached") == staged
    assert repository.git("diff") == changed
    assert repository.git("status", "--porcelain").splitlines() == ["A  c.py", "MM pkg/b.py", "?? d.py"]


def test_an_edit_that_the_person_staged_themselves_is_committed_as_well(repository: Repository) -> None:
    record = repository.edit()
    repository.git("add", "a.py")
    repository.commit(record)
    assert repository.git("status", "--porcelain") == ""


def test_a_new_file_is_committed_and_only_that_one(repository: Repository) -> None:
    plant(repository.path / "new/other.py", "mine\n")
    record = repository.edit("new/made.py", None, "made\n")
    repository.commit(record)
    assert repository.files_of() == ["new/made.py"]
    assert repository.git("ls-tree", "HEAD", "new/made.py").startswith("100644 ")
    assert repository.git("status", "--porcelain") == "?? new/other.py\n"


def test_a_script_stays_executable(repository: Repository) -> None:
    (repository.path / "a.py").chmod(0o755)
    repository.git("-c", "user.name=x", "-c", "user.email=x", "commit", "-qam", "executable")
    repository.commit(repository.edit())
    assert repository.git("ls-tree", "HEAD", "a.py").startswith("100755 ")
    assert repository.git("status", "--porcelain") == ""


def test_it_works_in_a_directory_below_the_repository_and_with_odd_names(
    repository: Repository, tmp_path: Path
) -> None:
    below = Repository(repository.path, tmp_path / "state", beneath="pkg")
    below.commit(below.edit("b.py", "two\n"))
    assert below.files_of() == ["pkg/b.py"]
    below.commit(below.edit("-x, *[a] ü.py", None))
    assert below.git("ls-tree", "-z", "--name-only", "HEAD", "pkg/").split("\0")[:2] == [
        "pkg/-x, *[a] ü.py",
        "pkg/b.py",
    ]
    assert below.git("status", "--porcelain") == ""


def test_a_linked_worktree_has_its_own_branch(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = Repository(tmp_path / "side", tmp_path / "state")
    main = repository.git("rev-parse", "main")
    assert side.commit(side.edit()).branch == "side"
    assert repository.git("rev-parse", "main") == main
    assert side.git("status", "--porcelain") == ""


def test_no_hook_and_no_filter_and_no_signer_runs(repository: Repository, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = plant(tmp_path / "program", f"#!/bin/sh\n: > '{mark}'\n", 0o755)
    for name in ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change"):
        plant(repository.path / ".git/hooks" / name, program.read_bytes(), 0o755)
    for key in ("core.fsmonitor", "gpg.program", "core.editor", "filter.x.clean", "diff.external"):
        repository.git("config", key, str(program))
    repository.git("config", "commit.gpgSign", "true")
    mark.unlink(missing_ok=True)
    repository.commit(repository.edit())
    assert not mark.exists()
    repository.git("update-ref", "refs/heads/other", "HEAD")
    assert mark.exists(), "control: the hooks would have run"


def test_when_the_index_is_locked_the_commit_stands_and_says_that_the_index_is_behind(repository: Repository) -> None:
    record = repository.edit()
    (repository.path / ".git/index.lock").touch()
    made = repository.commit(record)
    (repository.path / ".git/index.lock").unlink()
    assert made.index_behind
    assert repository.git("show", "HEAD:a.py") == "edited\n"


# --- What is refused --------------------------------------------------------------------


def test_without_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    plant(tmp_path / "plain/a.py", "one\n")
    plain = Repository(tmp_path / "plain", tmp_path / "state")
    with pytest.raises(WorkspaceError, match="is in no git repository"):
        plain.commit(plain.edit())


def detached(repository: Repository) -> None:
    repository.git("checkout", "-q", "--detach")


def unborn(repository: Repository) -> None:
    repository.git("checkout", "-q", "--orphan", "fresh")


def under_way(name: str) -> Callable[[Repository], None]:
    return lambda repository: (repository.path / ".git" / name).mkdir()


def nobody(repository: Repository) -> None:
    (repository.path.parent / "account/.gitconfig").unlink()


def filtered(repository: Repository) -> None:
    plant(repository.path / ".gitattributes", "*.py filter=lfs\n")


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (detached, "detached"),
        (unborn, "no commit on this branch yet"),
        (under_way("MERGE_HEAD"), "A merge is under way"),
        (under_way("rebase-merge"), "A rebase is under way"),
        (under_way("CHERRY_PICK_HEAD"), "A cherry-pick is under way"),
        (nobody, "git does not know who you are"),
        (filtered, "goes through a filter"),
    ],
)
def test_it_is_refused_in_plain_words(repository: Repository, prepare: Callable[[Repository], None], why: str) -> None:
    record = repository.edit()
    prepare(repository)
    repository.refuses(record, why)


def test_a_real_merge_with_a_conflict_is_left_to_the_person(repository: Repository) -> None:
    repository.git("switch", "-qc", "side")
    plant(repository.path / "pkg/b.py", "theirs\n")
    repository.git("commit", "-qam", "theirs")
    repository.git("switch", "-q", "main")
    plant(repository.path / "pkg/b.py", "ours\n")
    repository.git("commit", "-qam", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "side")
    repository.refuses(repository.edit(), "A merge is under way")


def test_a_file_with_earlier_changes_of_the_persons_is_theirs_to_commit(repository: Repository) -> None:
    plant(repository.path / "a.py", "one\nmine\n")
    record = repository.edit(before="one\nmine\n", after="edited\nmine\n")
    repository.refuses(record, "other uncommitted changes")


def test_a_file_that_was_changed_after_the_edit_is_theirs_to_commit(repository: Repository) -> None:
    record = repository.edit()
    plant(repository.path / "a.py", "edited\nmine\n")
    repository.refuses(record, "was changed since the edit")


def test_a_file_that_is_staged_in_another_state_is_theirs_to_commit(repository: Repository) -> None:
    plant(repository.path / "a.py", "staged\n")
    repository.git("add", "a.py")
    plant(repository.path / "a.py", "one\n")
    repository.refuses(repository.edit(), "is staged with other changes")


def test_a_file_that_git_does_not_know_yet_is_not_committed_with_all_its_lines(repository: Repository) -> None:
    plant(repository.path / "mine.py", "mine\n")
    repository.refuses(repository.edit("mine.py", "mine\n"), "other uncommitted changes")


def test_an_ignored_file_is_not_committed(repository: Repository) -> None:
    repository.refuses(repository.edit("debug.log", None), "is ignored by git")


def test_the_same_edit_is_not_committed_twice(repository: Repository) -> None:
    record = repository.edit()
    repository.commit(record)
    repository.refuses(record, "is committed like this already")


def test_a_file_in_the_place_of_a_committed_directory_takes_nothing_else_out(repository: Repository) -> None:
    (repository.path / "pkg/b.py").unlink()
    (repository.path / "pkg").rmdir()
    repository.refuses(repository.edit("pkg", None), "is not one plain file to git")


def test_a_branch_that_moved_while_the_commit_was_made_is_not_moved_back(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    from continual_code.workspace import commits

    record, tree = repository.edit(), commits._tree

    def slow(*arguments: object) -> str:
        made = tree(*arguments)  # type: ignore[arg-type]
        repository.git("commit", "-q", "--allow-empty", "-m", "theirs")
        return made

    monkeypatch.setattr(commits, "_tree", slow)
    with pytest.raises(WorkspaceError, match="moved meanwhile"):
        repository.commit(record)
    assert repository.git("show", "-s", "--format=%s") == "theirs\n"
    assert repository.git("show", "HEAD:a.py") == "one\n"
