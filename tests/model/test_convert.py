"""The conversion process: it dies with whoever asked, and runs nothing from the current directory."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from continual_code.errors import ModelError
from continual_code.model import convert

ROOT = Path(convert.__file__).parents[2]


def quiet(stage: str, fraction: float | None) -> None:
    pass


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_file_that_is_not_gguf_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"not it")
    with pytest.raises(ModelError, match=r"model\.gguf is not a GGUF file") as caught:
        convert.convert_gguf(tmp_path / "model.gguf", tmp_path / "out", quiet, tied=True)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_conversion_dies_when_the_one_who_asked_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.gguf")  # opening it blocks, as a long conversion would
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pathlib import Path\n"
        "from continual_code.model.convert import convert_gguf\n"
        "convert_gguf(Path('model.gguf'), Path('out'), print, tied=True)"
    )
    asker = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path)
    children = Path(f"/proc/{asker.pid}/task/{asker.pid}/children")
    deadline = time.monotonic() + 10
    while not (child := children.read_text().split()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_running(int(child[0]))
    asker.kill()
    asker.wait()
    while is_running(int(child[0])) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(child[0]))


def test_code_that_lies_in_the_repository_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "continual_code").mkdir()
    (tmp_path / "continual_code" / "__init__.py").write_text("open('ran', 'w')")
    (tmp_path / "model.gguf").write_bytes(b"not it")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="not a GGUF file"):
        convert.convert_gguf(tmp_path / "model.gguf", tmp_path / "out", quiet, tied=True)
    assert not Path("ran").exists()

    subprocess.run([sys.executable, "-m", "continual_code.model.convert"], capture_output=True, check=False)
    assert Path("ran").exists(), "the control must run it"


def test_a_relative_pythonpath_does_not_lead_into_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "continual_code").mkdir()
    (tmp_path / "continual_code" / "__init__.py").write_text("open('ran', 'w')")
    (tmp_path / "model.gguf").write_bytes(b"not it")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ".")
    with pytest.raises(ModelError, match="not a GGUF file"):
        convert.convert_gguf(Path("model.gguf"), Path("out"), quiet, tied=True)
    assert not Path("ran").exists()

    subprocess.run([sys.executable, "-P", "-m", "continual_code.model.convert"], capture_output=True, check=False)
    assert Path("ran").exists(), "the control must run it"
