"""No program named by a repository's own configuration runs, whatever the repository says."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from workspace_trees import plant

from continual_code.workspace import create_repository, head_commit, is_repository, list_files, recent_files

FILES = {"a.py": "a\n", "pkg/b.py": "b\n", "far/c.py": "c\n"}


@dataclass(frozen=True)
class Trap:
    """A repository, a program in it that leaves a mark when it runs, and git as a person calls it."""

    repository: Path
    program: Path
    mark: Path

    @property
    def sprung(self) -> bool:
        return self.mark.exists()

    def git(self, *arguments: str, cwd: Path | None = None, stdin: str = "", tty: bool = False) -> None:
        """Run git the plain way; whether it succeeds is of no interest."""
        own = {"PATH": os.environ["PATH"], "HOME": str(self.repository.parent), "GIT_TERMINAL_PROMPT": "0"}
        who = {f"GIT_{role}_{key}": "p@localhost" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        inherited = {key: value for key, value in os.environ.items() if key.startswith("GIT_")}
        leader, follower = pty.openpty() if tty else (None, None)
        subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.repository,
            env=own | who | inherited,
            input=stdin.encode(),
            stdout=follower if tty else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=False,
        )
        for descriptor in filter(None, (leader, follower)):
            os.close(descriptor)

    def config(self, *pairs: str, file: Path | None = None) -> None:
        where = ("--file", str(file)) if file else ()
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            subprocess.run(["git", "config", *where, key, value], cwd=self.repository, check=True)

    def attributes(self, text: str) -> None:
        plant(self.repository / ".gitattributes", text)

    def touch(self, text: str = "a\n") -> None:
        """Make git look into a.py again (other time, other inode)."""
        (self.repository / "a.py").unlink()
        plant(self.repository / "a.py", text)
        os.utime(self.repository / "a.py", (1, 1))

    def hook(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.program, directory / name)


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    repository, mark = tmp_path / "repo", tmp_path / "mark"
    create_repository(repository, FILES, "first")
    return Trap(repository, plant(tmp_path / "program", f"#!/bin/sh\n: > '{mark}'\n", 0o755), mark)


def fsmonitor(trap: Trap) -> None:
    trap.config("core.fsmonitor", str(trap.program))


def in_a_worktree_config(trap: Trap) -> None:
    trap.config("extensions.worktreeConfig", "true")
    trap.config("core.fsmonitor", str(trap.program), file=trap.repository / ".git/config.worktree")


def in_an_included_file(trap: Trap) -> None:
    trap.config("core.fsmonitor", str(trap.program), file=trap.repository / "more")
    trap.config("include.path", "../more")


def in_a_conditionally_included_file(trap: Trap) -> None:
    trap.config("core.fsmonitor", str(trap.program), file=trap.repository / "more")
    trap.config("includeIf.gitdir:**.path", "../more")


def in_a_directory_that_a_git_file_names(trap: Trap) -> None:
    fsmonitor(trap)
    (trap.repository / ".git").rename(trap.repository / "elsewhere")
    plant(trap.repository / ".git", "gitdir: elsewhere\n")


def in_a_bare_repository_that_came_with_the_tree(trap: Trap) -> None:
    trap.config("core.fsmonitor", str(trap.program), "core.bare", "false", "core.worktree", str(trap.repository))
    for item in list((trap.repository / ".git").iterdir()):
        item.rename(trap.repository / item.name)
    (trap.repository / ".git").rmdir()


def in_a_submodule(trap: Trap) -> None:
    create_repository(trap.repository / "sub", {"inner.py": "x\n"}, "inner")
    subprocess.run(["git", "add", "sub"], cwd=trap.repository, check=True, stderr=subprocess.DEVNULL)
    trap.config("core.fsmonitor", str(trap.program), file=trap.repository / "sub/.git/config")


def filters(kind: str) -> Callable[[Trap], None]:
    def prepare(trap: Trap) -> None:
        trap.config(f"filter.x.{kind}", str(trap.program), "filter.x.required", "true")
        trap.attributes("* filter=x\n")
        trap.touch()

    return prepare


def diffs(kind: str) -> Callable[[Trap], None]:
    def prepare(trap: Trap) -> None:
        trap.config(f"diff.x.{kind}", str(trap.program))
        trap.attributes("* diff=x\n")
        trap.touch("changed\n")

    return prepare


def external_diff(trap: Trap) -> None:
    trap.config("diff.external", str(trap.program))
    trap.touch("changed\n")


def hook(name: str) -> Callable[[Trap], None]:
    def prepare(trap: Trap) -> None:
        trap.hook(trap.repository / ".git/hooks", name)
        trap.touch()

    return prepare


def hooks_path(trap: Trap) -> None:
    trap.hook(trap.repository / "tools", "post-index-change")
    trap.config("core.hooksPath", "tools")
    trap.touch()


def value(*pairs: str) -> Callable[[Trap], None]:
    return lambda trap: trap.config(*(part.format(program=trap.program) for part in pairs))


def promisor(*pairs: str) -> Callable[[Trap], None]:
    """A partial clone with a sparse index from which everything is missing: even a plain listing fetches."""

    def prepare(trap: Trap) -> None:
        trap.git("sparse-checkout", "set", "--cone", "--sparse-index", "pkg")
        partial = (
            "core.repositoryFormatVersion",
            "1",
            "extensions.partialClone",
            "evil",
            "remote.evil.promisor",
            "true",
        )
        value(*partial, *pairs)(trap)
        for kept in (trap.repository / ".git/objects").glob("??/*"):
            if head_commit(trap.repository) != kept.parent.name + kept.name:
                kept.unlink()

    return prepare


@dataclass(frozen=True)
class Attack:
    """How the trap is set, and the ordinary command that springs it."""

    prepare: Callable[[Trap], None]
    control: tuple[str, ...]
    stdin: str = ""
    tty: bool = False


URL = "url=https://example.invalid\n\n"
ATTACKS = {
    "core.fsmonitor": Attack(fsmonitor, ("status",)),
    "core.fsmonitor, asked for a listing": Attack(fsmonitor, ("ls-files", "--others")),
    "worktree config": Attack(in_a_worktree_config, ("status",)),
    "include": Attack(in_an_included_file, ("status",)),
    "includeIf": Attack(in_a_conditionally_included_file, ("status",)),
    "gitdir file": Attack(in_a_directory_that_a_git_file_names, ("status",)),
    "bare repository in the tree": Attack(in_a_bare_repository_that_came_with_the_tree, ("status",)),
    "submodule": Attack(in_a_submodule, ("status",)),
    "filter clean": Attack(filters("clean"), ("status",)),
    "filter process": Attack(filters("process"), ("status",)),
    "filter smudge": Attack(filters("smudge"), ("checkout", "--force", "--", ".")),
    "diff command": Attack(diffs("command"), ("diff",)),
    "diff textconv": Attack(diffs("textconv"), ("diff",)),
    "diff external": Attack(external_diff, ("diff",)),
    "hook post-index-change": Attack(hook("post-index-change"), ("status",)),
    "hook pre-commit": Attack(hook("pre-commit"), ("commit", "--allow-empty", "-m", "x")),
    "hook post-checkout": Attack(hook("post-checkout"), ("checkout", "HEAD")),
    "hooks path": Attack(hooks_path, ("status",)),
    "gpg.program": Attack(
        value("gpg.program", "{program}", "commit.gpgSign", "true"), ("commit", "--allow-empty", "-mx")
    ),
    "ssh command": Attack(value("core.sshCommand", "{program}"), ("fetch", "ssh://example.invalid/x")),
    "git proxy": Attack(value("core.gitProxy", "{program}"), ("fetch", "git://example.invalid/x")),
    "editor": Attack(value("core.editor", "{program}"), ("commit", "--allow-empty")),
    "alias": Attack(value("alias.st", "!{program}"), ("st",)),
    "pager": Attack(value("core.pager", "{program}"), ("log",), tty=True),
    "pager of a listing": Attack(value("pager.ls-files", "{program}"), ("ls-files",), tty=True),
    "credential helper": Attack(value("credential.helper", "{program}"), ("credential", "fill"), URL),
    "ask-pass": Attack(value("core.askPass", "{program}"), ("credential", "fill"), URL),
    "promisor by ext": Attack(
        promisor("remote.evil.url", "ext::{program}", "protocol.ext.allow", "always"), ("ls-files",)
    ),
    "promisor by upload-pack": Attack(
        promisor("remote.evil.url", ".", "remote.evil.uploadPack", "{program}", "protocol.file.allow", "always"),
        ("ls-files",),
    ),
}


def ask_everything(repository: Path) -> None:
    assert is_repository(repository) in (True, False)
    head_commit(repository)
    recent_files(repository)
    assert {"a.py", "pkg/b.py"} <= set(list_files(repository))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_program_that_the_repository_names_never_runs(name: str, trap: Trap) -> None:
    attack = ATTACKS[name]
    attack.prepare(trap)
    trap.mark.unlink(missing_ok=True)
    ask_everything(trap.repository)
    assert not trap.sprung
    trap.git(*attack.control, stdin=attack.stdin, tty=attack.tty)
    assert trap.sprung, "control: the ordinary command did not run the program, so the test proves nothing"


INHERITED: dict[str, Callable[[Trap], dict[str, str]]] = {
    "GIT_EXTERNAL_DIFF": lambda trap: {"GIT_EXTERNAL_DIFF": str(trap.program)},
    "GIT_CONFIG_COUNT": lambda trap: {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(trap.program),
    },
    "GIT_CONFIG_GLOBAL": lambda trap: {"GIT_CONFIG_GLOBAL": str(hostile_config(trap))},
    "GIT_DIR": lambda trap: {"GIT_DIR": str(other_repository(trap) / ".git")},
}


def hostile_config(trap: Trap) -> Path:
    path = trap.repository.parent / "hostile"
    trap.config("core.fsmonitor", str(trap.program), file=path)
    return path


def other_repository(trap: Trap) -> Path:
    other = trap.repository.parent / "other"
    create_repository(other, {"other.py": "x\n"}, "other")
    trap.config("core.fsmonitor", str(trap.program), file=other / ".git/config")
    return other


@pytest.mark.parametrize("name", INHERITED)
def test_a_program_that_the_environment_names_never_runs(
    name: str, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap.touch("changed\n")
    head = head_commit(trap.repository)
    for key, setting in INHERITED[name](trap).items():
        monkeypatch.setenv(key, setting)
    ask_everything(trap.repository)
    assert head_commit(trap.repository) == head
    assert not trap.sprung
    trap.git("diff")
    trap.git("status")
    assert trap.sprung, "control: the ordinary command did not run the program, so the test proves nothing"


@pytest.mark.parametrize("place", [".", "", "{repository}", "{repository}/bin"])
def test_a_program_called_git_in_the_tree_never_runs(place: str, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = trap.repository / ("bin" if place.endswith("bin") else "")
    directory.mkdir(exist_ok=True)
    shutil.copy(trap.program, directory / "git")
    search = place.format(repository=trap.repository) + os.pathsep + os.environ["PATH"]
    monkeypatch.setenv("PATH", search)
    monkeypatch.chdir(trap.repository)
    ask_everything(trap.repository)
    assert head_commit(trap.repository)
    assert not trap.sprung
    subprocess.run(["git", "status"], cwd=trap.repository, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert trap.sprung, "control: the program in the tree was not found"


def test_a_new_repository_runs_nothing_of_the_person_s_own_configuration(
    trap: Trap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pre-commit", "commit-msg", "post-commit"):
        trap.hook(tmp_path / "template/hooks", name)
    config = tmp_path / ".gitconfig"
    trap.config("init.templateDir", str(tmp_path / "template"), "commit.gpgSign", "true", file=config)
    trap.config("gpg.program", str(trap.program), "core.fsmonitor", str(trap.program), file=config)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
    create_repository(tmp_path / "sample", FILES, "first")
    assert head_commit(tmp_path / "sample")
    assert not trap.sprung
    (tmp_path / "plain").mkdir()
    trap.git("init", cwd=tmp_path / "plain")
    trap.git("commit", "--allow-empty", "-m", "x", cwd=tmp_path / "plain")
    assert trap.sprung, "control: the ordinary commands did not run the program"
