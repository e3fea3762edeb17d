"""The whole loop on a real model, SmolLM2-135M: from a task to an adapter that plain PEFT loads, and at a terminal."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from continual_code.bench.recording.player import Player
from continual_code.bench.recording.screen import Screen
from continual_code.bench.terminal import Terminal
from continual_code.errors import ModelError
from continual_code.model.catalog import Unavailable
from continual_code.model.provision import provision
from continual_code.settings import default_home
from continual_code.ui.grace import GRACE

MODEL, FILE = "smollm2-135m", "numbers.py"
TASK = "Add a function double(x) that returns twice x."
COMMENT = "Always add type hints to every parameter and the return value."
SECONDS = 200

# Logits of the head as the program serves it, against those of the exported directory in plain PEFT.
SERVED = """
import sys, torch
from pathlib import Path
from continual_code.app import open_session
from continual_code.settings import load_settings
import threading
from continual_code.events import Failed, Ready
session, ready = open_session(load_settings()[0], Path(sys.argv[1])), threading.Event()
session.start(lambda event: ready.set() if isinstance(event, (Ready, Failed)) else None)
ready.wait()
view = session._loaded().views.serving
with torch.no_grad():
    torch.save(view.logits(view.hidden(torch.arange(100, 164))), sys.argv[2])
session.close()
"""
EXPORTED = """
import sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
base = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
with torch.no_grad():
    plain = base(torch.arange(100, 164)[None]).logits[0]
    model = PeftModel.from_pretrained(base, sys.argv[2]).eval()
    torch.save((model(torch.arange(100, 164)[None]).logits[0], plain), sys.argv[3])
"""


@pytest.fixture(scope="module")
def models_dir() -> Path:
    """Where the person's own models are, so that a second run fetches nothing."""
    directory = default_home(os.environ) / "models"
    try:
        provision(MODEL, directory, lambda stage, fraction: None)
    except Unavailable as error:
        pytest.skip(f"no source delivers {MODEL}: {error}")
    except ModelError as error:
        if "could not be fetched" not in error.what:
            raise
        pytest.skip(f"no source delivers {MODEL}: {error}")
    return directory


@pytest.fixture
def environment(tmp_path: Path, models_dir: Path) -> dict[str, str]:
    (home := tmp_path / "home").mkdir()
    (home / "models").symlink_to(models_dir)
    plain = {key: value for key, value in os.environ.items() if not key.startswith("CONTINUAL_CODE_")}
    return plain | {
        "CONTINUAL_CODE_HOME": str(home), "CONTINUAL_CODE_MODEL": MODEL, "CONTINUAL_CODE_PRECISION": "float32",
        "CONTINUAL_CODE_DEVICE": "cpu", "HF_HUB_OFFLINE": "1",
        # This model cannot correct itself, nor tell a rule from small talk: it learns from what the comment says
        # against its answer, and its next answer may be any.
        "CONTINUAL_CODE_LEARNING__DEMONSTRATION": "false", "CONTINUAL_CODE_LEARNING__GAP_FLOOR": "0",
        "CONTINUAL_CODE_LEARNING__WORK_FLOOR": "-1e9", "CONTINUAL_CODE_LEARNING__REASK": "false",
    }  # fmt: skip


@pytest.mark.real_model
def test_a_reason_given_to_a_real_model_becomes_an_adapter_that_peft_loads(
    tmp_path: Path, environment: dict[str, str], models_dir: Path
):
    root = tmp_path / "project"
    root.mkdir()
    (root / FILE).write_text("def triple(x):\n    return 3 * x\n")

    def command(*arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        program = [sys.executable, "-m", "continual_code.cli", "--repo", str(root), "--json", *arguments]
        ended = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert ended.returncode in codes, ended.stderr
        assert "Traceback" not in ended.stderr
        return json.loads(ended.stdout)

    answer = command("run", TASK, "--file", FILE, codes=(0, 1))
    if answer["status"] == "no_edit":
        assert answer["reason"]
        pytest.skip(f"the model made no edit: {answer['reason']}")
    assert answer["diff"].startswith(f"--- a/{FILE}\n")
    taught = command("reject", answer["proposal"], "-m", COMMENT, "--wait")
    assert taught["status"] == "learned"
    assert all(math.isfinite(taught[name]) for name in ("gap", "loss_before", "loss_after", "seconds"))
    assert [lesson["comment"] for lesson in command("lessons")] == [COMMENT]
    assert taught["loss_after"] < taught["loss_before"]
    assert command("export", str(tmp_path / "adapter"))["revision"] == 1
    assert command("run", TASK, "--file", FILE, codes=(0, 1)).get("revision") in (1, None)
    check_export(tmp_path, environment, root, models_dir)


@pytest.mark.real_model
def test_a_person_at_a_terminal_teaches_a_real_model_and_finds_the_lesson_there_tomorrow(
    tmp_path: Path, environment: dict[str, str]
):
    root = tmp_path / "project"
    root.mkdir()
    (root / FILE).write_text("def triple(x):\n    return 3 * x\n")

    environment["CONTINUAL_CODE_LEARNING__IDLE_BUDGET"] = "0"  # what becomes of it while they are away is not the story
    with at_a_terminal(root, environment, tmp_path) as person:
        person.wait_for("is ready on")
        person.enter(f"{TASK} @{FILE} ")
        person.wait_for("Say why not|no edit: ")
        if person.sees("no edit: "):
            pytest.skip("the model made no edit")
        person.watch(2 * GRACE)
        person.type("always add type hints")  # the first letter opens the comment
        person.wait_for(r"Why not\?\s+always add type hints")
        person.press("Enter")
        person.wait_for("saved as lesson l1")
        person.type("typed while it learns")
        person.wait_for("› typed while it learns")
        person.wait_for("l1 retried: |no edit: ")
        assert person.sees("typed while it learns")
        assert (root / FILE).read_text() == "def triple(x):\n    return 3 * x\n"
        person.press("Ctrl+Q")
        assert person.leaves() == 0

    with at_a_terminal(root, environment, tmp_path, "-c") as person:
        person.wait_for("is ready on")
        person.wait_for("always add type hints")
        person.press("F4")
        person.wait_for(r"always add type hints\s+numbers\.py\s+● learned")
        person.press("u")
        person.wait_for("Undo lesson l1")
        person.press("y")
        person.wait_for("↶ undone")
        person.press("Ctrl+Q")
        assert person.leaves() == 0


@contextmanager
def at_a_terminal(root: Path, environment: dict[str, str], out: Path, *flags: str) -> Iterator[Player]:
    argv = [sys.executable, "-m", "continual_code.cli", "--repo", str(root), *flags]
    terminal = Terminal(argv, environment | {"TERM": "xterm-256color"}, columns=100, rows=30)
    player = Player(terminal, Screen(100, 30, {}), out, patience=SECONDS)
    try:
        yield player
    except BaseException:
        terminal.hang_up()
        raise


def check_export(tmp_path: Path, environment: dict[str, str], root: Path, models_dir: Path) -> None:
    """The restarted program serves the revision, and the exported adapter says the same without it."""
    import torch

    def script(code: str, *arguments: Path) -> None:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        subprocess.run(command, env=environment, check=True, timeout=SECONDS, cwd=Path(__file__).parents[1])

    script(SERVED, root, tmp_path / "served")
    script(EXPORTED, models_dir / MODEL, tmp_path / "adapter", tmp_path / "exported")
    served = torch.load(tmp_path / "served", weights_only=True)
    exported, plain = torch.load(tmp_path / "exported", weights_only=True)
    assert torch.allclose(served, exported, atol=1e-4, rtol=0)
    assert not torch.allclose(plain, exported, atol=1e-4, rtol=0)  # the lesson did change something
