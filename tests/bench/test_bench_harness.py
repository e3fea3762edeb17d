"""The harness measures what the plan says, each thing once, also when it is stopped in between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from continual_code.bench.lessons import arms, harness
from continual_code.bench.lessons.arms import Taught
from continual_code.bench.lessons.canary import Problem
from continual_code.bench.lessons.harness import Harness, Plan
from continual_code.bench.lessons.noise import NOISE
from continual_code.bench.lessons.records import Records
from continual_code.bench.lessons.rules import Exercise, Rule, load_rules
from continual_code.bench.lessons.subject import Answer, Lesson, State, Subject
from continual_code.errors import StateError
from continual_code.events import Message, Reminder, Rollout
from continual_code.learning.lessons import Earlier
from continual_code.learning.rehearsal import Rehearsal

WORDS = ("alpha", "beta", "gamma")
PLAN = Plan(("learner",), seeds=1, siblings=2, unrelated=1, sequence=3, noise=1)
PROBLEMS = (Problem("p/0", "", "f", "", ""),)


class Stopped(Exception):
    """The run was ended from outside."""


@dataclass
class Fake(Subject):
    """A model that writes every word it was told, has learned or keeps in memory, and some words of its own accord.

    The task steers it: "own WORD" writes that word always, "deaf" writes no other, "mute" gives no answer.
    """

    stop_at: int = 0
    calls: int = 0
    asked: list[tuple[str, frozenset[str], str]] = field(default_factory=list)
    lessons: list[tuple[Lesson, State]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.untaught = State(0, {"known": torch.zeros(len(WORDS))})
        self.base = cast("Any", SimpleNamespace(chat=SimpleNamespace(decode=lambda ids: f"text {len(ids)}")))
        self._next = 1

    def state(
        self, tensors: Any, memory: Sequence[Reminder] = (), taught: Sequence[Earlier] = (),
        lines: Sequence[Earlier] = (),
    ) -> State:  # fmt: skip
        self._next += 1
        return State(self._next, tensors, tuple(memory), tuple(taught), tuple(lines))

    def answer(self, exercise: Exercise, state: State, *, told: str = "") -> Answer:
        self._count()
        lines = [told, *(reminder.comment for reminder in state.memory)]
        words = learned(state) | {word for word in WORDS if any(word in line for line in lines)}
        self.asked.append((exercise.task, frozenset(words), told))
        before = exercise.files.get(exercise.file, "")
        if "mute" in exercise.task:
            return Answer(before, before, "no_edit: mute", None, 0.0)
        words = set() if "deaf" in exercise.task else words
        words |= {word for word in WORDS if f"own {word}" in exercise.task}
        after = f"said = {sorted(words)!r}\n"
        rollout = Rollout((Message("user", exercise.task),), (1,), (1,) * len(words), (), 0.0, 1.0, 0, 0, "stop")
        return Answer(before, after, "proposed", rollout, 1.0)

    def chat(self, messages: Sequence[Message], state: State) -> str:
        self._count()
        return "wrong" if "alpha" in learned(state) else "right"

    def drift(self, state: State) -> float:
        self._count()
        return float(len(learned(state)))

    def teach(self, subject: Subject, state: State, lesson: Lesson) -> Taught:
        """The arm "learner": knows from now on the words of the comment, or finds none in it."""
        self._count()
        self.lessons.append((lesson, state))
        new = torch.tensor([float(word in lesson.comment) for word in WORDS])
        if not new.any():
            return Taught(state, "no_signal", 0.0, 0.5)
        after = torch.maximum(cast("torch.Tensor", state.tensors["known"]), new)
        rehearsal = Rehearsal([1, 2], [len(state.taught)], [0])
        taught = [*state.taught, Earlier(lesson.id, (), rehearsal)]
        return Taught(self.state({"known": after}, state.memory, taught), "learned", 0.25, 0.5)

    @property
    def corrected(self) -> list[str]:
        """The tasks on which the lessons were given."""
        return [lesson.rollout.messages[0].content for lesson, _ in self.lessons]

    def _count(self) -> None:
        self.calls += 1
        if self.calls == self.stop_at:
            raise Stopped


def learned(state: State) -> set[str]:
    return {word for word, known in zip(WORDS, state.tensors["known"].tolist(), strict=True) if known}


def rule_of(
    word: str, *, correct: Sequence[str] = ("fix", "mend"), siblings: Sequence[str] = ("one", "two"), **fields: str
) -> dict[str, Any]:
    """A rule "say WORD" as it is in a file; every task is about this rule alone."""
    kinds = {"correct_on": correct, "siblings": siblings, "unrelated": ("else",)}
    tasks = {kind: [f"{name} for {word}" for name in names] for kind, names in kinds.items()}
    return {"id": word, "comment": f"say {word}", "check": f"'{word}' in src", "tasks": tasks, **fields}


class Bench:
    """A directory in which runs leave their records; every run is by a new program."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory, self._monkeypatch = directory, monkeypatch
        self.records = directory / "records.jsonl"
        monkeypatch.setattr(harness, "passes", lambda problem, answer: answer == "right")

    def rules(self, *stated: dict[str, Any]) -> tuple[Rule, ...]:
        path = self.directory / "rules.json"
        path.write_text(json.dumps({"rules": stated}))
        return load_rules(path)

    def run(self, rules: Sequence[Rule], plan: Plan = PLAN, *, stop_at: int = 0) -> Fake:
        fake = Fake(stop_at=stop_at)
        self._monkeypatch.setitem(arms.ARMS, "learner", fake.teach)
        states, said = self.directory / "states", lambda line: None
        Harness(fake, rules, Records(self.records, {}), states, plan, PROBLEMS, said).run()
        return fake

    def written(self) -> list[dict[str, Any]]:
        """The lines of the file but the first, without what the machine adds."""
        _, *lines = self.records.read_text().splitlines() if self.records.exists() else [""]
        return [{name: value for name, value in json.loads(line).items() if name != "peak_bytes"} for line in lines]

    def of(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        wanted = {"kind": kind, **fields}
        return [record for record in self.written() if wanted.items() <= record.items()]

    def follows(self, **fields: Any) -> list[bool]:
        return [record["follows"] for record in self.of("answer", **fields)]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def three_rules(bench: Bench) -> tuple[Rule, ...]:
    return bench.rules(*(rule_of(word) for word in WORDS))


# --- Before any lesson ---------------------------------------------------------------------


def test_the_untaught_model_is_measured_with_and_without_each_comment(bench: Bench) -> None:
    bench.run(bench.rules(rule_of("alpha"), rule_of("beta")))
    for word in ("alpha", "beta"):
        assert bench.follows(stage="base", rule=word, role="sibling", arm="") == [False, False]
        assert bench.follows(stage="told", rule=word, role="sibling", arm="") == [True, True]
        assert bench.follows(stage="base", rule=word, role="unrelated", arm="") == [False]
        assert bench.follows(stage="told", rule=word, role="unrelated", arm="") == [True]


def test_what_no_lesson_has_changed_is_asked_once_for_all_arms_and_rules(bench: Bench) -> None:
    shared = rule_of("alpha") | {"id": "again"}  # another rule with the same tasks
    plan = Plan(("none", "memory", "learner"), seeds=2, siblings=2, unrelated=1, sequence=0, noise=0)
    fake = bench.run(bench.rules(rule_of("alpha"), shared), plan)
    untold = Counter(task for task, words, told in fake.asked if not words and not told)
    assert untold.keys() == {f"{name} for alpha" for name in ("one", "two", "else", "fix", "mend")}
    assert set(untold.values()) == {1}
    assert max(Counter((task, told) for task, words, told in fake.asked if told).values()) == 2, "once for each rule"
    assert len(bench.of("answer", arm="none", stage="after", role="sibling")) == 2 * 2 * 2


def test_only_rules_that_telling_helps_with_are_taught(bench: Bench) -> None:
    deaf = rule_of("beta", siblings=("deaf one", "deaf two"))
    known = rule_of("gamma", siblings=("own gamma one", "own gamma two"))
    bench.run(bench.rules(rule_of("alpha"), deaf, known))
    assert bench.follows(stage="told", rule="beta", role="sibling") == [False, False]
    assert bench.follows(stage="base", rule="gamma", role="sibling") == [True, True]
    assert {record["rule"] for record in bench.of("lesson")} == {"alpha"}
    assert {record["rule"] for record in bench.of("answer", arm="learner")} == {"alpha"}


@pytest.mark.parametrize(
    ("siblings", "taught"), [(("deaf one", "two"), True), (("deaf one", "deaf two", "three"), False)]
)
def test_half_of_the_tasks_must_follow_when_told(bench: Bench, siblings: Sequence[str], taught: bool) -> None:
    bench.run(bench.rules(rule_of("alpha", siblings=siblings)), Plan(("learner",), 1, 3, 0, 0, 0))
    assert bool(bench.of("lesson")) is taught


def test_no_more_tasks_are_asked_than_the_plan_says(bench: Bench) -> None:
    rules = bench.rules(rule_of("alpha", siblings=("one", "two", "three")))
    fake = bench.run(rules, Plan(("learner",), seeds=1, siblings=2, unrelated=0, sequence=1, noise=0))
    assert len(bench.follows(stage="base")) == len(bench.follows(stage="after")) == 2
    assert bench.of("answer", role="unrelated") == []
    assert not any("three" in task or "else" in task for task, *_ in fake.asked)


# --- One lesson ------------------------------------------------------------------------------


def test_an_answer_says_whether_it_is_about_another_file_than_the_lesson(bench: Bench) -> None:
    def in_file(name: str) -> dict[str, Any]:
        return {"task": f"{name} for alpha", "file": "a.py", "files": {"a.py": "a = 1\n"}}

    tasks = {"correct_on": [in_file("fix")], "siblings": [in_file("one"), "two for alpha"], "unrelated": []}
    bench.run(bench.rules({**rule_of("alpha"), "tasks": tasks}), Plan(("learner",), 1, 2, 0, 0, 0))
    assert [record["elsewhere"] for record in bench.of("answer", stage="after", role="sibling")] == [True, False]
    assert {record["elsewhere"] for record in bench.of("answer", stage="told")} == {None}


def test_after_a_lesson_every_sibling_and_unrelated_task_is_asked_again(bench: Bench) -> None:
    bench.run(three_rules(bench), Plan(("learner",), 1, 2, 1, 0, 0))
    for word in WORDS:
        assert bench.follows(arm="learner", stage="after", rule=word, role="sibling") == [True, True]
        assert bench.follows(arm="learner", stage="after", rule=word, role="unrelated") == [True], "it spills"
        (lesson,) = bench.of("lesson", rule=word)
        assert (
            lesson.items() >= {"stage": "after", "status": "learned", "gap": 0.25, "drift": 1.0, "seconds": 0.5}.items()
        )


def test_each_lesson_alone_begins_with_the_untaught_model(bench: Bench) -> None:
    fake = bench.run(three_rules(bench), Plan(("learner",), 1, 2, 1, 0, 0))
    assert [learned(state) for _, state in fake.lessons] == [set(), set(), set()]


def test_an_arm_that_learns_nothing_answers_as_before(bench: Bench) -> None:
    bench.run(three_rules(bench), Plan(("none",), 1, 2, 1, 0, 0))
    assert bench.follows(arm="none", stage="after") == [False] * 9
    assert {record["status"] for record in bench.of("lesson")} == {"no_learning"}
    assert {record["drift"] for record in bench.of("lesson")} == {0.0}


def test_the_seed_chooses_the_task_that_is_corrected(bench: Bench) -> None:
    fake = bench.run(bench.rules(rule_of("alpha")), Plan(("learner",), 3, 2, 1, 0, 0))
    assert fake.corrected == ["fix for alpha", "mend for alpha", "fix for alpha"]


@pytest.mark.parametrize("first", ["own alpha fix", "mute fix"])
def test_a_task_whose_answer_does_not_offend_is_passed_over(bench: Bench, first: str) -> None:
    fake = bench.run(bench.rules(rule_of("alpha", correct=(first, "mend"))), Plan(("learner",), 2, 2, 1, 0, 0))
    assert fake.corrected == ["mend for alpha", "mend for alpha"]


def test_without_an_offence_there_is_no_lesson(bench: Bench) -> None:
    rules = bench.rules(rule_of("alpha", correct=("own alpha fix", "mute mend")))
    assert bench.run(rules, Plan(("learner",), 1, 2, 1, 1, 0)).lessons == []
    assert len(bench.of("lesson")) == 2
    assert {record["status"] for record in bench.of("lesson")} == {"no_offence"}
    assert not any(bench.follows(arm="learner"))


def test_the_edit_is_an_answer_of_the_told_model_that_follows_the_rule(bench: Bench) -> None:
    fake = bench.run(bench.rules(rule_of("alpha")), Plan(("learner",), 1, 2, 1, 0, 0))
    assert [(lesson.comment, lesson.edit) for lesson, _ in fake.lessons] == [("say alpha", "text 1")]


def test_there_is_no_edit_where_the_told_model_breaks_the_rule_too(bench: Bench) -> None:
    fake = bench.run(bench.rules(rule_of("alpha", correct=("deaf fix",))), Plan(("learner",), 1, 2, 1, 0, 0))
    assert [lesson.edit for lesson, _ in fake.lessons] == [None]


def test_no_answer_follows_no_rule(bench: Bench) -> None:
    silent = rule_of("alpha", siblings=("mute one", "two"), check="True")
    bench.run(bench.rules(silent), Plan(("learner",), 1, 2, 1, 0, 0))
    assert bench.follows(stage="told", role="sibling") == [False, True]
    assert [record["status"] for record in bench.of("answer", stage="told", role="sibling")] == [
        "no_edit: mute",
        "proposed",
    ]


# --- Lessons one after the other ---------------------------------------------------------------


def order_of(bench: Bench, seed: int) -> list[str]:
    lessons = [record for record in bench.of("lesson", seed=seed) if record["stage"].startswith("sequence:")]
    return [record["rule"] for record in lessons]


def test_a_sequence_adds_up_and_every_row_asks_about_every_rule(bench: Bench) -> None:
    fake = bench.run(three_rules(bench))
    order = order_of(bench, 0)
    assert sorted(order) == sorted(WORDS)
    for number in (1, 2, 3):
        rows = [bench.follows(stage=f"sequence:{number}", rule=word, role="sibling") for word in order]
        assert rows == [[True, True]] * number + [[False, False]] * (3 - number)
    begun = [learned(state) for _, state in fake.lessons[-3:]]
    assert begun == [set(), {order[0]}, {order[0], order[1]}]


def test_a_memory_grows_line_by_line(bench: Bench) -> None:
    bench.run(three_rules(bench), Plan(("memory",), 1, 2, 1, 3, 0))
    lessons = [bench.of("lesson", stage=f"sequence:{number}")[0] for number in (1, 2, 3)]
    assert [len(lesson["memory"]) for lesson in lessons] == [1, 2, 3]
    assert all(bench.follows(stage="sequence:3"))
    assert {lesson["drift"] for lesson in lessons} == {0.0}


def test_what_was_taught_is_there_to_be_rehearsed_in_the_lessons_after_it(bench: Bench) -> None:
    fake = bench.run(three_rules(bench), Plan(("learner",), 1, 2, 1, 3, 0))
    in_sequence = [state for _, state in fake.lessons][-3:]
    assert [len(state.taught) for state in in_sequence] == [0, 1, 2]
    records = [bench.of("lesson", stage=f"sequence:{number}")[0] for number in (1, 2, 3)]
    assert [len(record["taught"]) for record in records] == [1, 2, 3]


def test_a_sequence_is_as_long_as_the_plan_says(bench: Bench) -> None:
    bench.run(three_rules(bench), Plan(("learner",), 1, 2, 1, 2, 0))
    assert len(order_of(bench, 0)) == 2
    assert bench.of("answer", stage="sequence:3") == []
    assert {record["rule"] for record in bench.of("answer", stage="sequence:1")} == set(order_of(bench, 0))


def test_the_order_depends_on_the_seed_alone(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(("learner",), 6, 1, 0, 3, 0)
    bench.run(three_rules(bench), plan)
    orders = [order_of(bench, seed) for seed in range(6)]
    assert len({tuple(order) for order in orders}) > 1
    (tmp_path / "again").mkdir()
    again = Bench(tmp_path / "again", monkeypatch)
    again.run(three_rules(again), plan)
    assert [order_of(again, seed) for seed in range(6)] == orders


# --- Canary and noise ------------------------------------------------------------------------


def test_the_canary_is_asked_before_and_after_the_whole_sequence(bench: Bench) -> None:
    bench.run(three_rules(bench), Plan(("learner", "none"), 2, 1, 0, 3, 0))
    found = [(record["arm"], record["seed"], record["stage"], record["passed"]) for record in bench.of("canary")]
    assert sorted(found) == [
        ("", 0, "base", True),
        ("learner", 0, "sequence:3", False),
        ("learner", 1, "sequence:3", False),
        ("none", 0, "sequence:3", True),
        ("none", 1, "sequence:3", True),
    ]


def test_noise_is_taught_to_the_untaught_model_and_its_effect_recorded(bench: Bench) -> None:
    fake = bench.run(three_rules(bench), Plan(("learner", "memory"), 1, 1, 0, 0, 7))
    assert [(record["status"], record["changed"]) for record in bench.of("noise", arm="learner")] == [
        ("no_signal", False)
    ] * 7
    assert {(record["status"], record["changed"]) for record in bench.of("noise", arm="memory")} == {("memory", True)}
    noise = fake.lessons[3:]
    assert [lesson.comment for lesson, _ in noise[:7]] == list(NOISE[:7])
    assert all(state is fake.untaught and lesson.edit is None for lesson, state in noise)


def test_a_flip_is_taught_after_its_rule_and_wins_if_most_answers_follow_it_then(bench: Bench) -> None:
    contested = {**rule_of("alpha"), "flip": {"comment": "say beta", "check": "'beta' in src"}}
    mute = {**rule_of("gamma", siblings=("mute one", "mute two", "three")), "flip": contested["flip"]}
    fake = bench.run(bench.rules(contested, rule_of("beta"), mute), Plan(("learner", "none"), 1, 2, 0, 0, 0, flips=5))
    found = {(flip["arm"], flip["against"]): (flip["able"], flip["won"]) for flip in bench.of("flip")}
    assert found == {("learner", "alpha"): (True, True), ("none", "alpha"): (False, False)}
    assert [lesson.comment for lesson, state in fake.lessons if "alpha" in learned(state)] == ["say beta"]


def test_a_flip_that_cannot_be_told_is_not_taught(bench: Bench) -> None:
    contested = {**rule_of("alpha"), "flip": {"comment": "say nothing", "check": "'beta' in src"}}
    bench.run(bench.rules(contested), Plan(("learner",), 1, 2, 0, 0, 0, flips=1))
    assert [(flip["able"], flip["status"]) for flip in bench.of("flip")] == [(False, None)]


# --- Stopped and begun again -----------------------------------------------------------------


def test_a_finished_run_measures_nothing_again(bench: Bench) -> None:
    rules = three_rules(bench)
    assert bench.run(rules).calls > 50
    before = bench.records.read_bytes()
    assert bench.run(rules).calls == 0
    assert bench.records.read_bytes() == before


def test_a_finished_run_does_not_need_the_adapters_any_more(bench: Bench) -> None:
    rules = three_rules(bench)
    bench.run(rules)
    for file in (bench.directory / "states").iterdir():
        file.unlink()
    assert bench.run(rules).calls == 0


def test_a_stopped_sequence_without_its_adapters_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(("learner",), seeds=1, siblings=1, unrelated=0, sequence=3, noise=0)
    (tmp_path / "whole").mkdir()
    whole = Bench(tmp_path / "whole", monkeypatch)
    calls = whole.run(three_rules(whole), plan).calls
    bench = Bench(tmp_path, monkeypatch)
    rules = three_rules(bench)
    with pytest.raises(Stopped):
        bench.run(rules, plan, stop_at=calls)
    for file in (bench.directory / "states").iterdir():
        file.unlink()
    before = bench.records.read_bytes()
    with pytest.raises(StateError, match="is missing: the adapter after lesson"):
        bench.run(rules, plan)
    assert bench.records.read_bytes() == before


def stops(calls: int) -> list[int]:
    """Moments all over a run: every one would take long."""
    return list(range(1, calls + 1, max(1, calls // 16)))


@pytest.mark.parametrize("arm", ["learner", "memory"])
def test_a_run_stopped_anywhere_is_gone_on_with_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arm: str
) -> None:
    plan = Plan((arm,), seeds=1, siblings=1, unrelated=1, sequence=3, noise=1)

    def fresh(name: str) -> Bench:
        (tmp_path / name).mkdir()
        return Bench(tmp_path / name, monkeypatch)

    whole = fresh("whole")
    calls = whole.run(three_rules(whole), plan).calls
    in_sequence = 0
    for moment in stops(calls):
        bench = fresh(str(moment))
        rules = three_rules(bench)
        with pytest.raises(Stopped):
            bench.run(rules, plan, stop_at=moment)
        there = bench.written()
        in_sequence += any(record["stage"] == "sequence:1" for record in there if record["kind"] == "lesson")
        second = bench.run(rules, plan)
        assert bench.written() == whole.written(), f"stopped at call {moment} of {calls}"
        assert only_missing_were_asked(second, there, whole.written(), rules)
    assert in_sequence > 3, "no run was stopped in the middle of a sequence"


def only_missing_were_asked(second: Fake, there: list[Any], whole: list[Any], rules: Sequence[Rule]) -> bool:
    """Whether no held-out task was asked more often than it has records that were missing."""
    texts = {exercise.id: exercise.task for rule in rules for exercise in (*rule.siblings, *rule.unrelated)}
    missing = Counter(texts[record["task"]] for record in whole if record["kind"] == "answer")
    missing.subtract(texts[record["task"]] for record in there if record["kind"] == "answer")
    asked = Counter(task for task, *_ in second.asked if task in texts.values())
    return all(count <= missing[task] for task, count in asked.items())


def test_more_seeds_and_arms_are_added_to_what_is_there(bench: Bench) -> None:
    rules = three_rules(bench)
    bench.run(rules, Plan(("learner",), 1, 1, 0, 2, 0))
    before = bench.written()
    bench.run(rules, Plan(("learner", "memory"), 2, 1, 0, 2, 0))
    assert bench.written()[: len(before)] == before
    assert {(record["arm"], record["seed"]) for record in bench.of("lesson")} == {
        (arm, seed) for arm in ("learner", "memory") for seed in (0, 1)
    }
