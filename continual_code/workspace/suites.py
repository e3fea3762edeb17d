"""Which command tests a repository.

Invariant: looking runs nothing and follows no link; what is found is a suggestion of the repository, which is not
trusted, and is marked as one.
"""

from __future__ import annotations

import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass

from continual_code.errors import WorkspaceError
from continual_code.workspace.root import Root

_TEST_TARGET = re.compile(r"^test\s*:(?!=)", re.MULTILINE)
_VENVS = (".venv", "venv")


@dataclass(frozen=True, slots=True)
class Suite:
    """The command line that runs the tests; `detected`: the repository suggests it, the person has not chosen it."""

    command: str
    detected: bool


def find_suite(root: Root, configured: str = "") -> Suite | None:
    """`configured` if there is one, else what the files at the root suggest; None when they suggest nothing."""
    if configured.strip():
        return Suite(configured.strip(), detected=False)
    command = _suggested(root)
    return Suite(command, detected=True) if command else None


def _suggested(root: Root) -> str | None:
    if _text(root, "pyproject.toml") is not None or _text(root, "pytest.ini") is not None:
        return _pytest(root)
    if _has_test_script(_text(root, "package.json")):
        return "npm test"
    if _text(root, "Cargo.toml") is not None:
        return "cargo test"
    if _text(root, "go.mod") is not None:
        return "go test ./..."
    if _is_directory(root, "tests"):
        return _pytest(root)
    return "make test" if _TEST_TARGET.search(_text(root, "Makefile") or "") else None


def _pytest(root: Root) -> str:
    """With the interpreter of the repository's own environment, where it has one."""
    own = next((f"{name}/bin/python" for name in _VENVS if (root.path / name / "bin/python").exists()), None)
    return f"{own or ('python' if shutil.which('python') else 'python3')} -m pytest -q"


def _has_test_script(package: str | None) -> bool:
    try:
        scripts = json.loads(package or "{}")["scripts"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return isinstance(scripts, dict) and isinstance(scripts.get("test"), str)


def _text(root: Root, path: str) -> str | None:
    with suppress(WorkspaceError):  # a link, a folder or a binary file suggests nothing
        if source := root.read(path):
            return source.text
    return None


def _is_directory(root: Root, path: str) -> bool:
    with suppress(WorkspaceError, FileNotFoundError), root.open_dir(path):
        return True
    return False
