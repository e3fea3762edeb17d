"""The screen opens at once, and what is wrong with everything behind it is still one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from playing import plant

PROGRAM = ["-P", "-m", "continual_code.cli"]


def opened(tmp_path: Path, *arguments: str) -> tuple[int | None, str]:
    """Exit code, and what the terminal shows after the screen is gone."""
    home = tmp_path / "home"
    environment = os.environ | {"TERM": "xterm-256color", "CONTINUAL_CODE_HOME": str(home)}
    root = plant(tmp_path / "project")
    child = pexpect.spawn(
        sys.executable, [*PROGRAM, "--repo", str(root), *arguments], env=environment, encoding="utf-8", timeout=60
    )
    child.expect(pexpect.EOF)
    child.close()
    painted, _, rest = (child.before or "").rpartition("\x1b[?1049l")  # back from the alternate screen
    assert painted, rest
    return child.exitstatus, rest


def broken_settings(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("nonsense = 1\n")


def damaged_journal(home: Path) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state" / "journal.db").write_bytes(b"not a database" * 1000)


def in_the_way(home: Path) -> None:
    home.mkdir()
    (home / "state").write_text("not a directory")


def nothing(home: Path) -> None:
    home.mkdir()


@pytest.mark.parametrize(
    ("prepare", "model", "code", "says"),
    [
        (broken_settings, "smollm2-135m", 2, "Setting nonsense: Extra inputs are not permitted"),
        (damaged_journal, "smollm2-135m", 1, "is damaged"),
        (in_the_way, "smollm2-135m", 1, "cannot be used"),
        (nothing, "no-such-model", 1, 'No model is called "no-such-model".'),
        (nothing, "./nowhere", 1, "is not a model that can be used"),
    ],
)
def test_what_keeps_a_session_from_starting_closes_the_screen_and_is_said(
    tmp_path: Path, prepare: Callable[[Path], None], model: str, code: int, says: str
) -> None:
    prepare(tmp_path / "home")
    found, said = opened(tmp_path, "--model", model)
    assert says in said
    assert found == code
    assert "Traceback" not in said
