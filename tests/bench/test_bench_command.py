"""The command `bench lessons` from its arguments to its files, on a tiny model whose answers are scripted."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playing import Script, play_script, tiny_settings
from transformers import AutoTokenizer

from continual_code.bench.lessons import command, harness
from continual_code.bench.options import add_lessons
from continual_code.errors import ModelError, UsageError
from continual_code.settings import AdapterSettings, Settings

BEFORE = "def double(x):\n    return x + x\n"
WORDS = ("zebra", "tiger")
PROMISED = {
    "told", "stick_at_1", "retention", "drift", "spill", "canary_delta", "seconds_per_lesson", "per_rule",
}  # fmt: skip
SMALL = (
    "--arms", "ours,memory,none", "--seeds", "1", "--siblings", "2", "--unrelated", "1", "--sequence", "2",
    "--noise", "1", "--canary", "1",
)  # fmt: skip


def rule_of(word: str) -> dict[str, Any]:
    """A rule "call the result WORD" as it is in a file of a person's own."""

    def task(name: str) -> dict[str, str]:
        return {"task": f"Rewrite double, {name}.", "file": "tool.py", "code": BEFORE}

    tasks = {"correct_on": [task("please")], "siblings": [task("now"), task("later")], "unrelated": [task("or not")]}
    return {"id": word, "comment": f"Call the result {word}.", "check": f"'{word}' in src", "tasks": tasks}


@dataclass
class Bench:
    """A person's directory with a rules file, an installed model, and what it says."""

    directory: Path
    settings: Settings
    script: Script

    @property
    def out(self) -> Path:
        return self.directory / "result.json"

    @property
    def summary(self) -> dict[str, Any]:
        return json.loads(self.out.read_text())

    def run(self, *arguments: str, settings: Settings | None = None, out: Path | None = None) -> int:
        """Arguments after the usual ones override them."""
        parser = argparse.ArgumentParser()
        add_lessons(parser)
        usual = ("--rules", str(self.directory / "rules.json"), "--out", str(out or self.out), *SMALL)
        return command.lessons(settings or self.settings, parser.parse_args([*usual, *arguments]))

    def files(self) -> dict[str, bytes]:
        found = sorted(path for path in self.directory.rglob("*") if path.is_file() and "home" not in path.parts)
        return {str(path.relative_to(self.directory)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def bench(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Untaught, the model writes the words it is told; with any other adapter or prompt it writes all."""
    directory, tokenizer = tmp_path_factory.mktemp("bench"), AutoTokenizer.from_pretrained(tiny_model)
    (directory / "rules.json").write_text(json.dumps({"rules": [rule_of(word) for word in WORDS]}))

    def after(owner: int) -> str:
        prompt = tokenizer.decode(script.prompts[-1])
        name = "_".join(word for word in WORDS if owner > 0 or word in prompt) or "result"
        return f"def double(x):\n    {name} = x * 2\n    return {name}\n"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness, "passes", lambda problem, answer: "return" in answer)
        patch.setattr(command, "sandbox_available", lambda: None)
        script = play_script(patch, tiny_model, after)
        settings = tiny_settings(directory / "home", tiny_model, demonstration=False, gap_floor=0.0, max_updates=1)
        yield Bench(directory, settings, script)


@pytest.fixture(scope="module")
def measured(bench: Bench) -> Bench:
    assert bench.run() == 0
    return bench


# --- What it writes ----------------------------------------------------------------------------


def test_the_result_holds_all_that_is_promised_for_every_arm(measured: Bench) -> None:
    summary = measured.summary
    assert summary.keys() >= {"arms", "config"}
    assert summary["arms"].keys() == {"ours", "memory", "none"}
    for arm in summary["arms"].values():
        assert arm.keys() >= PROMISED
        assert None not in [arm[name] for name in PROMISED]
        assert arm["per_rule"].keys() == set(WORDS)
    assert summary["config"]["arms"] == ["ours", "memory", "none"]
    assert summary["config"]["rules"] == list(WORDS)


def test_the_figures_are_those_of_the_script(measured: Bench) -> None:
    arms = measured.summary["arms"]
    shares = {name: [arm[key] for key in ("told", "stick_at_1", "retention", "spill")] for name, arm in arms.items()}
    assert shares == {"ours": [1, 1, 1, 1], "memory": [1, 1, 1, 1], "none": [1, 0, 0, 0]}
    assert [arm["canary_delta"] for arm in arms.values()] == [0, 0, 0]


def test_where_no_program_can_be_confined_all_but_the_canary_is_measured(
    measured: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "sandbox_available", lambda: "This system has no namespaces.")
    out = tmp_path / "confined.json"
    assert measured.run("--arms", " none , none", out=out) == 0
    arms = json.loads(out.read_text())["arms"]
    assert list(arms) == ["none"], "spaces do not count, and an arm is measured once"
    assert arms["none"]["canary_delta"] is None
    assert arms["none"]["retention"] == 0
    assert "No canary: This system has no namespaces." in capsys.readouterr().err


def test_an_arm_that_was_asked_for_is_in_the_result_though_no_rule_can_be_taught(
    measured: Bench, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"rules": [rule_of("tiger") | {"check": "'lion' in src"}]}))
    assert measured.run("--rules", str(rules), "--arms", "none", out=tmp_path / "none.json") == 0
    summary = json.loads((tmp_path / "none.json").read_text())
    assert summary["arms"]["none"].keys() >= PROMISED
    assert summary["arms"]["none"]["stick_at_1"] is None
    assert summary["untaught"] == {"tiger": {"base": 0.0, "told": 0.0}}


def test_only_learning_drifts_and_takes_time(measured: Bench) -> None:
    arms = measured.summary["arms"]
    assert arms["ours"]["drift"] > 1e-6
    assert [arms[name]["drift"] for name in ("memory", "none")] == pytest.approx([0, 0], abs=1e-6)
    assert arms["ours"]["seconds_per_lesson"] > 0
    assert [arms[name]["seconds_per_lesson"] for name in ("memory", "none")] == [0, 0]


def test_a_table_is_written_beside_it(measured: Bench) -> None:
    table = measured.out.with_suffix(".md").read_text()
    assert all(f"| {name} |" in table for name in ("ours", "memory", "none", *WORDS))


def test_the_result_is_for_every_reader_of_json(measured: Bench) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    json.loads(measured.out.read_text(), parse_constant=refuse)


def test_a_second_run_asks_nothing_and_writes_the_same(measured: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    before, asked = measured.files(), len(measured.script.prompts)
    assert asked > 20
    assert measured.run() == 0
    assert len(measured.script.prompts) == asked
    assert measured.files() == before
    assert capsys.readouterr().out.rstrip("\n") == measured.out.with_suffix(".md").read_text().rstrip("\n")


@pytest.mark.parametrize(("arguments", "rules"), [(("--only", "tiger"), ["tiger"]), (("--limit", "1"), ["zebra"])])
def test_the_rules_are_those_that_were_chosen(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], rules: list[str]
) -> None:
    monkeypatch.setattr(command, "plots", lambda summary, directory: [])
    out, few = tmp_path / "few.json", ("--arms", "none", "--sequence", "0", "--noise", "0", "--canary", "0")
    assert bench.run(*few, *arguments, out=out) == 0
    summary = json.loads(out.read_text())
    assert summary["config"]["rules"] == rules
    assert list(summary["arms"]["none"]["per_rule"]) == rules
    assert summary["arms"]["none"]["retention"] is None, "what was not measured is not 0"


def test_learning_rates_are_rows_of_one_table_and_share_what_the_untaught_model_answers(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "plots", lambda summary, directory: [])
    out, rates = tmp_path / "tune.json", ("sdpo@1e-5", "sdpo@1e-3")
    singles = ("--sequence", "0", "--noise", "0", "--flips", "0", "--canary", "0")
    assert bench.run("--arms", ",".join(rates), *singles, out=out) == 0
    small, large = (json.loads(out.read_text())["arms"][name] for name in rates)
    assert (small["stick_at_1"], large["stick_at_1"]) == (1, 1)
    assert 0 <= small["drift"] < large["drift"]
    assert all(f"| {name} |" in out.with_suffix(".md").read_text() for name in rates)
    lines = out.with_suffix(".records.jsonl").read_text().splitlines()
    assert sum('"stage": "told"' in line for line in lines) == 6, "three tasks of two rules, once for all rates"


# --- What it refuses ---------------------------------------------------------------------------


def refused(measured: Bench, *arguments: str, settings: Settings | None = None) -> UsageError:
    """Run with the same --out; nothing may be asked or changed."""
    before, asked = measured.files(), len(measured.script.prompts)
    with pytest.raises(UsageError) as caught:
        measured.run(*arguments, settings=settings)
    assert measured.files() == before
    assert len(measured.script.prompts) == asked
    return caught.value


def test_another_configuration_for_the_same_result_is_refused_in_one_sentence(measured: Bench) -> None:
    error = refused(measured, "--siblings", "1")
    assert "another configuration: siblings was 2, now 1." in error.what
    assert "\n" not in error.what
    assert error.kept == "It is unchanged."
    assert "--out" in error.do


@pytest.mark.parametrize("option", ["siblings", "unrelated", "sequence", "canary"])
def test_an_option_that_earlier_records_depend_on_cannot_be_changed(measured: Bench, option: str) -> None:
    assert f"{option} was" in refused(measured, f"--{option}", "7").what


@pytest.mark.parametrize("change", [{"adapter": AdapterSettings(rank=2, alpha=8)}, {"model": "./elsewhere"}])
def test_other_settings_are_another_configuration(measured: Bench, change: dict[str, Any]) -> None:
    error = refused(measured, settings=measured.settings.model_copy(update=change))
    assert f"{next(iter(change))} was" in error.what


@pytest.mark.parametrize("group", ["context", "generation", "learning"])
def test_every_setting_of_asking_and_learning_counts(measured: Bench, group: str) -> None:
    values = {"context": {"prompt_tokens": 999}, "generation": {"temperature": 0.5}, "learning": {"beta": 0.5}}
    changed = getattr(measured.settings, group).model_copy(update=values[group])
    assert f"{group} was" in refused(measured, settings=measured.settings.model_copy(update={group: changed})).what


def test_an_edited_rule_is_another_configuration_though_it_keeps_its_name(measured: Bench) -> None:
    path = measured.directory / "rules.json"
    text = path.read_text()
    path.write_text(text.replace("'zebra' in src", "'zebra' not in src"))
    try:
        assert "rules_sha256" in refused(measured).what
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    ("arguments", "what", "choice"),
    [
        (("--arms", "none,magic"), "no arm 'magic'", "ours"),
        (("--arms", "none,ours@fast"), "'fast' is not a learning rate", "ours@1e-4"),
        (("--only", "zebra,lion"), "no rule 'lion'", "tiger"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_those_that_do(
    bench: Bench, tmp_path: Path, arguments: tuple[str, ...], what: str, choice: str
) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        bench.run(*arguments, out=tmp_path / "result.json")
    assert choice in caught.value.do
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("--seeds", "-1"), ("--limit", "many"), ("--siblings", "1.5"), ("--out", "lessons.md")]
)
def test_what_cannot_be_measured_is_refused_before_anything_is_loaded(
    arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_lessons(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--out", "x.json", *arguments])
    assert arguments[1] in capsys.readouterr().err


def test_a_model_that_is_not_installed_is_refused_with_the_way_to_get_it(bench: Bench, tmp_path: Path) -> None:
    missing = bench.settings.model_copy(update={"model": "qwen2.5-coder-0.5b"})
    with pytest.raises(ModelError, match="not installed") as caught:
        bench.run(settings=missing, out=tmp_path / "result.json")
    assert "models pull qwen2.5-coder-0.5b" in caught.value.do
    assert list(tmp_path.iterdir()) == []
