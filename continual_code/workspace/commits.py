"""One commit of an accepted edit, on the branch that the person is on.

Invariant: the commit holds the edit, what it builds on in the same file that HEAD has not, and nothing else; what the
person has staged and what they have not is the same before and after; no hook runs; and HEAD moves by this one commit,
from where it was looked at, or not at all.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from continual_code.errors import WorkspaceError
from continual_code.workspace.content import sha256
from continual_code.workspace.git import head_commit
from continual_code.workspace.plumbing import Environment, ask
from continual_code.workspace.record import EditRecord
from continual_code.workspace.root import Root

T = TypeVar("T")
_BRANCHES = "refs/heads/"
_UNDER_WAY = {
    "MERGE_HEAD": "merge", "CHERRY_PICK_HEAD": "cherry-pick", "REVERT_HEAD": "revert", "rebase-merge": "rebase",
    "rebase-apply": "rebase", "BISECT_LOG": "bisection",
}  # fmt: skip
_IDENTITY = re.compile(r"(.*) <(.*)> (\d+ [+-]\d{4})")
# The person's own: their name may stand in the configuration of their account, or in these variables.
_PERSONS = (
    "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "EMAIL", "TZ",
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commit:
    """`id` is the full one. `index_behind`: git's index could not follow and still has the file of before."""

    id: str
    branch: str
    index_behind: bool


@dataclass(frozen=True, slots=True)
class Committable:
    """A commit that could be made on `branch`, of the newest `edits` of those that were asked about."""

    branch: str
    edits: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What an index, or a commit, has at a path."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the commit stands on, and of how many edits it is. `name` is the path from the repository's own root."""

    ref: str
    head: str
    name: str
    committed: _Entry | None
    staged: _Entry | None
    data: bytes
    edits: int


def committable(root: Root, edits: Sequence[EditRecord]) -> Committable:
    """The commit that `commit_edit` would make of as many of the edits as HEAD has not.

    Args:
        edits: as `commit_edit` takes them, and there may be older ones before them.

    Raises:
        WorkspaceError: none can be made as things are (see there).
    """
    _identity(root.path)
    ground = _survey(root, edits)
    return Committable(ground.ref.removeprefix(_BRANCHES), ground.edits)


def commit_edit(root: Root, edits: Sequence[EditRecord], message: str) -> Commit:
    """Commit what edits made of their file.

    Args:
        edits: of one file, each made of what the one before it left; at least one.

    Raises:
        WorkspaceError: no repository, no branch or no commit on it yet, a merge or the like under way, no identity,
            or the file has other changes than all of these edits; no commit was made.
    """
    record = edits[-1]
    ground, identity = _survey(root, edits), _identity(root.path)
    if ground.edits < len(edits):
        raise _refused(f"Some of these edits of {record.path} are committed already", do="Try again.")
    blob = _require(_id_from(ask(root.path, "hash-object", "-w", "--stdin", stdin=ground.data)))
    executable = bool(record.mode & 0o100)
    entry = _Entry(ground.committed.mode if ground.committed else "100755" if executable else "100644", blob)
    tree = _tree(root.path, ground, entry)
    made = _id_from(ask(
        root.path, "-c", "i18n.commitEncoding=UTF-8", "commit-tree", "--no-gpg-sign", "-p", ground.head, tree,
        stdin=(message.strip() + "\n").encode("utf-8", "replace"), env=identity,
    ))  # fmt: skip
    _move(root.path, ground, _require(made), identity)
    branch = ground.ref.removeprefix(_BRANCHES)
    return Commit(made or "", branch, not _follow(root.path, ground, entry))


def _survey(root: Root, edits: Sequence[EditRecord]) -> _Ground:
    record = edits[-1]
    prefix = ask(root.path, "rev-parse", "--show-prefix")
    if prefix is None:
        raise _refused(f"{root.path} is in no git repository")
    ref = (ask(root.path, "symbolic-ref", "--quiet", "HEAD") or b"").decode("utf-8", "surrogateescape").strip()
    if not ref.startswith(_BRANCHES):
        raise _refused("HEAD is on no branch (it is detached)", do="Switch to a branch first: `git switch NAME`.")
    head = head_commit(root.path)
    if head is None:
        raise _refused("There is no commit on this branch yet", do="Make the first one yourself.")
    _require_rest(root.path)
    name = os.fsdecode(prefix.removesuffix(b"\n")) + record.path
    data = _edited(root, record)
    with tempfile.TemporaryDirectory(prefix="index-") as scratch:
        committed = _entry(root.path, record.path, name, _index_of(root.path, head, scratch))
    staged = _entry(root.path, record.path, name, {})
    count = _require_alone(root.path, edits, committed, staged)
    return _Ground(ref, head, name, committed, staged, data, count)


def _require_rest(root: Path) -> None:
    """Refuse while git is in the middle of something."""
    directory = ask(root, "rev-parse", "--absolute-git-dir")
    if directory is None:
        raise _refused("git's own directory was not found")
    inside = Path(os.fsdecode(directory.removesuffix(b"\n")))
    what = next((what for name, what in _UNDER_WAY.items() if os.path.lexists(inside / name)), None)
    if what:
        raise _refused(f"A {what} is under way", do="Finish or abort it first.")


def _edited(root: Root, record: EditRecord) -> bytes:
    """The bytes that the edit wrote, which must still be there."""
    content = root.read_content(record.path)
    if content is None or content.sha256 != record.after_sha:
        raise _refused(f"{record.path} was changed since the edit", do="Commit it yourself.")
    return content.data


def _require_alone(
    root: Path, edits: Sequence[EditRecord], committed: _Entry | None, staged: _Entry | None
) -> int:  # fmt: skip
    """How many of the edits HEAD has not; refuse when the file differs from HEAD by anything else, or in the index."""
    record, before = edits[-1], _sha256_of(root, committed)
    if before == record.after_sha:
        raise _refused(f"{record.path} is committed like this already")
    count = next((count for count, each in enumerate(reversed(edits), 1) if each.before_sha == before), 0)
    if not count:
        raise _refused(f"{record.path} has other uncommitted changes than this edit", do="Commit it yourself.")
    if staged != committed and _sha256_of(root, staged) != record.after_sha:
        raise _refused(f"{record.path} is staged with other changes than this edit", do="Commit it yourself.")
    attributes = ask(root, "check-attr", "-z", "--stdin", "filter", stdin=os.fsencode(record.path) + b"\0") or b"\0"
    if attributes.split(b"\0")[2:3] not in ([b"unspecified"], [b"unset"]):
        raise _refused(f"{record.path} goes through a filter of git", do="Commit it yourself.")
    listed = ask(root, "ls-files", "-z", "--others", "--exclude-standard", "--", record.path) or b""
    if staged is None and listed != os.fsencode(record.path) + b"\0":
        raise _refused(f"{record.path} is ignored by git")
    return count


def _index_of(root: Path, commit: str, scratch: str) -> Environment:
    """The environment in which git's index is a temporary one that holds `commit`."""
    env = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
    _require(ask(root, "read-tree", commit, env=env))
    return env


def _entry(root: Path, path: str, name: str, index: Environment) -> _Entry | None:
    """What the index has at `path`, which git calls `name`."""
    answer = _require(ask(root, "ls-files", "-z", "--full-name", "--stage", "--", path, env=index))
    lines = [line.partition(b"\t") for line in answer.split(b"\0") if line]
    if not lines:
        return None
    mode, blob, stage = lines[0][0].decode("ascii").split()
    if len(lines) > 1 or os.fsdecode(lines[0][2]) != name or stage != "0" or mode not in ("100644", "100755"):
        raise _refused(f"{path} is not one plain file to git (a conflict, a link, a directory or a submodule)")
    return _Entry(mode, blob)


def _sha256_of(root: Path, entry: _Entry | None) -> str | None:
    return None if entry is None else sha256(_require(ask(root, "cat-file", "blob", entry.blob)))


def _identity(root: Path) -> Environment:
    """Who commits, as the person has told git; guessed from the machine's name it does not count."""
    persons = {"GIT_CONFIG_GLOBAL": None, "GIT_CONFIG_NOSYSTEM": None}
    persons |= {name: os.environ[name] for name in _PERSONS if name in os.environ}
    found: dict[str, str] = {}
    for role in ("AUTHOR", "COMMITTER"):
        answer = ask(root, "-c", "user.useConfigOnly=true", "var", f"GIT_{role}_IDENT", env=persons) or b""
        match = _IDENTITY.fullmatch(answer.decode("utf-8", "surrogateescape").strip())
        if match is None:
            do = "Tell it: `git config --global user.name NAME` and `git config --global user.email MAIL`."
            raise _refused("git does not know who you are", do=do)
        found |= dict(zip((f"GIT_{role}_{part}" for part in ("NAME", "EMAIL", "DATE")), match.groups(), strict=True))
    return found


def _tree(root: Path, ground: _Ground, entry: _Entry) -> str:
    """The tree of HEAD with the one path changed."""
    with tempfile.TemporaryDirectory(prefix="index-") as scratch:
        index = _index_of(root, ground.head, scratch)
        _require(ask(root, "update-index", "--add", "--cacheinfo", _cacheinfo(ground, entry), env=index))
        tree = _require(_id_from(ask(root, "write-tree", env=index)))
    changed = ask(root, "diff-tree", "-r", "-z", "--name-only", "--no-renames", ground.head, tree)
    if changed != os.fsencode(ground.name) + b"\0":
        raise _refused("git would have committed something else")
    return tree


def _move(root: Path, ground: _Ground, commit: str, identity: Environment) -> None:
    """Put the branch on the commit, if it still is where it was."""
    line = os.fsencode(f"update {ground.ref}\0{commit}\0{ground.head}\0")
    if ask(root, "update-ref", "-z", "--stdin", "-m", "commit (continual-code)", stdin=line, env=identity) is None:
        raise _refused("The branch was moved meanwhile, or is locked", do="Try again.")


def _follow(root: Path, ground: _Ground, entry: _Entry) -> bool:
    """Let git's index know the file as committed, where it knew it as committed before.

    Otherwise the edit's reversal would be staged, and the person's next commit would undo it. Where they staged the
    edit themselves there is nothing to do. False when the index is locked.
    """
    if ground.staged != ground.committed:
        return True
    return ask(root, "update-index", "--add", "--cacheinfo", _cacheinfo(ground, entry)) is not None


def _cacheinfo(ground: _Ground, entry: _Entry) -> str:
    return f"{entry.mode},{entry.blob},{ground.name}"


def _id_from(answer: bytes | None) -> str | None:
    id = (answer or b"").decode("ascii", "replace").strip()
    return id if re.fullmatch(r"[0-9a-f]{40,64}", id) else None


def _require(answer: T | None) -> T:
    if answer is None:
        raise _refused("git could not make the commit", do="Check that git works there, and commit it yourself.")
    return answer


def _refused(what: str, do: str = "") -> WorkspaceError:
    return WorkspaceError(f"{what}.", kept="No commit was made.", do=do)
