"""What git says about the person's files, and where it cannot say it, a walk that ends."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from workspace_trees import plant

from continual_code.errors import WorkspaceError
from continual_code.workspace import create_repository, head_commit, is_repository, list_files, plumbing
from continual_code.workspace.walk import walk_files

FILES = {"a.py": "a\n", "pkg/b.py": "b\n", ".gitignore": "*.log\nbuild/\n"}


def run_git(repository: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": str(repository), "GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=P", "-c", "user.email=p@localhost", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *who, *arguments], cwd=repository, env=environment, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    create_repository(path, FILES, "first")
    return path


def test_tracked_and_untracked_files_are_listed_and_ignored_ones_are_not(repository: Path) -> None:
    for path in ("new.py", "x.log", "build/out.py", "pkg/new.py"):
        plant(repository / path, "x")
    assert list_files(repository) == [".gitignore", "a.py", "new.py", "pkg/b.py", "pkg/new.py"]
    assert list_files(repository / "pkg") == ["b.py", "new.py"]


def test_what_cannot_be_edited_as_a_plain_file_is_not_listed(repository: Path, tmp_path: Path) -> None:
    create_repository(tmp_path / "other", {"inner.py": "x\n"}, "inner")
    run_git(repository, "submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    create_repository(repository / "nested", {"inner.py": "x\n"}, "inner")
    (repository / "link.py").symlink_to("a.py")
    run_git(repository, "add", "link.py")
    (repository / "pkg/b.py").unlink()
    plant(repository / "new\nline.py", "x")
    plant(repository / "\udce9.py", "x")
    assert list_files(repository) == [".gitignore", ".gitmodules", "a.py"]


@pytest.mark.parametrize("name", ["--output=x", "-rf", ":(exclude)a.py", "@{-1}", "HEAD", "a b", "é.py", 'q"uote', "*"])
def test_a_name_that_git_could_take_for_something_else_is_just_a_name(name: str, repository: Path) -> None:
    plant(repository / name, "x")
    assert list_files(repository) == sorted({*FILES, name})
    assert {path.name for path in repository.iterdir()} == {".git", ".gitignore", "a.py", "pkg", name}


def test_a_file_in_conflict_is_listed_once(repository: Path) -> None:
    for branch, text in (("left", "l\n"), ("right", "r\n")):
        run_git(repository, "checkout", "--quiet", "-b", branch, "main")
        plant(repository / "a.py", text)
        run_git(repository, "commit", "--quiet", "-am", branch)
    with pytest.raises(subprocess.CalledProcessError):
        run_git(repository, "merge", "left")
    assert list_files(repository).count("a.py") == 1


def test_head_is_the_commit_that_was_made(repository: Path) -> None:
    assert is_repository(repository)
    assert head_commit(repository) == run_git(repository, "rev-parse", "HEAD")


def test_a_directory_without_git_has_no_head_and_is_walked(tmp_path: Path) -> None:
    for path in ("b.py", "a/c.py", "node_modules/x.js", ".venv/y.py", "a/__pycache__/c.pyc", "a/.git/config"):
        plant(tmp_path / path, "x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc")
    (tmp_path / "loop").symlink_to(".")
    assert not is_repository(tmp_path)
    assert head_commit(tmp_path) is None
    assert list_files(tmp_path) == ["a/c.py", "b.py"]


def test_a_repository_without_a_commit_has_no_head(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet")
    plant(tmp_path / "a.py", "x")
    assert is_repository(tmp_path)
    assert head_commit(tmp_path) is None
    assert list_files(tmp_path) == ["a.py"]


def test_a_bare_repository_that_came_with_the_tree_is_just_files(repository: Path) -> None:
    for item in list((repository / ".git").iterdir()):
        item.rename(repository / item.name)
    (repository / ".git").rmdir()
    assert run_git(repository, "rev-parse", "HEAD")  # control: plain git takes it for a repository
    assert not is_repository(repository)
    assert head_commit(repository) is None
    assert {"a.py", "config"} <= set(list_files(repository))


def test_without_git_the_files_are_walked(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository.parent))
    plant(repository / "x.log", "x")
    assert not is_repository(repository)
    assert list_files(repository) == [".gitignore", "a.py", "pkg/b.py", "x.log"]


def test_where_git_ignores_everything_the_files_are_walked(repository: Path) -> None:
    plant(repository / "build/gen/x.py", "x")
    assert list_files(repository / "build/gen") == ["x.py"]


def test_a_git_that_hangs_is_given_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".gitignore").unlink()
    os.mkfifo(repository / ".gitignore")
    monkeypatch.setattr(plumbing, "TIMEOUT", 0.5)
    start = time.monotonic()
    assert list_files(repository) == ["a.py", "pkg/b.py"]
    assert 0.5 < time.monotonic() - start < 5


def test_a_walk_ends_at_its_limit_and_at_its_depth(tmp_path: Path) -> None:
    for number in range(30):
        plant(tmp_path / f"f{number:02}", "")
    deep = tmp_path
    for _ in range(150):
        deep = deep / "d"
        deep.mkdir()
    plant(deep / "bottom", "")
    assert walk_files(tmp_path, max_files=10) == [f"f{number:02}" for number in range(10)]
    assert len(walk_files(tmp_path)) == 30


def test_a_new_repository_holds_exactly_the_files_given(tmp_path: Path) -> None:
    files = {"a.py": "a\r\n", "d/é.txt": "é", ".gitignore": "a.py\n", "empty": ""}
    create_repository(tmp_path / "new", files, "the message\n\n# not a comment")
    assert run_git(tmp_path / "new", "status", "--porcelain") == ""
    assert run_git(tmp_path / "new", "-c", "core.quotePath=false", "ls-files").split() == sorted(files)
    assert (tmp_path / "new/a.py").read_bytes() == b"a\r\n"
    seen = run_git(tmp_path / "new", "log", "--format=%an <%ae> %cn %B")
    assert seen == "continual-code <continual-code@localhost> continual-code the message\n\n# not a comment"


def test_a_new_repository_is_only_made_in_an_empty_directory(repository: Path) -> None:
    head = head_commit(repository)
    with pytest.raises(WorkspaceError, match="not empty"):
        create_repository(repository, {"a.py": "mine\n"}, "again")
    assert (repository / "a.py").read_text() == "a\n"
    assert head_commit(repository) == head


def test_a_new_repository_takes_no_path_that_leads_out(tmp_path: Path) -> None:
    for path in ("../x", "/tmp/x", ".git/hooks/pre-commit"):
        with pytest.raises(WorkspaceError):
            create_repository(tmp_path / "new", {path: "x"}, "m")
    assert not list((tmp_path / "new").iterdir())


def test_a_new_repository_ignores_variables_that_point_at_another_one(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = head_commit(repository)
    for name in ("GIT_DIR", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(repository / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(repository))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(repository / ".git/objects"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    create_repository(tmp_path / "new", {"n.py": "n\n"}, "new")
    assert head_commit(repository) == head
    assert list_files(tmp_path / "new") == ["n.py"]
    assert run_git(tmp_path / "new", "log", "--format=%an") == "continual-code"
