"""Which relative paths may be opened, judged by their spelling alone.

Invariant: no component of a path that leaves here can be read as "up", "elsewhere" or git's own directory by a
POSIX, NTFS or HFS+ file system, whether or not the file exists yet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from continual_code.errors import WorkspaceError
from continual_code.workspace.refusal import refusal

MAX_PATH_BYTES = 4095  # PATH_MAX of Linux counts the final NUL
MAX_NAME_BYTES = 255  # NAME_MAX of every common file system
MAX_DEPTH = 100

_JOINERS = "\u200c\u200d"  # part of Persian words and of emoji; every other invisible character only deceives
_FORBIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
_SLASH_TWINS = frozenset("⁄∕⧸⫽╱")  # look like a slash and, unlike U+FF0F, have no compatibility form that is one

# 8.3 short names on NTFS: .git is GIT~1, .gitmodules GITMOD~1 (CVE-2019-1353).
_GIT_SHORT_NAME = re.compile(r"git~\d+")
_GIT_FILE_SHORT_NAME = re.compile(r"git.{1,3}~\d+")

# Other programs run what these hold, without the person asking: shells, git, editors, hook managers, other agents.
# An edit that looks harmless in a diff would run a command later, so only the person writes them (any case, at any
# depth, existing or not: CVE-2026-25725 protected such files only once they existed). `.git*` is covered as a prefix.
PERSON_ONLY = frozenset({
    ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile", ".login", ".logout",
    ".inputrc", ".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", ".kshrc", ".cshrc", ".tcshrc", ".envrc",
    ".vimrc", ".exrc", ".nvimrc", ".nvim.lua", ".emacs", ".dir-locals.el", ".vscode", ".idea", ".devcontainer",
    ".husky", ".pre-commit-config.yaml", ".ssh", ".cursor", ".claude", ".mcp.json", ".continual-code.toml",
})  # fmt: skip


def normalise(path: str) -> str:
    """`./a//b.py` as `a/b.py`; the same text again when it is normal already.

    Raises:
        WorkspaceError: the path is empty, absolute, too long or too deep, climbs, names git's directory, or
            holds characters that cannot be seen or that imitate a slash.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    why = _problem_of_path(path, parts) or next(filter(None, map(_problem_of_name, parts)), None)
    if why:
        raise refusal(path, why, do="Use a path relative to the directory the program was started in.")
    return "/".join(parts)


def is_normal(path: str) -> bool:
    """Whether `path` is what `normalise` makes of it; False where that refuses it."""
    try:
        return normalise(path) == path
    except WorkspaceError:
        return False


def writable(path: str) -> str:
    """`normalise`, and refuse what only the person may write (`PERSON_ONLY`)."""
    normal = normalise(path)
    if any(map(_is_person_only, normal.split("/"))):
        why = "may hold commands that another program runs by itself, so it is never written for you"
        raise refusal(path, why, do="Change it yourself if you want this.")
    return normal


def is_git_directory(name: str) -> bool:
    """Whether some file system could take `name` for `.git`."""
    folded = _fold(name)
    return folded == ".git" or _GIT_SHORT_NAME.fullmatch(folded) is not None


def parents(path: str) -> list[str]:
    """The directories above a normal path, outermost first: `a/b/c.py` gives `a`, `a/b`."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def split(path: str) -> tuple[str, str]:
    """A normal path as the directory ("." for the root) and the name in it."""
    directory, _, name = path.rpartition("/")
    return directory or ".", name


def _is_person_only(name: str) -> bool:
    folded = _fold(name)
    is_git_file = folded.startswith(".git") or _GIT_FILE_SHORT_NAME.match(folded) is not None
    return is_git_file or folded in PERSON_ONLY


def _problem_of_path(path: str, parts: Sequence[str]) -> str | None:
    if any(unicodedata.category(char) in _FORBIDDEN_CATEGORIES and char not in _JOINERS for char in path):
        return "holds a control, invisible or text-direction character"
    if not parts:
        return "names no file"
    if path.startswith("/") or "://" in path or re.fullmatch("[A-Za-z]:", parts[0]):
        return "is absolute"
    if parts[0].startswith("~"):
        return "starts with “~”, which means a home directory"
    if path.endswith(("/", "/.")):
        return "names a directory, not a file"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if len(parts) > MAX_DEPTH:
        return f"is more than {MAX_DEPTH} directories deep"
    return None


def _problem_of_name(name: str) -> str | None:
    compatible = unicodedata.normalize("NFKC", name)
    if "\\" in compatible or "/" in compatible or not _SLASH_TWINS.isdisjoint(name):
        return "holds a backslash or a character that imitates a slash"
    if not compatible.strip(" .'\"`"):
        return "has a part that is only dots, spaces or quotes, which can mean the directory above"
    if is_git_directory(name):
        return "is inside git's own directory"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"has a name longer than {MAX_NAME_BYTES} bytes"
    return None


def _fold(name: str) -> str:
    """`name` as the most forgiving file system compares it.

    Without characters that HFS+ ignores, without case, without an NTFS stream (`.git::$INDEX_ALLOCATION`) and
    without the dots and spaces that Windows drops at the end.
    """
    visible = "".join(char for char in name if unicodedata.category(char) != "Cf")
    folded = unicodedata.normalize("NFKC", visible).casefold()
    return folded.split(":", 1)[0].strip(" '\"`").rstrip(" .")
