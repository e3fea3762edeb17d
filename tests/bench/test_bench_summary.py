"""The benchmark's records survive a crash, and its figures are those worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from continual_code.bench.lessons.records import Records
from continual_code.bench.lessons.summary import bootstrap, summarise, wilson
from continual_code.errors import StateError, UsageError

CONFIG = {"model": "tiny", "tasks": 4}


class Bench:
    """A harness that writes down what it is told to have measured."""

    def __init__(self, path: Path) -> None:
        self.records = Records(path, CONFIG)

    def put(self, kind: str, **fields: Any) -> None:
        self.records.put(str(len(self.records.all())), {"kind": kind, **fields})

    def answers(
        self, arm: str, stage: str, rule: str, follows: str, *, seed: int = 0, role: str = "sibling", **also: bool
    ) -> None:
        """`follows` has a letter a task: "y" or "n"."""
        for task, letter in enumerate(follows):
            fields = {"rule": rule, "role": role, "task": f"{role}-{task}", "follows": letter == "y", "status": "ok"}
            self.put("answer", arm=arm, seed=seed, stage=stage, **fields, **also)

    def rule(self, rule: str, *, base: str, told: str) -> None:
        self.answers("", "base", rule, base)
        self.answers("", "told", rule, told)

    def lesson(self, arm: str, stage: str, rule: str, *, seed: int = 0, **fields: Any) -> None:
        usual = {"status": "learned", "gap": 0.1, "seconds": 10.0, "peak_bytes": None, "drift": None}
        self.put("lesson", arm=arm, seed=seed, stage=stage, rule=rule, **usual | fields)

    def arm(self, name: str) -> dict[str, Any]:
        return self.summary()["arms"][name]

    def summary(self) -> dict[str, Any]:
        return summarise(self.records, CONFIG)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Two rules that can be taught: hints (0 untold, 4 of 4 told) and docs (1 of 4, 3 of 4)."""
    bench = Bench(tmp_path / "records.jsonl")
    bench.rule("hints", base="nnnn", told="yyyy")
    bench.rule("docs", base="ynnn", told="yyyn")
    return bench


# --- Records -------------------------------------------------------------------------------


def test_a_record_is_there_for_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "out" / "records.jsonl"
    first = Records(path, CONFIG)
    put = first.put("a", {"kind": "noise", "pair": (1, 2)})
    again = Records(path, CONFIG)
    assert again.get("a") == put == first.get("a") == {"kind": "noise", "pair": [1, 2]}
    assert again.get("b") is None


def test_the_first_line_is_the_configuration_and_each_record_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    Records(path, CONFIG).put("a", {"kind": "noise"})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"config": CONFIG},
        {"key": "a", "kind": "noise"},
    ]


def test_opening_without_a_configuration_takes_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    Records(path, CONFIG).put("a", {"kind": "noise"})
    assert Records(path).config == CONFIG


def test_records_are_found_by_kind_and_fields_in_the_order_of_writing(tmp_path: Path) -> None:
    records = Records(tmp_path / "records.jsonl", CONFIG)
    for key, arm in (("b", "ours"), ("a", "sft"), ("c", "ours")):
        records.put(key, {"kind": "noise", "arm": arm, "name": key})
    records.put("d", {"kind": "flip", "arm": "ours"})
    assert [record["name"] for record in records.of("noise", arm="ours")] == ["b", "c"]
    assert len(records.all()) == 4


@pytest.mark.parametrize("keep", [1, 15, len(b'{"key": "b", "kind": "flip"}')])
def test_a_line_torn_by_a_crash_is_dropped_and_overwritten(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "records.jsonl"
    records = Records(path, CONFIG)
    records.put("a", {"kind": "noise"})
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"key": "b", "kind": "flip"}\n'[:keep])
    resumed = Records(path, CONFIG)
    assert resumed.get("b") is None
    resumed.put("c", {"kind": "canary"})
    assert path.read_bytes() == whole + b'{"key": "c", "kind": "canary"}\n'


def test_looking_at_records_that_are_being_written_cuts_nothing_off(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    Records(path, CONFIG).put("a", {"kind": "noise"})
    path.write_bytes(path.read_bytes() + b'{"key": "b", "ki')
    before = path.read_bytes()
    Records(path).all()
    assert path.read_bytes() == before


def test_a_crash_within_the_first_line_starts_afresh(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"conf')
    Records(path, CONFIG).put("a", {"kind": "noise"})
    assert Records(path, CONFIG).get("a") == {"kind": "noise"}


def test_a_damaged_line_in_the_middle_is_named_and_not_skipped(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    records = Records(path, CONFIG)
    records.put("a", {"kind": "noise"})
    records.put("b", {"kind": "noise"})
    path.write_bytes(path.read_bytes().replace(b'{"key": "a"', b'{"key: "a"'))
    with pytest.raises(StateError, match="Line 2"):
        Records(path, CONFIG)


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes")
    with pytest.raises(StateError, match="no records"):
        Records(path, CONFIG)
    assert path.read_text() == "my notes"


def test_records_of_another_configuration_are_refused_by_naming_the_difference(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    Records(path, CONFIG).put("a", {"kind": "noise"})
    with pytest.raises(UsageError) as caught:
        Records(path, {"model": "tiny", "tasks": 6, "seeds": (0,)})
    assert "tasks was 4, now 6; seeds was not set, now [0]." in caught.value.what
    assert "model" not in caught.value.what.replace(str(path), "")
    assert "--out" in caught.value.do


# --- Which rules count -----------------------------------------------------------------------


def test_only_rules_that_telling_helps_to_follow_half_the_time_are_counted(bench: Bench) -> None:
    bench.rule("haiku", base="nnnn", told="ynnn")
    bench.rule("habit", base="yyyn", told="yyyn")
    bench.rule("half", base="nnnn", told="yynn")
    summary = bench.summary()
    assert summary["teachable"] == ["hints", "docs", "half"]
    assert summary["untaught"] == {"haiku": {"base": 0.0, "told": 0.25}, "habit": {"base": 0.75, "told": 0.75}}


def test_answers_to_a_rule_that_cannot_be_taught_do_not_move_an_aggregate(bench: Bench) -> None:
    bench.answers("ours", "after", "hints", "yyyn")
    without = bench.arm("ours")
    bench.rule("haiku", base="nnnn", told="nnnn")
    bench.answers("ours", "after", "haiku", "nnnn")
    bench.lesson("ours", "after", "haiku", drift=9.0, seconds=99.0)
    assert bench.arm("ours") == without


# --- One lesson ------------------------------------------------------------------------------


def test_rates_are_means_over_rules_of_each_rules_share(bench: Bench) -> None:
    bench.answers("ours", "after", "hints", "yyyy", seed=0)
    bench.answers("ours", "after", "hints", "yynn", seed=1)  # 6 of 8
    bench.answers("ours", "after", "docs", "yn")  # 1 of 2
    arm = bench.arm("ours")
    assert (arm["base"], arm["told"], arm["stick_at_1"]) == (0.125, 0.875, 0.625)
    assert arm["per_rule"]["hints"]["stick_at_1"] == 0.75
    assert arm["per_rule"]["hints"]["ci"]["stick_at_1"] == pytest.approx([0.40928, 0.92852], abs=1e-4)


def test_what_is_followed_in_other_files_is_counted_apart(bench: Bench) -> None:
    bench.answers("ours", "after", "hints", "ynn", elsewhere=True)
    bench.answers("ours", "after", "docs", "yyy", elsewhere=False)
    arm = bench.arm("ours")
    assert arm["stick_at_1"] == pytest.approx(2 / 3)
    assert arm["stick_elsewhere"] == arm["per_rule"]["hints"]["stick_elsewhere"] == pytest.approx(1 / 3)
    assert arm["per_rule"]["docs"]["stick_elsewhere"] is None


def test_a_lesson_that_gave_no_signal_still_counts(bench: Bench) -> None:
    bench.lesson("ours", "after", "hints")
    bench.answers("ours", "after", "hints", "yyyy")
    bench.lesson("ours", "after", "docs", status="no_signal", seed=0)
    bench.lesson("ours", "after", "docs", status="learned", seed=1)
    bench.lesson("ours", "after", "docs", status="no_signal", seed=2)
    bench.answers("ours", "after", "docs", "nnnn")
    arm = bench.arm("ours")
    assert arm["stick_at_1"] == 0.5
    assert arm["per_rule"]["hints"]["status"] == "learned"
    assert arm["per_rule"]["docs"]["status"] == "no_signal 2, learned 1"


def test_spill_counts_unrelated_tasks_where_the_rule_is_new(bench: Bench) -> None:
    bench.answers("", "base", "hints", "ynnn", role="unrelated")
    bench.answers("ours", "after", "hints", "yynny", role="unrelated")  # the fifth was not asked before
    arm = bench.arm("ours")
    assert arm["spill"] == arm["per_rule"]["hints"]["spill"] == 0.25
    assert arm["stick_at_1"] is arm["told_spill"] is None


def test_what_the_comment_itself_does_to_unrelated_tasks_stands_beside_it(bench: Bench) -> None:
    bench.answers("", "base", "hints", "ynnn", role="unrelated")
    bench.answers("", "told", "hints", "yyyn", role="unrelated")
    bench.answers("ours", "after", "hints", "yynn", role="unrelated")
    arm = bench.arm("ours")
    assert (arm["spill"], arm["told_spill"]) == (0.25, 0.5)
    assert arm["per_rule"]["hints"]["told"] == 1.0, "of the siblings alone"


def test_drift_time_and_memory_are_of_lessons_and_drift_is_that_of_single_ones(bench: Bench) -> None:
    bench.lesson("ours", "after", "hints", drift=0.01, seconds=10.0, peak_bytes=2**30)
    bench.lesson("ours", "after", "hints", drift=0.03, seconds=20.0, seed=1)
    bench.lesson("ours", "after", "docs", drift=0.06, seconds=45.0, peak_bytes=2**31)
    bench.lesson("ours", "after", "docs", drift=None, seconds=35.0, seed=1)
    bench.lesson("ours", "sequence:1", "docs", drift=5.0, seconds=500.0, peak_bytes=3 * 2**30)
    arm = bench.arm("ours")
    assert arm["drift"] == pytest.approx(0.04)
    assert arm["drift_max"] == 0.06
    assert arm["seconds_per_lesson"] == pytest.approx(27.5)
    assert arm["peak_gib"] == 3.0


# --- The sequence ------------------------------------------------------------------------------


def play_sequence(bench: Bench, seed: int = 0, last: str = "nyyy") -> None:
    """docs, then hints; `last` is how docs is followed at the end."""
    bench.lesson("ours", "sequence:1", "docs", seed=seed)
    bench.answers("ours", "sequence:1", "hints", "nnnn", seed=seed)
    bench.answers("ours", "sequence:1", "docs", "yyyy", seed=seed)
    bench.lesson("ours", "sequence:2", "hints", seed=seed)
    bench.answers("ours", "sequence:2", "hints", "yynn", seed=seed)
    bench.answers("ours", "sequence:2", "docs", last, seed=seed)


def test_the_matrix_has_a_row_a_lesson_and_columns_in_the_order_of_teaching(bench: Bench) -> None:
    play_sequence(bench)
    play_sequence(bench, seed=1, last="nnny")
    assert bench.arm("ours")["matrix"] == {"rules": ["docs", "hints"], "rows": [[1.0, 0.0], [0.5, 0.5]]}


def test_a_seed_taught_in_another_order_counts_for_retention_but_not_in_the_matrix(bench: Bench) -> None:
    play_sequence(bench)
    bench.lesson("ours", "sequence:1", "hints", seed=1)
    bench.lesson("ours", "sequence:2", "docs", seed=1)
    for rule in ("hints", "docs"):
        bench.answers("ours", "sequence:2", rule, "nnnn", seed=1)
    arm = bench.arm("ours")
    assert arm["matrix"]["rows"] == [[1.0, 0.0], [0.75, 0.5]]
    assert arm["retention"] == pytest.approx((0.75 + 0.5) / 4)


def test_retention_is_the_mean_of_the_last_row(bench: Bench) -> None:
    play_sequence(bench)
    arm = bench.arm("ours")
    assert arm["retention"] == pytest.approx((0.75 + 0.5) / 2)
    assert {rule: found["retention"] for rule, found in arm["per_rule"].items()} == {"hints": 0.5, "docs": 0.75}


def test_a_sequence_that_was_stopped_midway_has_a_matrix_but_no_retention(bench: Bench) -> None:
    bench.put("canary", arm="", seed=0, stage="base", problem="p", passed=True)
    bench.lesson("ours", "sequence:1", "docs")
    bench.answers("ours", "sequence:1", "hints", "nnnn")
    bench.answers("ours", "sequence:1", "docs", "yyyy")
    bench.put("canary", arm="ours", seed=0, stage="sequence:1", problem="p", passed=False)
    bench.lesson("ours", "sequence:2", "hints")
    bench.answers("ours", "sequence:2", "hints", "yyyy")
    arm = bench.arm("ours")
    assert arm["retention"] is None
    assert arm["canary_delta"] is None
    assert arm["matrix"]["rows"] == [[1.0, 0.0], [None, 1.0]]


def test_the_canary_is_compared_problem_by_problem_in_points(bench: Bench) -> None:
    play_sequence(bench)
    for problem, before, after in (("p", True, True), ("q", True, False), ("r", True, False), ("s", False, True)):
        bench.put("canary", arm="", seed=0, stage="base", problem=problem, passed=before)
        bench.put("canary", arm="ours", seed=0, stage="sequence:2", problem=problem, passed=after)
    bench.put("canary", arm="ours", seed=0, stage="sequence:2", problem="new", passed=True)
    assert bench.arm("ours")["canary_delta"] == -25.0


# --- Comments that should change nothing, comments that contradict -----------------------------


def test_noise_is_right_only_when_nothing_was_signalled_and_nothing_changed(bench: Bench) -> None:
    for status, changed in (("no_signal", False), ("no_signal", True), ("learned", False), ("learned", True)):
        bench.put("noise", arm="ours", seed=0, comment=f"{status} {changed}", status=status, changed=changed)
    assert bench.arm("ours")["noise"] == 0.25


def test_a_contradiction_with_a_rule_that_cannot_be_taught_is_not_counted(bench: Bench) -> None:
    for rule, able, won in (("hints", True, True), ("docs", True, False), ("haiku", False, False)):
        bench.put("flip", arm="ours", seed=0, rule=f"{rule}, flipped", against=rule, able=able, won=won, named=able)
    assert (bench.arm("ours")["flip"], bench.arm("ours")["named"]) == (0.5, 1.0)


# --- What was not measured ---------------------------------------------------------------------


def test_what_was_not_measured_is_none_and_the_names_are_all_there(bench: Bench) -> None:
    bench.put("noise", arm="ours", seed=0, comment="nice", status="no_signal", changed=False)
    arm = bench.arm("ours")
    missing = {"stick_at_1", "stick_elsewhere", "retention", "drift", "spill", "canary_delta", "flip", "named"}
    missing |= {"told_spill", "seconds_per_lesson", "peak_gib"}
    assert {name for name, value in arm.items() if value is None} == missing | {"drift_max"}
    assert {name for name, value in arm["ci"].items() if value is None} == missing
    assert arm["ci"].keys() == missing | {"base", "told", "noise"}
    assert arm.keys() == arm["ci"].keys() | {"drift_max", "ci", "per_rule", "matrix"}
    assert arm["matrix"] == {"rules": [], "rows": []}
    assert arm["per_rule"]["hints"]["status"] is None


def test_a_summary_of_nothing_is_json_without_arms(tmp_path: Path) -> None:
    summary = Bench(tmp_path / "records.jsonl").summary()
    assert json.loads(json.dumps(summary, allow_nan=False)) == {
        "arms": {},
        "teachable": [],
        "untaught": {},
        "config": CONFIG,
    }


def test_an_arm_without_a_teachable_rule_has_no_rates(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "records.jsonl")
    bench.rule("haiku", base="nnnn", told="nnnn")
    bench.answers("ours", "after", "haiku", "yyyy")
    assert bench.arm("ours")["stick_at_1"] is None
    assert bench.arm("ours")["told"] is None


# --- Intervals ---------------------------------------------------------------------------------


def test_the_score_interval_of_none_in_ten_reaches_28_percent() -> None:
    assert wilson([0.0] * 10) == pytest.approx([0.0, 0.27753], abs=1e-4)
    assert wilson([]) is None


def test_rules_are_resampled() -> None:
    assert bootstrap({"a": {0: [0.0] * 50}, "b": {0: [1.0] * 50}}) == [0.0, 1.0]


def test_seeds_are_resampled_within_a_rule() -> None:
    assert bootstrap({"a": {0: [0.0] * 50, 1: [1.0] * 50}}) == [0.0, 1.0]


def test_tasks_are_resampled_within_a_seed() -> None:
    interval = bootstrap({"a": {0: [0.0, 1.0] * 50}})
    assert interval == pytest.approx([0.40, 0.60], abs=0.02)  # 0.5 ± 1.96 · 0.5 / √100


def test_unequal_numbers_of_tasks_are_not_filled_up() -> None:
    assert bootstrap({"a": {0: [1.0], 1: [1.0] * 9}, "b": {3: [1.0] * 4}}) == [1.0, 1.0]


def test_the_same_records_give_the_same_intervals() -> None:
    tree = {"a": {0: [0.0, 1.0, 1.0]}, "b": {0: [0.2, 0.4, 0.9]}}
    assert bootstrap(tree) == bootstrap(tree)
