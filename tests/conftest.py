"""What all tests share: `tests/` on the import path (for `tiny`), and one tiny model a run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from commanding import Commands
    from playing import Script

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)  # what fails here fails everywhere
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that `--model` accepts; read only, so that all tests can use it."""
    from tiny import make_tiny_model

    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def home(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the commands of one test, with settings for the tiny model; it does not exist yet."""
    values = {
        "HOME": str(tmp_path / "home"), "MODEL": str(tiny_model), "DEVICE": "cpu", "PRECISION": "float32",
        "ADAPTER__RANK": "4", "ADAPTER__ALPHA": "8", "LEARNING__MAX_UPDATES": "3", "LEARNING__SUPPORT_FLOOR": "-1e9",
        "LEARNING__WORK_FLOOR": "-1e9", "LEARNING__MEMORY": "false",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(f"CONTINUAL_CODE_{name}", value)
    return tmp_path / "home"


@pytest.fixture
def script(home: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Script:
    """What the model says in this test."""
    from playing import play_script

    return play_script(monkeypatch, tiny_model)


@pytest.fixture
def command(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Runs commands in a directory with one file."""
    from commanding import Commands
    from playing import plant

    return Commands(plant(tmp_path / "project"), capsys)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT as at a terminal; whatever starts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
