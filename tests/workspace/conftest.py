"""A directory to work in, a directory beside it that must never change, and both ways of opening beneath."""

from __future__ import annotations

from pathlib import Path

import pytest
from workspace_trees import SECRET, plant

from continual_code.workspace import Edits, Root, beneath


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The directory the program was started in."""
    path = tmp_path / "ws"
    plant(path / "a.py", "one\n")
    plant(path / "pkg/b.py", "two\n")
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory beside it, whose name starts with the same letters."""
    path = tmp_path / "ws2"
    plant(path / "secret.txt", SECRET)
    return path


@pytest.fixture(params=["openat2", "component walk"])
def opening(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of opening a directory beneath another one; the first only where the kernel has it."""
    if request.param == "component walk":
        monkeypatch.setattr(beneath, "has_openat2", lambda: False)
    elif not beneath.has_openat2():
        pytest.skip("this kernel has no openat2")
    return request.param


@pytest.fixture
def root(tree: Path) -> Root:
    return Root(tree)


@pytest.fixture
def edits(root: Root, tmp_path: Path) -> Edits:
    return Edits(root, tmp_path / "state/blobs")
