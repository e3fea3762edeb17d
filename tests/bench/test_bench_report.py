"""The benchmark's tables and plots show what the summary holds, and show what is missing as missing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from continual_code.bench.lessons.records import Records
from continual_code.bench.lessons.report import MISSING, markdown, plots
from continual_code.bench.lessons.summary import summarise
from continual_code.errors import UsageError


def answers(
    arm: str, stage: str, rule: str, follows: str, role: str = "sibling", **also: bool
) -> list[dict[str, Any]]:  # fmt: skip
    fields = {"kind": "answer", "arm": arm, "seed": 0, "stage": stage, "rule": rule, "role": role, "status": "ok"}
    return [
        {**fields, **also, "task": f"{role}-{task}", "follows": letter == "y"} for task, letter in enumerate(follows)
    ]


def lesson(arm: str, stage: str, rule: str, **fields: Any) -> dict[str, Any]:
    usual = {"seed": 0, "status": "learned", "gap": 0.1, "seconds": 10.0, "peak_bytes": 2**30, "drift": 0.02}
    return {"kind": "lesson", "arm": arm, "stage": stage, "rule": rule, **usual | fields}


RULES = [
    *answers("", "base", "hints", "nnnn"),
    *answers("", "told", "hints", "yyyy"),
    *answers("", "base", "docs", "ynnn"),
    *answers("", "told", "docs", "yyyn"),
    *answers("", "base", "a|b", "nnnn"),
    *answers("", "told", "a|b", "ynnn"),
    *answers("", "base", "hints", "nnnn", "unrelated"),
]
OURS = [
    lesson("ours", "after", "hints"),
    *answers("ours", "after", "hints", "yyyy"),
    *answers("ours", "after", "hints", "nnny", "unrelated"),
    lesson("ours", "after", "docs", drift=0.04, seconds=20.0, status="no_signal"),
    *answers("ours", "after", "docs", "ynnn", elsewhere=True),
    lesson("ours", "sequence:1", "hints"),
    *answers("ours", "sequence:1", "hints", "yyyy"),
    *answers("ours", "sequence:1", "docs", "ynnn"),
    lesson("ours", "sequence:2", "docs"),
    *answers("ours", "sequence:2", "hints", "yynn"),
    *answers("ours", "sequence:2", "docs", "yynn"),
    {"kind": "canary", "arm": "", "seed": 0, "stage": "base", "problem": "p", "passed": True},
    {"kind": "canary", "arm": "ours", "seed": 0, "stage": "sequence:2", "problem": "p", "passed": False},
    {"kind": "noise", "arm": "ours", "seed": 0, "comment": "nice", "status": "no_signal", "changed": False},
    {
        "kind": "flip",
        "arm": "ours",
        "seed": 0,
        "rule": "no hints",
        "against": "hints",
        "able": True,
        "won": True,
        "named": False,
    },
]
UNFINISHED = answers("sft/8", "after", "hints", "yynn")


def summary_of(path: Path, records: list[dict[str, Any]]) -> dict[str, Any]:
    store = Records(path / "records.jsonl", {"model": "tiny"})
    for number, record in enumerate(records):
        store.put(str(number), record)
    return summarise(store, store.config)


@pytest.fixture
def summary(tmp_path: Path) -> dict[str, Any]:
    return summary_of(tmp_path, RULES + OURS + UNFINISHED)


def tables(text: str) -> list[list[dict[str, str]]]:
    """Each table as rows of header to cell."""
    found = []
    for block in text.split("\n\n"):
        lines = [line.strip("| ").split(" | ") for line in block.splitlines() if line.startswith("|")]
        if lines:
            found.append([dict(zip(lines[0], line, strict=True)) for line in lines[2:]])
    return found


def test_the_first_table_has_a_row_for_each_arm(summary: dict[str, Any]) -> None:
    ours, unfinished = tables(markdown(summary))[0]
    assert ours.pop("stick@1").startswith("62% [")
    assert ours.pop("retention").startswith("50% [")
    assert ours == {
        "arm": "ours",
        "base": "12%",
        "told": "88%",
        "elsewhere": "25% [0, 75]",
        "stick@1/told": "71%",  # 5/8 over 7/8
        "retention/told": "57%",  # 1/2 over 7/8
        "drift": "0.030 (0.040)",
        "spill": "25%",
        "canary, points": "-100.0 [-100.0, -100.0]",
        "noise": "100%",
        "flip": "100%",
        "named": "0%",
        "s a lesson": "15",
        "peak GiB": "1.0",
    }
    assert unfinished["stick@1/told"] == "50%"  # over the told rate of the one rule that was measured


def test_an_arm_says_when_not_all_rules_were_measured_and_what_is_missing(summary: dict[str, Any]) -> None:
    unfinished = tables(markdown(summary))[0][1]
    assert unfinished["arm"] == "sft/8 (1 of 2 rules)"
    missing = {name for name, cell in unfinished.items() if cell == MISSING}
    assert missing == unfinished.keys() - {"arm", "base", "told", "stick@1", "stick@1/told"}


def test_the_second_table_has_a_row_for_each_rule_and_arm(summary: dict[str, Any]) -> None:
    rows = tables(markdown(summary))[1]
    assert [(row["rule"], row["arm"]) for row in rows] == [
        ("hints", "ours"),
        ("hints", "sft/8"),
        ("docs", "ours"),
        ("docs", "sft/8"),
    ]
    assert rows[2] == {
        "rule": "docs",
        "arm": "ours",
        "base": "25%",
        "told": "75%",
        "stick@1": "25% [5, 70]",
        "elsewhere": "25%",
        "retention": "50%",
        "drift": "0.040",
        "spill": MISSING,
        "s a lesson": "20",
        "lesson": "no signal",
    }


def test_rules_left_out_and_the_configuration_are_shown(summary: dict[str, Any]) -> None:
    text = markdown(summary)
    assert "| a\\|b | 0% | 25% |" in text, "a bar in a name would break the table"
    assert '"model": "tiny"' in text


def test_a_summary_without_arms_is_still_a_report(tmp_path: Path) -> None:
    assert "None." in markdown(summary_of(tmp_path, []))


def test_plots_without_matplotlib_name_the_extra_to_install(
    summary: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"continual-code\[bench\]"):
        plots(summary, tmp_path / "plots")


def drawn(summary: dict[str, Any], directory: Path) -> dict[str, str]:
    """The plots by file name, their words as text instead of outlines."""
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        return {path.name: path.read_text(encoding="utf-8") for path in plots(summary, directory)}


def test_plots_are_written_for_what_was_measured_only(summary: dict[str, Any], tmp_path: Path) -> None:
    assert list(drawn(summary, tmp_path / "plots")) == ["stick.svg", "retention-ours.svg", "drift.svg"]
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"stick.svg", "retention-ours.svg", "drift.svg"}


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    assert drawn(summary_of(tmp_path, RULES), tmp_path / "plots") == {}


def test_the_plots_show_the_figures_of_the_summary(summary: dict[str, Any], tmp_path: Path) -> None:
    plot = drawn(summary, tmp_path / "plots")
    assert all(f">{word}<" in plot["stick.svg"] for word in ("ours", "sft/8 (1 of 2 rules)", "62%", "50%", "told"))
    assert [plot["retention-ours.svg"].count(f">{cell}<") for cell in ("100", "25", "50")] == [1, 1, 2]
    assert ">ours<" in plot["drift.svg"]
    assert ">sft/8" not in plot["drift.svg"], "its drift was not measured"


def test_an_arms_name_cannot_lead_its_plot_elsewhere(tmp_path: Path) -> None:
    sequence = [*answers("../up", "sequence:1", "hints", "yyyy"), lesson("../up", "sequence:1", "hints")]
    drawn(summary_of(tmp_path, RULES + sequence), tmp_path / "plots")
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["retention-..-up.svg"]


def test_the_same_summary_gives_the_same_files(summary: dict[str, Any], tmp_path: Path) -> None:
    assert drawn(summary, tmp_path / "one") == drawn(summary, tmp_path / "two")
