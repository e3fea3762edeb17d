"""Which of the rejected tokens the comment argued against, as one short line.

Invariant: only tokens that became less likely are named, and only those that carry at
least a quarter of the strongest objection, so noise is never presented as blame.
"""

from __future__ import annotations

from continual_code.events import StepReport
from continual_code.ui.clean import clean_line

MOST_TOKENS = 12
SHARE = 0.25
NOISE = 0.05


def argued_against(report: StepReport, limit: int = 120) -> str:
    """Neighbouring tokens merged, in their own order, separated by " · "; empty when nothing stands out.

    `limit` is in characters. `NOISE` is in nats: below it a difference is rounding of bfloat16.
    """
    gaps = dict(enumerate(report.token_gaps[: len(report.tokens)]))
    worst = min(gaps.values(), default=0.0)
    if worst > -NOISE:
        return ""
    named = sorted(gaps, key=gaps.__getitem__)[:MOST_TOKENS]
    blamed = sorted(place for place in named if gaps[place] <= worst * SHARE)
    pieces = (clean_line("".join(report.tokens[place] for place in run)) for run in _runs(blamed))
    return clean_line(" · ".join(dict.fromkeys(piece for piece in pieces if piece)), limit)


def _runs(places: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs
