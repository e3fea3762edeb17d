"""`continual-code bench map`: the same tasks with and without the map, taking turns.

Invariant: a task never names what it could use, and that counts only where it is called (or raised) and imported from
where it is.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from pydantic import TypeAdapter

from continual_code.bench.lessons.checks import added, parsed
from continual_code.bench.lessons.rules import Exercise
from continual_code.bench.lessons.subject import Answer, Subject
from continual_code.bench.lessons.summary import wilson
from continual_code.bench.loading import load_installed
from continual_code.output import say
from continual_code.settings import Settings

_TASKS = Path(__file__).with_name("tasks.json")


@dataclass(frozen=True, slots=True)
class Reuse:
    """A task on `file` for which `module` has `name`, a function or an error."""

    file: str
    task: str
    module: str
    name: str

    def is_in(self, answer: Answer) -> bool:
        """Whether what was added uses it, and the file imports it from where it is."""
        after, new = parsed(answer.after), parsed(added(answer.before, answer.after, self.file))
        if not (answer.offered and after and new):
            return False
        known = _imported(after, self.module, self.name)
        used = {ast.unparse(node) for node in ast.walk(new) if isinstance(node, ast.Name | ast.Attribute)}
        return bool(known & used)


@dataclass(frozen=True, slots=True)
class _Content:
    files: Mapping[str, str]
    tasks: Sequence[Reuse]


def bench_map(settings: Settings, arguments: argparse.Namespace) -> int:
    """Measure and print; with --out also write the JSON to a file."""
    subject = Subject(load_installed(settings), settings)
    content = TypeAdapter(_Content).validate_json(_TASKS.read_bytes())
    tokens = {"without": 0, "with": arguments.tokens}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tokens}
    for number, reuse in enumerate(content.tasks):
        exercise = Exercise(str(number), reuse.task, reuse.file, content.files)
        for name in sorted(tokens, reverse=number % 2 == 0):
            context = settings.context.model_copy(update={"map_tokens": tokens[name]})
            answer = subject.answer(exercise, subject.untaught, context=context)
            rows[name].append({
                "task": reuse.task, "name": reuse.name, "reused": reuse.is_in(answer), "offered": answer.offered,
                "seconds": answer.seconds, "prompt_tokens": len(answer.rollout.prompt_ids) if answer.rollout else None,
            })  # fmt: skip
            say(f"{number + 1} of {len(content.tasks)}, {name} the map: {reuse.name} {_word(rows[name][-1])}")
    result = {
        "arms": {name: _summary(each) for name, each in rows.items()}, "tasks": rows, "model": settings.model,
        "map_tokens": arguments.tokens,
    }  # fmt: skip
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result) if arguments.json else _table(result["arms"]))
    return 0


def _imported(tree: ast.Module, module: str, name: str) -> set[str]:
    """The words by which a module of the same package can say `name` of `module`."""
    package, _, leaf = module.rpartition(".")
    ways: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            ways |= {f"{each.asname or module}.{name}" for each in node.names if each.name == module}
        elif isinstance(node, ast.ImportFrom):
            origin = f"{package}.{node.module or ''}".rstrip(".") if node.level == 1 else node.module
            ways |= {each.asname or name for each in node.names if origin == module and each.name == name}
            ways |= {f"{each.asname or leaf}.{name}" for each in node.names if origin == package and each.name == leaf}
    return ways


def _word(row: Mapping[str, Any]) -> str:
    return "reused" if row["reused"] else "not reused" if row["offered"] else "no edit"


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    reused, sizes = [float(row["reused"]) for row in rows], [row["prompt_tokens"] for row in rows if row["offered"]]
    return {
        "reused": fmean(reused), "reused_ci": wilson(reused), "offered": fmean(row["offered"] for row in rows),
        "seconds": median(row["seconds"] for row in rows), "prompt_tokens": fmean(sizes) if sizes else None,
    }  # fmt: skip


def _table(arms: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| map | reused | offered | seconds, median | prompt, tokens |", "|---|---|---|---|---|"]
    for name, arm in arms.items():
        low, high = arm["reused_ci"]
        lines.append(
            f"| {name} | {arm['reused']:.0%} [{low:.0%}, {high:.0%}] | {arm['offered']:.0%} | {arm['seconds']:.1f} | "
            f"{arm['prompt_tokens'] or 0:.0f} |"
        )
    return "\n".join(lines)
