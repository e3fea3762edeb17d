"""The summary as a person reads it: Markdown tables, and plots for the README.

Invariant: what was not measured is shown as missing, and an arm that was measured on some of
the rules only says so; nothing here computes a figure that the summary does not hold, but ratios.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from continual_code.errors import UsageError

Summary = Mapping[str, Any]
Arm = Mapping[str, Any]

MISSING = "–"
LEGEND = """\
Shares are means over the teachable rules; brackets are 95 % intervals. *told*: the rule is followed with the comment
in the prompt (the ceiling); *base*: untouched. *stick@1*: after one lesson, without the comment; *elsewhere*: of these
tasks, those in other files than the lesson's. *retention*: after all rules were taught one after the other. *drift*:
KL(base, student) on unrelated text, nats per token, largest in parentheses. *spill*: unrelated tasks to which the rule
is applied now and was not before; in parentheses those to which the comment in the prompt applies it. *canary*: change
of pass@1 over the sequence. *noise*: irrelevant comments that were recognised and changed nothing. *flip*: a
contradicting lesson won. *named*: it said which lesson it supersedes."""

# Okabe & Ito 2008: told apart under every common colour blindness; the markers do without colour
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
STYLE = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "continual-code"}
LINEAR_BELOW = 1e-3  # nats per token: smaller drifts, 0 among them, share a linear stretch of the axis
LIGHT_FROM = 0.5  # from here black has more contrast to the colour of a cell than white
UNFIT_FOR_FILE = re.compile(r"[^A-Za-z0-9_.-]+")


def markdown(summary: Summary) -> str:
    """All tables: one row an arm, one row a rule and arm, the rules left out, the configuration."""
    untaught = [[rule, _percent(rate["base"]), _percent(rate["told"])] for rule, rate in summary["untaught"].items()]
    parts = [
        _table(list(COLUMNS), [[show(*item) for show in COLUMNS.values()] for item in summary["arms"].items()]),
        LEGEND,
        "## By rule",
        _table(RULE_COLUMNS, _rule_rows(summary)),
        "## Not taught",
        "These rules are not followed, or not more than untold, when the model is told them; no figure counts them.",
        _table(["rule", "base", "told"], untaught) if untaught else "None.",
        "## Configuration",
        "```json\n" + json.dumps(summary["config"], indent=2, ensure_ascii=False) + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def plots(summary: Summary, directory: Path) -> list[Path]:
    """Draw what was measured into `directory`; a plot without a figure to show is not written.

    Returns:
        The written files: `stick.svg`, `retention-ARM.svg` for each arm, `drift.svg`.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib  # pyright: ignore[reportMissingImports]
        from matplotlib.figure import Figure  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError(
            "Plots need matplotlib, which is not installed.",
            kept="The figures are complete without them.",
            do="Run: pip install 'continual-code[bench]'",
        ) from None
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    with matplotlib.rc_context(STYLE):
        for name, draw in _drawings(summary).items():
            figure = Figure(layout="constrained")
            draw(figure)
            figure.savefig(directory / name, metadata={"Date": None})  # no date: the same summary, the same file
            written.append(directory / name)
    return written


# --- Tables ------------------------------------------------------------------------------


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _rule_rows(summary: Summary) -> list[list[str]]:
    return [
        [
            rule,
            name,
            _percent(found["base"]),
            _percent(found["told"]),
            _percent(found["stick_at_1"], found["ci"]["stick_at_1"]),
            _percent(found["stick_elsewhere"]),
            _percent(found["retention"]),
            _number(found["drift"], ".3f"),
            _spill(found),
            _number(found["seconds"], ".0f"),
            (found["status"] or MISSING).replace("_", " "),
        ]
        for rule in summary["teachable"]
        for name, arm in summary["arms"].items()
        if (found := arm["per_rule"][rule])
    ]


def _arm_name(name: str, arm: Arm) -> str:
    """With how many rules were measured after one lesson, when not all."""
    rules = list(arm["per_rule"].values())
    measured = sum(rule["stick_at_1"] is not None for rule in rules)
    return f"{name} ({measured} of {len(rules)} rules)" if 0 < measured < len(rules) else name


def _ratio(arm: Arm, measure: str) -> float | None:
    """The measure over the ceiling, both as means over the rules that have it; None without any."""
    rules = [rule for rule in arm["per_rule"].values() if rule[measure] is not None]
    return fmean(rule[measure] for rule in rules) / fmean(rule["told"] for rule in rules) if rules else None


def _drift(arm: Arm) -> str:
    if arm["drift"] is None:
        return MISSING
    return f"{arm['drift']:.3f} ({arm['drift_max']:.3f})"


def _spill(found: Arm) -> str:
    told = found["told_spill"]
    return _percent(found["spill"]) + (f" ({_percent(told)})" if told is not None else "")


def _percent(share: float | None, interval: list[float] | None = None) -> str:
    if share is None:
        return MISSING
    return f"{100 * share:.0f}%" + (f" [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]" if interval else "")


def _number(value: float | None, form: str, interval: list[float] | None = None) -> str:
    if value is None:
        return MISSING
    return f"{value:{form}}" + (f" [{interval[0]:{form}}, {interval[1]:{form}}]" if interval else "")


COLUMNS: dict[str, Callable[[str, Arm], str]] = {
    "arm": _arm_name,
    "base": lambda _, arm: _percent(arm["base"]),
    "told": lambda _, arm: _percent(arm["told"]),
    "stick@1": lambda _, arm: _percent(arm["stick_at_1"], arm["ci"]["stick_at_1"]),
    "elsewhere": lambda _, arm: _percent(arm["stick_elsewhere"], arm["ci"]["stick_elsewhere"]),
    "stick@1/told": lambda _, arm: _percent(_ratio(arm, "stick_at_1")),
    "retention": lambda _, arm: _percent(arm["retention"], arm["ci"]["retention"]),
    "retention/told": lambda _, arm: _percent(_ratio(arm, "retention")),
    "drift": lambda _, arm: _drift(arm),
    "spill": lambda _, arm: _spill(arm),
    "canary, points": lambda _, arm: _number(arm["canary_delta"], "+.1f", arm["ci"]["canary_delta"]),
    "noise": lambda _, arm: _percent(arm["noise"]),
    "flip": lambda _, arm: _percent(arm["flip"]),
    "named": lambda _, arm: _percent(arm["named"]),
    "s a lesson": lambda _, arm: _number(arm["seconds_per_lesson"], ".0f"),
    "peak GiB": lambda _, arm: _number(arm["peak_gib"], ".1f"),
}
RULE_COLUMNS = [
    "rule", "arm", "base", "told", "stick@1", "elsewhere", "retention", "drift", "spill", "s a lesson", "lesson"
]  # fmt: skip


# --- Plots -------------------------------------------------------------------------------


def _drawings(summary: Summary) -> dict[str, Callable[[Any], None]]:
    """By file name what draws it on a figure, for all that was measured."""
    arms = summary["arms"]
    stuck = {name: arm for name, arm in arms.items() if arm["stick_at_1"] is not None}
    drifted = {name: arm for name, arm in stuck.items() if arm["drift"] is not None}
    drawings: dict[str, Callable[[Any], None]] = {}
    if stuck:
        drawings["stick.svg"] = partial(_draw_stick, arms=stuck)
    for name, arm in arms.items():
        if arm["matrix"]["rows"]:
            drawings[f"retention-{UNFIT_FOR_FILE.sub('-', name)}.svg"] = partial(_draw_matrix, matrix=arm["matrix"])
    if drifted:
        drawings["drift.svg"] = partial(_draw_drift, arms=drifted, names=list(arms))
    return drawings


def _draw_stick(figure: Any, arms: Mapping[str, Arm]) -> None:
    """A bar an arm with its interval, between the untouched rate and the ceiling."""
    figure.set_size_inches(7, 1.1 + 0.45 * len(arms))
    axes = figure.subplots()
    for place, arm in enumerate(arms.values()):
        low, high = (100 * end for end in arm["ci"]["stick_at_1"])
        axes.barh(place, 100 * arm["stick_at_1"], height=0.6, color=COLOURS[0])
        axes.plot([low, high], [place, place], color="black", linewidth=1.2, marker="|", markersize=7)
        axes.annotate(_percent(arm["stick_at_1"]), (1.01, place), xycoords=("axes fraction", "data"), va="center")
    any_arm = next(iter(arms.values()))
    for name, line in (("base", ":"), ("told", "--")):
        share = 100 * any_arm[name]
        axes.axvline(share, color="black", linestyle=line, linewidth=1)
        axes.annotate(
            name, (share, 1), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center"
        )
    axes.set_yticks(range(len(arms)), [_arm_name(*item) for item in arms.items()])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("rule followed after one lesson, comment not in the prompt (%)")


def _draw_matrix(figure: Any, matrix: Mapping[str, Any]) -> None:
    """Percentages in cells; right of the stair are the rules not yet taught."""
    rules, rows = matrix["rules"], matrix["rows"]
    figure.set_size_inches(2.2 + 0.55 * len(rules), 1.6 + 0.38 * len(rows))
    axes = figure.subplots()
    cells = [[float("nan") if cell is None else cell for cell in row] for row in rows]
    axes.pcolormesh(cells, cmap="cividis", vmin=0, vmax=1, edgecolors="white", linewidth=1)
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            if value is not None:
                colour = "black" if value >= LIGHT_FROM else "white"
                axes.text(column + 0.5, row + 0.5, f"{100 * value:.0f}", ha="center", va="center", color=colour)
    steps = range(len(rows))
    stair = [(step + 1, height) for step in steps for height in (step, step + 1)][:-1]
    axes.plot(*zip(*stair, strict=True), color=COLOURS[1], linewidth=2.5, clip_on=False)
    axes.set_xticks(
        [column + 0.5 for column in range(len(rules))], rules, rotation=35, ha="right", rotation_mode="anchor"
    )
    axes.set_yticks(
        [step + 0.5 for step in steps], [f"{rule}  {step + 1}" for step, rule in enumerate(rules[: len(rows)])]
    )
    axes.set_ylabel("lesson just learned")
    axes.set_xlabel("rule followed (%)")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.invert_yaxis()


def _draw_drift(figure: Any, arms: Mapping[str, Arm], names: list[str]) -> None:
    """A large mark an arm with its intervals, a small one for each of its rules."""
    figure.set_size_inches(7, 4)
    axes = figure.subplots()
    for name, arm in arms.items():
        number = names.index(name)
        style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)], "linestyle": "none"}
        rules = [rule for rule in arm["per_rule"].values() if None not in (rule["drift"], rule["stick_at_1"])]
        axes.plot(
            [rule["drift"] for rule in rules], [100 * rule["stick_at_1"] for rule in rules], **style, ms=4, alpha=0.35
        )
        across, up = arm["ci"]["drift"], [100 * end for end in arm["ci"]["stick_at_1"]]
        middle = (arm["drift"], 100 * arm["stick_at_1"])
        axes.plot(across, [middle[1]] * 2, [middle[0]] * 2, up, color=style["color"], linewidth=1)
        axes.plot(*middle, **style, ms=10, markeredgecolor="white", label=_arm_name(name, arm))
    axes.set_xscale("symlog", linthresh=LINEAR_BELOW, linscale=0.5)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlim(-LINEAR_BELOW / 5, max(10 * LINEAR_BELOW, axes.get_xlim()[1]))
    axes.set_ylim(-4, 104)
    axes.set_xlabel("drift on unrelated text (nats per token)")
    axes.set_ylabel("stick@1 (%)")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
