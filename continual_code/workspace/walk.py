"""List the files of a directory that is not a git repository.

Invariant: the walk is bounded in files, directories and depth, and follows no link, so neither a home directory nor
a tree made to be endless holds the program up.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from continual_code.workspace import names

MAX_FILES = MAX_DIRECTORIES = 20_000
SKIPPED = frozenset({
    ".git", ".hg", ".svn", "node_modules", ".venv", "venv", ".tox", ".nox", "__pycache__", ".mypy_cache",
    ".pytest_cache", ".ruff_cache", ".hypothesis", ".cache", ".eggs", ".gradle", ".terraform", ".next",
})  # fmt: skip


def walk_files(root: Path, max_files: int = MAX_FILES) -> list[str]:
    """At most `max_files` plain files beneath `root`, relative, sorted; without `SKIPPED` directories."""
    found: list[str] = []
    walk = os.fwalk(root, follow_symlinks=False)
    for visited, (directory, directories, files, descriptor) in enumerate(walk, start=1):
        above = os.path.relpath(directory, root)
        directories[:] = _worth_visiting(above, directories)
        paths = (name if above == "." else f"{above}/{name}" for name in sorted(files) if _is_plain(name, descriptor))
        found.extend(filter(names.is_normal, paths))
        if len(found) >= max_files or visited >= MAX_DIRECTORIES:
            break
    return sorted(found[:max_files])


def _worth_visiting(above: str, directories: list[str]) -> list[str]:
    if above.count("/") + 2 >= names.MAX_DEPTH:
        return []
    return sorted(name for name in directories if name not in SKIPPED)


def _is_plain(name: str, descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)
    except OSError:
        return False
