"""From records to numbers: how well each arm's lessons stick, and what they cost.

Invariant: a measure that was not taken is None, never 0, and every aggregate is over the
teachable rules alone: those that the model follows when it is told, and more than untold.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from continual_code.bench.lessons.records import Record, Records

TEACHABLE_FROM = 0.5
RESAMPLES = 2000
Z_95 = 1.959964  # two-sided 95 % point of the normal distribution

Values = dict[int, list[float]]  # by seed, one value a task
Tree = dict[str, Values]  # by rule
Rows = dict[int, dict[str, list[float]]]  # by k: after the k-th lesson of the sequence, by rule, one value a task
Course = dict[int, Rows]  # the sequence, by seed
Interval = list[float] | None


def summarise(records: Records, config: Mapping[str, Any]) -> dict[str, Any]:
    """All figures of the report, as JSON data.

    Shares are in 0..1, `drift` in nats per token, `canary_delta` in points of pass@1,
    `seconds_per_lesson` in seconds, `peak_gib` in GiB. An arm's figure is the mean over rules of
    each rule's share or mean. `base`, `told`, `stick_at_1`, `drift`, `spill` and
    `seconds_per_lesson` are about one lesson (`stick_elsewhere` about the tasks in other files than
    the lesson's, `told_spill` about the comment in the prompt, and the tasks of `spill`);
    `retention` and `canary_delta` about the whole sequence, and only once it was
    measured to its end. `ci` holds 95 % intervals: Wilson for the shares of one rule, of `noise`,
    `flip` and `named` (answers taken as independent), else a bootstrap over rules, then seeds, then
    tasks; none for `peak_gib`, which is a maximum.
    """
    base, told = _follows(records, "", "base"), _follows(records, "", "told")
    rates = {rule: {"base": _share(base.get(rule)), "told": _share(told.get(rule))} for rule in {**base, **told}}
    teachable = [rule for rule, rate in rates.items() if is_teachable(**rate)]
    measured = [record["arm"] for record in records.all() if record.get("arm")]
    arms = dict.fromkeys([*measured, *config.get("arms", ())])  # those asked for, too, if no rule could be taught
    return {
        "arms": {arm: _summarise_arm(records, arm, {"told": told, "base": base}, teachable) for arm in arms},
        "teachable": teachable,
        "untaught": {rule: rate for rule, rate in rates.items() if rule not in teachable},
        "config": dict(config),
    }


def is_teachable(base: float | None, told: float | None) -> bool:
    """Whether the base follows a rule when told, and better so than untold; what it cannot follow it cannot learn."""
    return base is not None and told is not None and told >= TEACHABLE_FROM and told > base


def _summarise_arm(records: Records, arm: str, untouched: dict[str, Tree], teachable: list[str]) -> dict[str, Any]:
    lessons = [record for record in records.of("lesson", arm=arm, stage="after") if record["rule"] in teachable]
    course = _course(records, arm)
    last = _last_steps(course)
    trees = untouched | {
        "stick_at_1": _follows(records, arm, "after"),
        "stick_elsewhere": _follows(records, arm, "after", elsewhere=True),
        "retention": _retained(course, last),
        "drift": _of_lessons(lessons, "drift"),
        "spill": _spill(records, arm, "after"),
        "told_spill": _spill(records, "", "told"),
        "seconds_per_lesson": _of_lessons(lessons, "seconds"),
    }
    trees = {name: {rule: tree[rule] for rule in teachable if rule in tree} for name, tree in trees.items()}
    trees["canary_delta"] = _canary(records, arm, last)
    shares = {
        "noise": _noise(records, arm), "flip": _flip(records, arm, "won"), "named": _flip(records, arm, "named")
    }  # fmt: skip
    drifts = [record["drift"] for record in lessons if record["drift"] is not None]
    return {
        **{name: _mean_of_rules(tree) for name, tree in trees.items()},
        **{name: fmean(values) if values else None for name, values in shares.items()},
        "drift_max": max(drifts, default=None),
        "peak_gib": _peak_gib(records, arm),
        "ci": {name: bootstrap(tree) for name, tree in trees.items()}
        | {name: wilson(values) for name, values in shares.items()}
        | {"peak_gib": None},
        "per_rule": {rule: _summarise_rule(rule, trees, lessons) for rule in teachable},
        "matrix": _matrix(records, arm, course),
    }


def _summarise_rule(rule: str, trees: dict[str, Tree], lessons: list[Record]) -> dict[str, Any]:
    found = {name: tree.get(rule, {}) for name, tree in trees.items()}
    shares = ("base", "told", "stick_at_1", "stick_elsewhere", "spill", "told_spill", "retention")
    return {
        **{name: _share(found[name]) for name in shares},
        "drift": _share(found["drift"]),
        "seconds": _share(found["seconds_per_lesson"]),
        "status": _status([record["status"] for record in lessons if record["rule"] == rule]),
        "ci": {name: wilson(_flat(found[name])) for name in shares},
    }


def _status(statuses: list[str]) -> str | None:
    """What became of the lessons: the one status of all seeds, or how often each."""
    counts = Counter(statuses)
    if len(counts) > 1:
        return ", ".join(f"{status} {count}" for status, count in counts.most_common())
    return next(iter(counts), None)


# --- Measures, each as values by rule, seed and task -----------------------------------


def _tree(rows: Iterable[tuple[str, int, float]]) -> Tree:
    tree: Tree = defaultdict(lambda: defaultdict(list))
    for rule, seed, value in rows:
        tree[rule][seed].append(float(value))
    return {rule: dict(by_seed) for rule, by_seed in tree.items()}


def _follows(records: Records, arm: str, stage: str, **of: object) -> Tree:
    answers = records.of("answer", arm=arm, stage=stage, role="sibling", **of)
    return _tree((answer["rule"], answer["seed"], answer["follows"]) for answer in answers)


def _spill(records: Records, arm: str, stage: str) -> Tree:
    """1 where the rule is applied to an unrelated task to which the untaught model does not apply it."""
    untouched = records.of("answer", arm="", stage="base", role="unrelated")
    before = {(answer["rule"], answer["task"]): answer["follows"] for answer in untouched}
    return _tree(
        (answer["rule"], answer["seed"], answer["follows"] and not before[answer["rule"], answer["task"]])
        for answer in records.of("answer", arm=arm, stage=stage, role="unrelated")
        if (answer["rule"], answer["task"]) in before
    )


def _of_lessons(lessons: list[Record], measure: str) -> Tree:
    return _tree((lesson["rule"], lesson["seed"], lesson[measure]) for lesson in lessons if lesson[measure] is not None)


def _canary(records: Records, arm: str, last: dict[int, int]) -> Tree:
    """By problem and seed: 100 where it passes only after the sequence, -100 where only before."""
    before = {record["problem"]: record["passed"] for record in records.of("canary", arm="", stage="base")}
    return _tree(
        (record["problem"], seed, 100.0 * (record["passed"] - before[record["problem"]]))
        for seed, step in last.items()
        for record in records.of("canary", arm=arm, seed=seed, stage=f"sequence:{step}")
        if record["problem"] in before
    )


def _noise(records: Records, arm: str) -> list[float]:
    noise = records.of("noise", arm=arm)
    return [float(record["status"] == "no_signal" and not record["changed"]) for record in noise]


def _flip(records: Records, arm: str, what: str) -> list[float]:
    """Pairs of which one could not be taught alone say nothing about the other."""
    return [float(pair[what]) for pair in records.of("flip", arm=arm) if pair["able"]]


def _peak_gib(records: Records, arm: str) -> float | None:
    peaks = [lesson["peak_bytes"] for lesson in records.of("lesson", arm=arm) if lesson["peak_bytes"] is not None]
    return max(peaks) / 2**30 if peaks else None


# --- The sequence ------------------------------------------------------------------------


def _course(records: Records, arm: str) -> Course:
    """What is followed after the k-th lesson, by seed, k, rule and task; a lesson's record closes its row."""
    course: Course = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    closed = {(lesson["seed"], lesson["stage"]) for lesson in records.of("lesson", arm=arm)}
    for answer in records.of("answer", arm=arm, role="sibling"):
        if (step := _step(answer)) and (answer["seed"], answer["stage"]) in closed:
            course[answer["seed"]][step][answer["rule"]].append(float(answer["follows"]))
    return course


def _step(record: Record) -> int:
    """k of the stage "sequence:k"; 0 for any other stage."""
    name, _, step = record["stage"].partition(":")
    return int(step) if name == "sequence" else 0


def _last_steps(course: Course) -> dict[int, int]:
    """By seed the last k, where every rule that was ever measured is taught and measured again."""
    last = {seed: max(rows) for seed, rows in course.items()}
    measured = {seed: set().union(*rows.values()) for seed, rows in course.items()}
    return {seed: k for seed, k in last.items() if k == len(course[seed][k]) == len(measured[seed])}


def _retained(course: Course, last: dict[int, int]) -> Tree:
    return _tree(
        (rule, seed, value)
        for seed, step in last.items()
        for rule, values in course[seed][step].items()
        for value in values
    )


def _matrix(records: Records, arm: str, course: Course) -> dict[str, Any]:
    """Row k: how often each rule is followed after k lessons; columns in the order of teaching.

    Only seeds that were taught in the order of the first seed can share a matrix.
    """
    lessons = sorted((lesson for lesson in records.of("lesson", arm=arm) if _step(lesson)), key=_step)
    orders = {seed: _order(lessons, seed, course[seed]) for seed in sorted(course)}
    rules = next(iter(orders.values()), [])
    alike = [course[seed] for seed, order in orders.items() if order == rules]
    steps = range(1, 1 + max((step for rows in alike for step in rows), default=0))
    cells = [
        [[value for rows in alike for value in rows.get(step, {}).get(rule, [])] for rule in rules] for step in steps
    ]
    return {"rules": rules, "rows": [[fmean(cell) if cell else None for cell in row] for row in cells]}


def _order(lessons: list[Record], seed: int, rows: Rows) -> list[str]:
    """Rules in the order in which they were taught, then those that were only measured."""
    taught = [lesson["rule"] for lesson in lessons if lesson["seed"] == seed]
    measured = [rule for row in rows.values() for rule in row]
    return list(dict.fromkeys(taught + measured))


# --- Means and intervals -------------------------------------------------------------------


def _flat(values: Values | None) -> list[float]:
    return [value for tasks in (values or {}).values() for value in tasks]


def _share(values: Values | None) -> float | None:
    flat = _flat(values)
    return fmean(flat) if flat else None


def _mean_of_rules(tree: Tree) -> float | None:
    return fmean(fmean(_flat(values)) for values in tree.values()) if tree else None


def wilson(values: Sequence[float]) -> Interval:
    """The 95 % score interval of a share (Wilson 1927); None without values, which are 0 or 1."""
    if not values:
        return None
    n, share = len(values), fmean(values)
    middle = share + Z_95**2 / (2 * n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n * n))
    scale = 1 + Z_95**2 / n
    return [max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)]


def bootstrap(tree: Tree) -> Interval:
    """The 95 % percentile interval of the mean of rules, resampled over rules, then seeds, then tasks."""
    if not tree:
        return None
    random = np.random.default_rng(0)
    rules = [list(by_seed.values()) for by_seed in tree.values()]
    picks_B_R = random.integers(len(rules), size=(RESAMPLES, len(rules)))
    means_B_R = np.empty(picks_B_R.shape)
    for index, seeds in enumerate(rules):
        picked = picks_B_R == index
        means_B_R[picked] = _resampled_means(seeds, int(picked.sum()), random)
    low, high = np.percentile(means_B_R.mean(axis=1), [2.5, 97.5])
    return [float(low), float(high)]


def _resampled_means(seeds: list[list[float]], count: int, random: np.random.Generator) -> np.ndarray:
    """`count` means of one rule: its seeds drawn with replacement, then each seed's tasks likewise."""
    sizes_S = np.array([len(tasks) for tasks in seeds])
    values_S_T = np.array([tasks + [0.0] * (sizes_S.max() - len(tasks)) for tasks in seeds])
    seeds_C_S = random.integers(len(seeds), size=(count, len(seeds)))
    sizes_C_S_1 = sizes_S[seeds_C_S][..., None]
    tasks_C_S_T = (random.random((*seeds_C_S.shape, values_S_T.shape[1])) * sizes_C_S_1).astype(int)
    drawn_C_S_T = np.arange(values_S_T.shape[1]) < sizes_C_S_1
    values_C_S_T = values_S_T[seeds_C_S[..., None], tasks_C_S_T] * drawn_C_S_T
    return values_C_S_T.sum(axis=(1, 2)) / sizes_C_S_1.sum(axis=(1, 2))
