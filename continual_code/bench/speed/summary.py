"""Ratios of medians, and the table that people read. A ratio above 1 means that ours is the faster or smaller one."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import torch

from continual_code.bench.loading import peer_dtype
from continual_code.bench.speed.measure import ALONE, PEERS, Figures

PEER_NAMES = {
    "transformers": "transformers generate, PEFT adapter", "transformers_lookup": "the same, prompt lookup",
    "llama_cpp": "llama.cpp, Q4_K_M, no adapter", "llama_cpp_lookup": "the same, n-gram drafts",
}  # fmt: skip


def ratios(figures: Figures) -> dict[str, float | None]:
    """Every ratio; None where a party was not measured."""
    found: dict[str, float | None] = {f"proposal_vs_{peer}": _proposals(figures.proposals, peer) for peer in PEERS}
    by_size = {(row["prompt_tokens"], row["rollout_tokens"]): row for row in figures.lessons}
    for (prompt, rollout), row in by_size.items():
        ours, trl = row.get("ours"), row.get("trl")
        if (prompt, rollout) == ALONE:
            continue
        for name, part in (("verdict_to_swap", "seconds"), ("step_compute", "compute"), ("peak_memory", "peak_bytes")):
            found[f"{name}_vs_trl_{prompt}"] = trl[part] / ours[part] if ours and trl else None
    short, long = (by_size.get(size, {}).get("ours") for size in (ALONE, (8192, 256)))
    if short and long:
        found["verdict_to_swap_512_vs_8192"] = short["seconds"] / long["seconds"]
    if turns := figures.serving.get("turns"):
        found["second_turn_vs_cold"] = turns["cold"] / turns["second"]
    if both := figures.serving.get("contention"):
        found["streaming_beside_a_lesson_vs_alone"] = both["alone"] / both["beside"]
    return {name: None if value is None else round(value, 3) for name, value in found.items()}


def spread(figures: Figures, peer: str) -> tuple[float, float] | None:
    """The least and the largest ratio of an edit's medians."""
    per_edit = _per_edit(figures.proposals, peer)
    return (min(per_edit), max(per_edit)) if per_edit else None


def machine() -> dict[str, Any]:
    """What it was measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores, "processor": _processor(), "instructions": torch.backends.cpu.get_cpu_capability(),
        "peers_compute_in": str(peer_dtype()).removeprefix("torch."), "system": platform.system(),
        "python": platform.python_version(),
    }  # fmt: skip


def markdown(figures: Figures) -> str:
    """Two tables: proposals and lessons."""
    lines = [
        "| proposal | seconds | tokens/s | first token | peak memory | ours is faster by |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("ours", *PEERS):
        rows = [row for row in figures.proposals if name in row]
        if rows:
            lines.append(f"| {PEER_NAMES.get(name, 'continual-code, adapter active')} | {_row(figures, name, rows)} |")
    lines += [
        "",
        "| lesson: prompt/rollout | verdict to swap | compute | peak memory | TRL: step | compute | peak memory |",
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for row in figures.lessons:
        cells = [_lesson(row.get(name)) for name in ("ours", "trl")]
        lines.append(f"| {row['prompt_tokens']}/{row['rollout_tokens']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _row(figures: Figures, name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    seconds = _median(row[name]["seconds"] for row in rows)
    speed = _median(row["tokens"] / row[name]["seconds"] for row in rows)
    first, peak = _median(row[name]["first"] for row in rows), max(row[name]["peak_bytes"] for row in rows)
    ratio, limits = (None, None) if name == "ours" else (_proposals(figures.proposals, name), spread(figures, name))
    faster = f"{ratio:.1f}x [{limits[0]:.1f}, {limits[1]:.1f}]" if ratio and limits else ""
    return f"{seconds:.1f} | {speed:.0f} | {first:.2f} s | {peak / 1e9:.1f} GB | {faster}"


def _lesson(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "- | - | -"
    return f"{cell['seconds']:.1f} s | {cell['compute']:.0f} CPU s | {cell['peak_bytes'] / 1e9:.1f} GB"


def _proposals(rows: Sequence[Mapping[str, Any]], peer: str) -> float | None:
    """The median over edits of the ratio of medians."""
    per_edit = _per_edit(rows, peer)
    return median(per_edit) if per_edit else None


def _per_edit(rows: Sequence[Mapping[str, Any]], peer: str) -> list[float]:
    found = []
    for edit in sorted({row["edit"] for row in rows if peer in row}):
        both = [row for row in rows if row["edit"] == edit and peer in row]
        seconds: Callable[[str], float] = lambda name, both=both: _median(row[name]["seconds"] for row in both)  # noqa: E731
        found.append(seconds(peer) / seconds("ours"))
    return found


def _median(values: Iterable[float]) -> float:
    return median(list(values))


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
