"""Teaches and asks, and records every answer, so that a stopped run goes on where it was.

Invariant: what is measured depends on the configuration alone; a record is written once its
measurement is complete, and nothing is measured twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save

from continual_code.bench.lessons.arms import Arm, Taught, arm
from continual_code.bench.lessons.canary import Problem, passes
from continual_code.bench.lessons.carrying import carried, resumed
from continual_code.bench.lessons.noise import NOISE
from continual_code.bench.lessons.records import Record, Records
from continual_code.bench.lessons.rules import Exercise, Rule
from continual_code.bench.lessons.subject import Answer, Lesson, State, Subject
from continual_code.bench.lessons.summary import is_teachable
from continual_code.bench.loading import peak_bytes
from continual_code.disk import write_synced
from continual_code.events import Rollout

Offence = tuple[Exercise, Answer, Rollout]  # a task, its answer that does not follow the rule, and the tokens of that
MOST = 0.5  # of the siblings: above this a rule counts as followed


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    `sequence` is how many rules are learned one after the other, `flips` how many are contradicted; 0 leaves that out.
    """

    arms: tuple[str, ...]
    seeds: int
    siblings: int
    unrelated: int
    sequence: int
    noise: int
    flips: int = 0


class Harness:
    """Runs a plan on one subject.

    Args:
        records: where results go and earlier ones are found.
        states: a directory for the adapters of unfinished sequences.
        say: told what is being measured, and the share done.
    """

    def __init__(
        self,
        subject: Subject,
        rules: Sequence[Rule],
        records: Records,
        states: Path,
        plan: Plan,
        problems: Sequence[Problem],
        say: Callable[[str], None],
    ) -> None:
        self._subject, self._rules, self._records, self._plan = subject, rules, records, plan
        self._states, self._problems, self._say = states, problems, say
        self._first: dict[str, Answer] = {}  # the untaught model's answers, shared by all rules
        self._edits: dict[tuple[str, str], str | None] = {}  # by rule and exercise, shared by all arms

    def run(self) -> None:
        """Measure everything that is not recorded yet."""
        for rule in self._rules:
            self._untaught(rule)
        teachable = [rule for rule in self._rules if self.is_teachable(rule)]
        self._say(f"teachable: {', '.join(rule.id for rule in teachable) or 'none'}")
        runs = [(name, seed) for name in self._plan.arms for seed in range(self._plan.seeds)]
        for name, seed in runs:  # every arm's single lessons come first: a stopped run can then be compared
            for rule in teachable:
                self._single(name, seed, rule)
        for name in self._plan.arms:
            self._noise(name, teachable)
        for name, seed in runs:
            self._sequence(name, seed, teachable)
        contested = [rule for rule in teachable if rule.flip][: self._plan.flips]
        for name, seed in runs:
            for rule in contested:
                self._contradict(name, seed, rule)

    def is_teachable(self, rule: Rule) -> bool:
        """As the summary will judge it."""
        return is_teachable(self._share("base", rule), self._share("told", rule))

    # --- Before any lesson --------------------------------------------------------------

    def _untaught(self, rule: Rule) -> None:
        asked = [("sibling", each) for each in self._siblings(rule)]
        asked += [("unrelated", each) for each in self._unrelated(rule)]
        for role, exercise in asked:
            self._record_answer("", 0, "base", rule, role, exercise, lambda e=exercise: self._first_answer(e))
            self._record_answer(
                "", 0, "told", rule, role, exercise,
                lambda e=exercise: self._subject.answer(e, self._subject.untaught, told=rule.comment),
            )  # fmt: skip

    def _first_answer(self, exercise: Exercise) -> Answer:
        if exercise.id not in self._first:
            self._first[exercise.id] = self._subject.answer(exercise, self._subject.untaught)
        return self._first[exercise.id]

    def _answer(self, exercise: Exercise, state: State) -> Answer:
        untaught = state is self._subject.untaught
        return self._first_answer(exercise) if untaught else self._subject.answer(exercise, state)

    # --- One lesson ---------------------------------------------------------------------

    def _single(self, name: str, seed: int, rule: Rule) -> None:
        key = f"{name}|{seed}|after|{rule.id}|lesson"
        if self._records.get(key):
            return
        self._say(f"{name}, seed {seed}: one lesson, {rule.id}")
        offence = self._offence(seed, rule, self._subject.untaught)
        taught = self._teach(arm(name), rule, self._subject.untaught, offence)
        self._ask_all(name, seed, "after", rule, taught.state, lesson=offence and offence[0], with_unrelated=True)
        self._records.put(key, self._lesson_record(name, seed, "after", rule, taught))

    def _teach(self, teach: Arm, rule: Rule, state: State, offence: Offence | None) -> Taught:
        """Give the rule's lesson on an answer of the state that offends."""
        if offence is None:
            return Taught(state, "no_offence", None, 0.0)
        exercise, answer, rollout = offence
        said = Lesson.on(exercise, answer, rollout, rule.comment, self._edit(rule, exercise), rule.id)
        return teach(self._subject, state, said)

    def _offence(self, seed: int, rule: Rule, state: State) -> Offence | None:
        """Ask the rule's first tasks until an answer offends."""
        tasks = rule.correct_on
        for step in range(len(tasks)):
            exercise = tasks[(seed + step) % len(tasks)]
            answer = self._answer(exercise, state)
            if answer.rollout and not rule.follows(answer.before, answer.after, exercise.file):
                return exercise, answer, answer.rollout
        return None

    def _edit(self, rule: Rule, exercise: Exercise) -> str | None:
        """What the person would have written: an answer of the told base that passes the check."""
        key = rule.id, exercise.id
        if key not in self._edits:
            told = self._subject.answer(exercise, self._subject.untaught, told=rule.comment)
            token_ids = told.rollout.token_ids if told.rollout else ()
            follows = rule.follows(told.before, told.after, exercise.file)
            self._edits[key] = self._subject.base.chat.decode(token_ids) if token_ids and follows else None
        return self._edits[key]

    # --- Lessons one after the other ----------------------------------------------------

    def _sequence(self, name: str, seed: int, teachable: Sequence[Rule]) -> None:
        order = list(teachable)
        random.Random(seed).shuffle(order)
        order = order[: self._plan.sequence]
        keys = [f"{name}|{seed}|sequence:{number}|{rule.id}|lesson" for number, rule in enumerate(order, 1)]
        done = [record for key in keys if (record := self._records.get(key))]
        if len(done) == len(order):
            return
        state = self._subject.untaught
        if done:
            state = resumed(self._subject, self._file(name, seed, len(done)), done[-1])
        for number, rule in enumerate(order[len(done) :], len(done) + 1):
            stage = f"sequence:{number}"
            self._say(f"{name}, seed {seed}: lesson {number} of {len(order)}, {rule.id}")
            taught = self._teach(arm(name), rule, state, self._offence(seed, rule, state))
            state = taught.state
            for each in order:
                self._ask_all(name, seed, stage, each, state)
            if number == len(order):
                self._canary(name, seed, stage, state)
            write_synced(self._file(name, seed, number), save(dict(state.tensors)))
            record = self._lesson_record(name, seed, stage, rule, taught)
            self._records.put(keys[number - 1], record | carried(state))

    def _file(self, name: str, seed: int, number: int) -> Path:
        self._states.mkdir(parents=True, exist_ok=True)
        return self._states / f"{name}-{seed}-{number}.safetensors"

    def _canary(self, name: str, seed: int, stage: str, state: State) -> None:
        for problem in self._problems:
            for arm_name, number, at, which in (("", 0, "base", self._subject.untaught), (name, seed, stage, state)):
                key = f"{arm_name}|{number}|{at}|canary|{problem.task_id}"
                if self._records.get(key):
                    continue
                passed = passes(problem, self._subject.chat(problem.messages, which))
                self._records.put(
                    key, {"kind": "canary", "arm": arm_name, "seed": number, "stage": at, "problem": problem.task_id,
                          "passed": passed},
                )  # fmt: skip

    # --- Comments that mean nothing -----------------------------------------------------

    def _noise(self, name: str, teachable: Sequence[Rule]) -> None:
        exercises = [exercise for rule in teachable for exercise in rule.correct_on]
        for number in range(self._plan.noise if exercises else 0):
            comment, exercise = NOISE[number % len(NOISE)], exercises[number % len(exercises)]
            key = f"{name}|noise|{number}"
            if self._records.get(key):
                continue
            self._say(f"{name}: noise {number + 1} of {self._plan.noise}")
            answer, before = self._first_answer(exercise), self._subject.untaught
            if answer.rollout is None:
                continue
            said = Lesson.on(exercise, answer, answer.rollout, comment, None, "noise")
            taught = arm(name)(self._subject, before, said)
            changed = taught.state is not before
            self._records.put(
                key, {"kind": "noise", "arm": name, "seed": 0, "comment": comment, "status": taught.status,
                      "gap": taught.gap, "changed": changed},
            )  # fmt: skip

    # --- Comments that contradict -------------------------------------------------------

    def _contradict(self, name: str, seed: int, rule: Rule) -> None:
        """Teach a rule that sticks by itself, then its flip; "able" is whether the model can follow both."""
        key, untaught = f"{name}|{seed}|flip|{rule.id}", self._subject.untaught
        if rule.flip is None or self._records.get(key):
            return
        self._say(f"{name}, seed {seed}: {rule.flip.id}")
        stuck = self._share("after", rule, name, seed)
        able = stuck > MOST and self._following(rule.flip, untaught, rule.flip.comment) > MOST
        offence = self._offence(seed, rule, untaught) if able else None
        first = self._teach(arm(name), rule, untaught, offence).state
        offence = self._offence(seed, rule.flip, first) if able else None
        second = self._teach(arm(name), rule.flip, first, offence) if able else None
        won = second is not None and self._following(rule.flip, second.state) > MOST
        self._records.put(
            key, {"kind": "flip", "arm": name, "seed": seed, "rule": rule.flip.id, "against": rule.id, "able": able,
                  "won": won, "named": second is not None and rule.id in second.supersedes,
                  "status": second and second.status},
        )  # fmt: skip

    def _following(self, rule: Rule, state: State, told: str = "") -> float:
        """The share of the sibling tasks in which a rule is followed; nothing of it is recorded."""
        pairs = [(each, self._subject.answer(each, state, told=told)) for each in self._siblings(rule)]
        follows = [answer.offered and rule.follows(answer.before, answer.after, each.file) for each, answer in pairs]
        return sum(follows) / max(1, len(follows))

    # --- Asking and recording -----------------------------------------------------------

    def _ask_all(
        self, name: str, seed: int, stage: str, rule: Rule, state: State, *, lesson: Exercise | None = None,
        with_unrelated: bool = False,
    ) -> None:  # fmt: skip
        for exercise in self._siblings(rule):
            self._record_answer(
                name, seed, stage, rule, "sibling", exercise, lambda e=exercise: self._answer(e, state), lesson
            )
        for exercise in self._unrelated(rule) if with_unrelated else ():
            self._record_answer(
                name, seed, stage, rule, "unrelated", exercise, lambda e=exercise: self._answer(e, state)
            )

    def _record_answer(
        self, name: str, seed: int, stage: str, rule: Rule, role: str, exercise: Exercise, ask: Callable[[], Answer],
        lesson: Exercise | None = None,
    ) -> None:  # fmt: skip
        key = f"{name}|{seed}|{stage}|{rule.id}|{role}|{exercise.id}"
        if self._records.get(key):
            return
        self._say(f"{name or 'untaught'} {stage}: {rule.id}, {role} {exercise.id}")
        answer = ask()
        holds = rule.follows if role == "sibling" else rule.applied
        follows = answer.offered and holds(answer.before, answer.after, exercise.file)
        self._records.put(
            key, {"kind": "answer", "arm": name, "seed": seed, "stage": stage, "rule": rule.id, "role": role,
                  "task": exercise.id, "follows": follows, "status": answer.status,
                  "seconds": round(answer.seconds, 2),
                  "elsewhere": lesson and exercise.place != lesson.place},
        )  # fmt: skip

    def _lesson_record(self, name: str, seed: int, stage: str, rule: Rule, taught: Taught) -> Record:
        return {
            "kind": "lesson", "arm": name, "seed": seed, "stage": stage, "rule": rule.id, "status": taught.status,
            "reason": taught.reason, "gap": taught.gap, "seconds": taught.seconds,
            "peak_bytes": taught.peak_bytes or peak_bytes(), "drift": self._subject.drift(taught.state),
        }  # fmt: skip

    def _share(self, stage: str, rule: Rule, name: str = "", seed: int = 0) -> float:
        """The recorded share of the sibling tasks in which a rule was followed."""
        answers = self._records.of("answer", stage=stage, rule=rule.id, role="sibling", arm=name, seed=seed)
        return sum(answer["follows"] for answer in answers) / max(1, len(answers))

    def _siblings(self, rule: Rule) -> Sequence[Exercise]:
        return rule.siblings[: self._plan.siblings]

    def _unrelated(self, rule: Rule) -> Sequence[Exercise]:
        return rule.unrelated[: self._plan.unrelated]
