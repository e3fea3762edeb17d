"""Facts about the person's git repository, and a new repository for the samples.

Invariant: the repository's own configuration is hostile input. Only `ls-files`, `rev-parse`, `rev-list` and
`diff-tree` for names are asked (see `plumbing`), none of which hashes, checks out, fetches or shows content, so
filters, diff drivers, hooks, signing and transports have no occasion to run.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from continual_code.errors import WorkspaceError
from continual_code.workspace import names
from continual_code.workspace.plumbing import ENVIRONMENT, ask
from continual_code.workspace.walk import walk_files

_AUTHOR = {"NAME": "continual-code", "EMAIL": "continual-code@localhost"}


def is_repository(root: Path) -> bool:
    """Whether `root` lies in the working tree of a git repository that git agrees to read."""
    return ask(root, "rev-parse", "--is-inside-work-tree") == b"true\n"


def head_commit(root: Path) -> str | None:
    """The full id of the commit that HEAD names; None without one, without git or outside a repository."""
    answer = (ask(root, "rev-parse", "--verify", "--quiet", "HEAD") or b"").decode("ascii", "replace").strip()
    return answer if re.fullmatch(r"[0-9a-f]{40,64}", answer) else None


def list_files(root: Path) -> list[str]:
    """Plain files that are tracked, or untracked and not ignored, relative to `root`, sorted.

    Submodules and links are left out, and so is a name that `names.normalise` refuses. Outside a repository,
    or where git has nothing to say (all of `root` is ignored), the result of a bounded walk (see `walk_files`).
    """
    answer = ask(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard") or b""
    listed = {os.fsdecode(name) for name in answer.split(b"\0")}
    found = sorted(path for path in listed if names.is_normal(path) and _is_plain_file(root / path))
    return found or walk_files(root)


def recent_files(root: Path, commits: int = 50) -> list[str]:
    """The files beneath `root` that the last commits changed, the newest first, each once; they may be gone since."""
    listed = ask(root, "rev-list", f"--max-count={commits}", "HEAD") or b""
    names_of = ("diff-tree", "--stdin", "-r", "-z", "--name-only", "--no-commit-id", "--no-renames", "--relative")
    changed = ask(root, *names_of, stdin=listed) or b""
    return list(dict.fromkeys(os.fsdecode(name) for name in changed.split(b"\0") if name))


def create_repository(path: Path, files: Mapping[str, str], message: str) -> None:
    """Make a new repository in the empty directory `path` and commit `files` (relative path to LF text).

    The commit has an author of its own; neither hooks, templates, signing nor the person's configuration take part.

    Raises:
        WorkspaceError: the directory is not empty, a path is refused, or git is missing or fails.
    """
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise WorkspaceError(f"{path} is not empty.", kept="Nothing was changed.", do="Choose another directory.")
    for name, text in files.items():
        target = path / names.normalise(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="")
    _commit_all(path.resolve(), message)


def _commit_all(path: Path, message: str) -> None:
    # GitPython looks for the git executable when it is imported, and raises ImportError where there is none.
    try:
        from git import Git
        from git.exc import GitError
    except ImportError as error:
        raise WorkspaceError("git was not found.", do="Install git and try again.") from error
    git = Git(str(path))
    git.update_environment(**_own_repository(path))
    try:
        git.init("--quiet", "--template=", "--initial-branch=main")
        git.add("--force", "--", ".")
        git.commit("--quiet", "--no-verify", "--no-gpg-sign", "--allow-empty", "--cleanup=verbatim", "-m", message)
    except GitError as error:
        raise WorkspaceError(
            f"git could not make the repository in {path}.",
            do="Check that git works and that there is space on the disk.",
        ) from error


def _own_repository(path: Path) -> dict[str, str]:
    """Pin everything that an inherited GIT_... variable could point at another repository or identity."""
    directory = path / ".git"
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _AUTHOR.items()}
    where = {
        "GIT_DIR": str(directory),
        "GIT_COMMON_DIR": str(directory),
        "GIT_WORK_TREE": str(path),
        "GIT_INDEX_FILE": str(directory / "index"),
        "GIT_OBJECT_DIRECTORY": str(directory / "objects"),
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
    }
    return ENVIRONMENT | who | where


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
