"""`bench speed`: each party measures what it says, on a tiny model; ratios are what they are called."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import make_tiny_model

from continual_code.bench.options import add_speed
from continual_code.bench.party import Party
from continual_code.bench.speed import command
from continual_code.bench.speed.edits import EDITS
from continual_code.bench.speed.measure import Figures, Measurement
from continual_code.bench.speed.ours import Ours
from continual_code.bench.speed.peer_transformers import Transformers
from continual_code.bench.speed.summary import markdown, ratios
from continual_code.errors import StateError, UsageError
from continual_code.settings import Settings

TEXT = "def total(values):\n    return sum(values)\n\n\n" * 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.set_num_threads(1)
    return str(make_tiny_model(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture(scope="module")
def ours(model: str) -> Ours:
    found = Ours(model)
    found.pack()
    return found


def test_our_answer_is_that_of_one_token_at_a_time(ours: Ours) -> None:
    asked = ours.prepare("tool.py", TEXT[:200], "Return the result.")
    fast = ours.answer(asked["prompt_ids"], max_tokens=40)
    plain = ours.answer(asked["prompt_ids"], max_tokens=40, plain=True)
    assert fast["token_ids"] == plain["token_ids"]
    assert plain["passes"] == len(plain["token_ids"]) >= fast["passes"]
    assert 0 < fast["first"] <= fast["seconds"]


def test_what_is_sampled_and_what_is_scored_for_a_lesson_agree(ours: Ours) -> None:
    asked = ours.prepare("tool.py", TEXT[:200], "Return the result.")
    assert ours.agreement(asked["prompt_ids"])["nats"] < 0.03, "int8 rounds what is nearly a tie either way"


@pytest.mark.parametrize("full", [False, True])
def test_a_lesson_has_the_size_that_was_asked_for_and_moves_the_adapter(ours: Ours, full: bool) -> None:
    reply = ours.lesson(TEXT, prompt_tokens=120, rollout_tokens=30, full=full)
    assert len(reply["token_ids"]) == 30
    assert len(ours.chat.encode(reply["text"])) == pytest.approx(120, abs=12)
    assert reply["loss"] > 0
    assert any(tensor.any() for name, tensor in ours.views.serving.tensors().items() if "lora_B" in name)
    assert 0 < reply["compute_ahead"] < reply["compute"]


def test_a_lesson_beside_an_answer_is_stopped_afterwards(ours: Ours) -> None:
    asked = ours.prepare("tool.py", TEXT[:200], "Return the result.")
    both = ours.contention(asked["prompt_ids"], TEXT * 4)
    assert both["alone"] > 0
    assert both["beside"] > 0


def test_the_peer_writes_exactly_as_many_tokens_as_it_is_told(model: str, ours: Ours) -> None:
    peer = Transformers(model)
    prompt_ids = ours.prepare("tool.py", TEXT[:200], "Return the result.")["prompt_ids"]
    for lookup in (False, True):
        assert peer.answer(prompt_ids, 12, lookup)["count"] == 12


def test_every_edit_is_of_a_module_that_is_installed_and_about_as_long_as_it_says() -> None:
    for edit in EDITS:
        assert edit.text().count("\n") == pytest.approx(edit.lines, rel=0.25), edit.module
    assert {edit.lines for edit in EDITS} == {40, 150, 400}


# --- Parties ----------------------------------------------------------------------------


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def party(modules: Path, source: str) -> Party:
    (modules / "some_party.py").write_text(source)
    return Party("some_party")


def test_what_a_party_prints_does_not_reach_its_replies(modules: Path) -> None:
    source = (
        "from continual_code.bench.party import serve\n"
        "def add(a, b):\n    print('noise')\n    return {'sum': a + b}\n"
        "serve(lambda: {'add': add})\n"
    )
    child = party(modules, source)
    reply = child.ask("add", a=2, b=3)
    assert reply["sum"] == 5
    assert reply["peak_bytes"] > 1e6
    with pytest.raises(StateError, match="some_party: KeyError"):
        child.ask("divide")
    assert child.ask("add", a=1, b=1)["sum"] == 2, "an error does not end it"
    child.close()


def test_a_party_that_cannot_begin_says_why_and_one_that_died_is_noticed(modules: Path) -> None:
    source = (
        "from continual_code.bench.party import serve\ndef begin():\n    import a_package_nobody_has\nserve(begin)\n"
    )
    child = party(modules, source)
    with pytest.raises(StateError, match="a_package_nobody_has"):
        child.ask("answer")
    child.close()
    with pytest.raises(StateError, match="ended with"):
        party(modules, "raise SystemExit(3)\n").ask("answer")


# --- Ratios -----------------------------------------------------------------------------


def times(seconds: float) -> dict[str, float]:
    return {"first": seconds / 10, "seconds": seconds, "peak_bytes": 1e9}


def figures() -> Figures:
    rows = [
        {"edit": "a", "tokens": 100, "ours": times(1.0), "transformers": times(6.0)},
        {"edit": "a", "tokens": 100, "ours": times(9.0), "transformers": times(6.0)},
        {"edit": "a", "tokens": 100, "ours": times(1.0), "transformers": times(60.0)},
        {"edit": "b", "tokens": 100, "ours": times(2.0), "transformers": times(16.0)},
    ]
    step = {"seconds": 10.0, "compute": 30.0, "peak_bytes": 1e9}
    lessons = [
        {"prompt_tokens": 512, "rollout_tokens": 128, "ours": {**step, "seconds": 8.0}},
        {"prompt_tokens": 512, "rollout_tokens": 256, "ours": {**step, "seconds": 9.0}},
        {"prompt_tokens": 8192, "rollout_tokens": 256, "ours": step, "trl": {**step, "seconds": 200.0}},
    ]
    serving = {"turns": {"cold": 20.0, "second": 1.0}, "contention": {"alone": 4.0, "beside": 5.0}}
    return Figures(rows, lessons, serving)


def test_a_ratio_is_of_medians_and_above_one_where_ours_is_faster() -> None:
    found = ratios(figures())
    assert found["proposal_vs_transformers"] == 7.0, "between 6 for one edit and 8 for the other"
    assert found["proposal_vs_llama_cpp"] is None, "nobody measured it"
    assert (found["verdict_to_swap_vs_trl_8192"], found["step_compute_vs_trl_8192"]) == (20.0, 1.0)
    assert found["verdict_to_swap_vs_trl_512"] is None
    assert found["verdict_to_swap_512_vs_8192"] == 0.9, "of the same number of rollout tokens"
    assert (found["second_turn_vs_cold"], found["streaming_beside_a_lesson_vs_alone"]) == (20.0, 0.8)


def test_the_table_shows_every_party_that_was_measured_and_no_other() -> None:
    table = markdown(figures())
    assert "7.0x [6.0, 8.0]" in table
    assert "llama.cpp" not in table
    assert "| 512/128 | 8.0 s |" in table


def test_a_package_that_is_missing_leaves_out_its_party_and_says_so(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("continual_code.bench.speed.measure.SIZES", ((96, 16),))
    monkeypatch.setattr("continual_code.bench.speed.measure.TRL", "a_package_nobody_has")
    said: list[str] = []
    measurement = Measurement(model, None, quick=True, repeats=1, say=said.append)
    measurement.lessons()
    (row,) = measurement.figures.lessons
    assert row["ours"]["seconds"] > 0
    assert "text" not in row["ours"]
    assert "trl" not in row
    assert "trl_96" in measurement.figures.missing
    assert any("left out" in line for line in said)


def test_the_command_prints_one_json_object_with_ratios_figures_and_machine(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "measure_screen", lambda model: {"idle_ms": {"p95": 8.0}})
    out = tmp_path / "speed.json"
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_speed(parser)
    settings = Settings(home=tmp_path, model=model)
    assert command.speed(settings, parser.parse_args(["--only", "screen", "--json", "--out", str(out)])) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert printed == json.loads(out.read_text())
    assert printed["figures"]["screen"]["idle_ms"]["p95"] == 8.0
    assert printed["machine"]["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    assert printed["ratios"]["proposal_vs_transformers"] is None
    with pytest.raises(UsageError, match="no part 'lesson'"):
        command.speed(settings, parser.parse_args(["--only", "lesson"]))
