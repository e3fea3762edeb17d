"""The command `bench map`: what counts as using what the repository has, and what the map changes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from playing import play_script, tiny_settings
from pydantic import TypeAdapter
from transformers import AutoTokenizer

from continual_code.bench.lessons.subject import Answer
from continual_code.bench.map import command
from continual_code.bench.map.command import Reuse
from continual_code.bench.options import add_map

BEFORE = "import os\n\n\ndef sides():\n    return 2\n"
REUSE = Reuse("kit/shapes.py", "Add a function area().", "kit.sums", "total")
CALL = "\n\ndef area():\n    return {}([1, 2])\n"


def offered(after: str) -> Answer:
    return Answer(BEFORE, after, "proposed", None, 1.0)


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("from kit.sums import total", "total"),
        ("from kit.sums import total as add", "add"),
        ("from .sums import total", "total"),
        ("from kit import sums", "sums.total"),
        ("from . import sums", "sums.total"),
        ("import kit.sums", "kit.sums.total"),
        ("import kit.sums as s", "s.total"),
    ],
)
def test_every_way_to_import_it_counts(line: str, call: str) -> None:
    assert REUSE.is_in(offered(f"{line}\n{BEFORE}{CALL.format(call)}"))


@pytest.mark.parametrize(
    "after",
    [
        BEFORE + CALL.format("total"),  # from nowhere
        f"from kit.other import total\n{BEFORE}{CALL.format('total')}",
        f"from kit.sums import total\n{BEFORE}{CALL.format('sum')}",  # imported only
        f"import sums\n{BEFORE}{CALL.format('sums.total')}",
        f"from kit.sums import total\n{BEFORE}\n\ndef area(:\n",
    ],
)
def test_what_would_not_run_or_uses_something_else_does_not_count(after: str) -> None:
    assert not REUSE.is_in(offered(after))


def test_an_edit_that_was_not_offered_does_not_count() -> None:
    after = f"from kit.sums import total\n{BEFORE}{CALL.format('total')}"
    assert not REUSE.is_in(Answer(BEFORE, after, "no_edit: broken", None, 0.0))


def test_the_tasks_never_name_what_they_are_about() -> None:
    content = TypeAdapter(command._Content).validate_json(command._TASKS.read_bytes())
    for reuse in content.tasks:
        assert reuse.name not in reuse.task
        assert reuse.file in content.files
        assert f" {reuse.name}(" in content.files[f"{reuse.module.replace('.', '/')}.py"]
        assert reuse.name not in content.files[reuse.file]


def test_both_arms_are_asked_in_turns_and_only_one_sees_the_map(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer, tasks = AutoTokenizer.from_pretrained(tiny_model), tmp_path / "tasks.json"
    before = BEFORE.replace("import os", "import kit.sums")  # a link, which brings that file into the map
    files = {"kit/shapes.py": before, "kit/sums.py": "def total(numbers):\n    return sum(numbers)\n"}
    asked = [vars_of(REUSE), vars_of(REUSE) | {"task": "Add a function area() again."}]
    tasks.write_text(json.dumps({"files": files, "tasks": asked}))
    monkeypatch.setattr(command, "_TASKS", tasks)

    def after(owner: int) -> str:
        knows = "def total(numbers)" in tokenizer.decode(script.prompts[-1])
        return f"from kit.sums import total\n{before}{CALL.format('total')}" if knows else before + CALL.format("sum")

    script = play_script(monkeypatch, tiny_model, after)
    parser = argparse.ArgumentParser()
    add_map(parser)
    parser.add_argument("--json", action="store_true")
    out = tmp_path / "map.json"
    settings = tiny_settings(tmp_path / "home", tiny_model)
    assert command.bench_map(settings, parser.parse_args(["--out", str(out), "--tokens", "200"])) == 0
    result = json.loads(out.read_text())
    arms = result["arms"]
    assert (arms["without"]["reused"], arms["with"]["reused"]) == (0, 1)
    assert (arms["without"]["offered"], arms["with"]["offered"]) == (1, 1)
    assert 0 < arms["with"]["prompt_tokens"] - arms["without"]["prompt_tokens"] <= 250
    saw = ["def total(numbers)" in tokenizer.decode(prompt) for prompt in script.prompts]
    assert saw == [False, True, True, False]
    assert "| with | 100%" in capsys.readouterr().out


def vars_of(reuse: Reuse) -> dict[str, str]:
    return {name: getattr(reuse, name) for name in Reuse.__slots__}
