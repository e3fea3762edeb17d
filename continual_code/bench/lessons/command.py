"""`continual-code bench lessons`: from the arguments to the files that hold the result."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from continual_code.bench.lessons.arms import arm
from continual_code.bench.lessons.canary import Problem, load_problems
from continual_code.bench.lessons.harness import Harness, Plan
from continual_code.bench.lessons.records import Records
from continual_code.bench.lessons.report import markdown, plots
from continual_code.bench.lessons.rules import Rule, load_rules
from continual_code.bench.lessons.subject import Subject
from continual_code.bench.lessons.summary import summarise
from continual_code.bench.loading import load_installed
from continual_code.errors import UsageError
from continual_code.model.int8 import pack
from continual_code.output import say
from continual_code.settings import Settings, dotted
from continual_code.workspace import sandbox_available

EDITION = 4  # of the measuring itself: raised when records of an older program would not be comparable


def lessons(settings: Settings, arguments: argparse.Namespace) -> int:
    """Measure, then write FILE.json, FILE.md, plots, and FILE.records.jsonl, which a stopped run goes on from."""
    names = tuple(dict.fromkeys(name.strip() for name in arguments.arms.split(",") if name.strip()))
    for name in names:
        arm(name)
    rules = _chosen(load_rules(arguments.rules), arguments)
    out: Path = arguments.out
    config = _config(settings, arguments, rules)
    records = Records(out.with_suffix(".records.jsonl"), config)
    plan = Plan(
        names, arguments.seeds, arguments.siblings, arguments.unrelated, arguments.sequence, arguments.noise,
        arguments.flips,
    )  # fmt: skip
    problems = _problems(arguments)
    Harness(_subject(settings), rules, records, out.with_suffix(".states"), plan, problems, say).run()
    _write(summarise(records, {**config, "arms": list(names)}), out)
    return 0


def _problems(arguments: argparse.Namespace) -> tuple[Problem, ...]:
    """None where they could not be run, which is known before hours are spent; everything else is measured."""
    if not arguments.canary:
        return ()
    problems = load_problems(arguments.humaneval, arguments.canary)
    if why := sandbox_available():
        say(f"No canary: {why}")
        return ()
    return problems


def _chosen(rules: Sequence[Rule], arguments: argparse.Namespace) -> tuple[Rule, ...]:
    built_in = arguments.rules is None
    if arguments.only:
        wanted = arguments.only.split(",")
        if unknown := sorted(set(wanted) - {rule.id for rule in rules}):
            raise UsageError(f"There is no rule {unknown[0]!r}.", do=f"Choose from: {', '.join(r.id for r in rules)}.")
        return tuple(rule for rule in rules if rule.id in wanted)
    kept = [rule for rule in rules if not built_in or arguments.split in ("all", rule.split)]
    return tuple(kept[: arguments.limit])


def _config(settings: Settings, arguments: argparse.Namespace, rules: Sequence[Rule]) -> Mapping[str, Any]:
    """What a record depends on; arms and seeds may be added to later."""
    content = json.dumps([asdict(rule) for rule in rules], sort_keys=True).encode()
    parts = {name: getattr(settings, name) for name in ("adapter", "context", "generation", "learning")}
    return {
        "edition": EDITION,
        "model": settings.model,
        "precision": settings.precision,
        "rules": [rule.id for rule in rules],
        "rules_sha256": hashlib.sha256(content).hexdigest(),
        "siblings": arguments.siblings,
        "unrelated": arguments.unrelated,
        "sequence": arguments.sequence,
        "canary": arguments.canary,
        "humaneval": arguments.humaneval and arguments.humaneval.name,
        **{name: {key: str(value) for key, value in dotted(part).items()} for name, part in parts.items()},
    }


def _subject(settings: Settings) -> Subject:
    base = load_installed(settings)
    pack(base.module)
    return Subject(base, settings)


def _write(summary: Mapping[str, Any], out: Path) -> None:
    table = markdown(summary)
    out.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    out.with_suffix(".md").write_text(table, encoding="utf-8")
    print(table)
    try:
        for path in plots(summary, out.with_suffix(".plots")):
            say(f"wrote {path}")
    except UsageError as error:  # no matplotlib: numbers without pictures
        say(str(error))
