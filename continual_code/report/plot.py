"""A small plot over lessons or revisions, as places on a canvas; the template draws it.

Invariant: axes begin at zero and every figure that is not a finite number is left out, so a line is never drawn to
where nothing was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 420, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 38
MOST_LABELS = 9

Shape = Literal["ring", "dot", "diamond", "bar"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One figure of one lesson; `tip` says it in words."""

    shape: Shape
    x: float
    y: float
    tip: str


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """`links` are vertical lines (x, from, to) between two figures of the same lesson; `axis` says what is across."""

    title: str
    unit: str
    axis: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    links: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """One figure for each lesson, None where there is none."""

    name: str
    shape: Shape
    values: tuple[float | None, ...]


def plot(
    title: str, unit: str, names: Sequence[str], series: Sequence[Series], *, linked: Sequence[Series] = (),
    axis: str = "lesson",
) -> Plot | None:  # fmt: skip
    """Place every figure; None when there is not one.

    Args:
        names: of the lessons, or of whatever `axis` is; each series has a figure for each.
        linked: two series to be joined lesson by lesson.
    """
    top = max((value for one in series for value in one.values if value is not None), default=None)
    if top is None:
        return None
    steps = nice_steps(top)
    columns = [_across(at, len(names)) for at in range(len(names))]
    every = max(1, math.ceil(len(names) / MOST_LABELS))
    return Plot(
        title,
        unit,
        axis,
        across=tuple(Tick(columns[at], names[at]) for at in range(0, len(names), every)),
        up=tuple(Tick(_up(step, steps[-1]), f"{step:g}") for step in steps),
        marks=tuple(
            Mark(one.shape, columns[at], _up(value, steps[-1]), f"{names[at]}: {one.name} {value:.3g} {unit}")
            for one in series
            for at, value in enumerate(one.values)
            if value is not None
        ),
        links=tuple(
            (columns[at], _up(ends[0], steps[-1]), _up(ends[1], steps[-1]))
            for at, ends in enumerate(zip(*(one.values for one in linked), strict=True))
            if None not in ends
        ),
    )


def nice_steps(top: float) -> list[float]:
    """Three to six even steps from zero to at least `top`, in ones, twos or fives."""
    rough = max(top, 1e-9) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [round(count * step, 12) for count in range(math.ceil(top / step - 1e-9) + 1)] if top > 0 else [0.0, 1.0]


def _across(at: int, count: int) -> float:
    room = (WIDTH - LEFT - RIGHT) / count
    return round(LEFT + room * (at + 0.5), 1)


def _up(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)
