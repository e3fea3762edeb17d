"""The ways of learning from one rejection that the benchmark compares.

Invariant: every arm gets the same rollout, comment and adapter; what it returns depends on
nothing else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec

from continual_code.agent.formats import Wanted
from continual_code.bench.lessons import baselines
from continual_code.bench.lessons.subject import Lesson, State, Subject, Tensors
from continual_code.errors import UsageError
from continual_code.events import Reminder
from continual_code.learning.lessons import Earlier, Evidence


@dataclass(frozen=True, slots=True)
class Taught:
    """What a lesson came to; `gap` is in nats per token where the arm measures one, `supersedes` are lessons' ids.

    `peak_bytes` is of the process that the arm has to itself, if it does. `reason`: why the weights did not learn it.
    """

    state: State
    status: str
    gap: float | None
    seconds: float
    supersedes: tuple[str, ...] = ()
    peak_bytes: int | None = None
    reason: str = ""


Arm = Callable[[Subject, State, Lesson], Taught]


def _nothing(subject: Subject, state: State, lesson: Lesson) -> Taught:
    return Taught(state, "no_learning", None, 0.0)


def _memory(subject: Subject, state: State, lesson: Lesson) -> Taught:
    """The comment stays in the prompt of tasks like this one, beside those that are there already."""
    memory = (*state.memory, Reminder(lesson.comment, lesson.path))
    return Taught(subject.state(state.tensors, memory, state.taught, state.lines), "memory", None, 0.0)


def _distilled(**changes: object) -> Arm:
    """The product's learner, with some of its settings changed."""

    def teach(subject: Subject, state: State, lesson: Lesson, rate: float | None = None) -> Taught:
        usual = subject.settings.learning
        settings = usual.model_copy(update={**changes, "learning_rate": rate or usual.learning_rate})
        learner = subject.learner(settings)
        wanted = Wanted(lesson.path, lesson.names)
        evidence = Evidence(
            lesson.comment, None, wanted.is_sound, wanted.is_whole, wanted.resumed, lesson.bare, lesson.is_importable
        )
        rollout = lesson.rollout
        learner.prepare(subject.untaught.tensors)  # as the program does before the verdict
        learner.read_ahead(rollout)
        given = state.tensors, state.number, state.taught, state.lines
        candidate = learner.learn(lesson.id, rollout, evidence, *given)
        report, after = candidate.report, state
        left = Earlier.of(rollout, report, lesson.comment)
        if candidate.tensors is not None:
            standing = [earlier for earlier in state.taught if earlier.lesson_id not in report.supersedes]
            gone = [line.comment for line in state.lines if line.lesson_id in report.supersedes]
            memory = [reminder for reminder in state.memory if reminder.comment not in gone]
            lines = [line for line in state.lines if line.comment not in gone]
            after = subject.state(candidate.tensors, memory, [*standing, *left], lines)
        elif report.status == "memory":
            after = _memory(subject, _undone(subject, state, report.supersedes, teach), lesson).state
            after = replace(after, lines=(*after.lines, *left))
        after = after if after is state else replace(after, made_by=lesson, before=state)
        return Taught(after, report.status, report.gap, report.seconds, report.supersedes, reason=report.reason)

    return teach


def _undone(subject: Subject, state: State, ids: Collection[str], teach: Arm) -> State:
    """The state as if these lessons had never been taught; what came after the first of them is taught again."""
    if not ids or state.before is None or state.made_by is None:
        return state
    earlier = _undone(subject, state.before, ids, teach)
    if state.made_by.id in ids:
        return earlier
    return state if earlier is state.before else teach(subject, earlier, state.made_by).state


def _baseline(step: Callable[..., Tensors | None]) -> Arm:
    """A step that returns None has nothing to learn from."""

    def teach(subject: Subject, state: State, lesson: Lesson, **rate: float) -> Taught:
        started = time.monotonic()
        tensors = step(subject, state, lesson, **rate)
        seconds = time.monotonic() - started
        if tensors is None:
            return Taught(state, "no_signal", None, seconds)
        return Taught(subject.state(tensors, state.memory), "learned", None, seconds)

    return teach


def _trl(subject: Subject, state: State, lesson: Lesson, **rate: float) -> Taught:
    learned = baselines.trl_sdft(subject, state, lesson, **rate)
    after = subject.state(learned.tensors, state.memory)
    return Taught(after, "learned", None, learned.seconds, peak_bytes=learned.peak_bytes)


ARMS: Mapping[str, Callable[..., Taught]] = {
    "none": _nothing,
    "memory": _memory,
    "ours": _distilled(),
    "ours-no-demonstration": _distilled(demonstration=False),
    "ours-base-teacher": _distilled(target="base_teacher"),
    "ours-reverse-kl": _distilled(divergence="reverse_kl"),
    "ours-full-gradient": _distilled(gradient="full"),
    "ours-constant-rate": _distilled(decay=0.0),
    "ours-one-update": _distilled(max_updates=1),
    "ours-no-rehearsal": _distilled(rehearse=0),
    "ours-no-anchors": _distilled(anchors=0),
    "ours-everywhere": _distilled(departures_only=False),
    "sft-edit": _baseline(baselines.sft_edit),
    "sft-told": _baseline(baselines.sft_told),
    "predecessor": _baseline(baselines.sampled_token_step),
    "sdpo": _baseline(baselines.sdpo),
    "trl-sdft": _trl,
}
RATELESS = ("none", "memory")
NEEDS = {"trl-sdft": "trl"}


def arm(name: str) -> Arm:
    """The arm of that name; after an `@` the name may choose a learning rate, as in `sdpo@1e-4`.

    Raises:
        UsageError: there is no such arm or learning rate, or a package that it needs is not installed.
    """
    plain, at, rate = name.partition("@")
    if plain not in ARMS:
        raise UsageError(f"There is no arm {plain!r}.", do=f"Choose from: {', '.join(ARMS)}.")
    package = NEEDS.get(plain)
    if package and find_spec(package) is None:
        raise UsageError(
            f"The arm {plain!r} needs {package}, which is not installed.", do='Run: pip install -e ".[bench]"'
        )
    return partial(ARMS[plain], rate=_rate(plain, rate)) if at else ARMS[plain]


def _rate(plain: str, text: str) -> float:
    if plain in RATELESS:
        raise UsageError(f"The arm {plain!r} has no learning rate.", do=f"Write {plain} alone.")
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0 < rate < math.inf:
        raise UsageError(f"{text!r} is not a learning rate.", do=f"Write, for example, {plain}@1e-4.")
    return rate
