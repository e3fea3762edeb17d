"""Where in the rejected answer the comment argued against it, as one short line.

Invariant: only lines with tokens that became less likely are named, and only those that carry
at least a quarter of the strongest objection, so noise is never presented as blame.
"""

from __future__ import annotations

from collections.abc import Sequence

from continual_code.events import StepReport
from continual_code.ui.clean import clean_line

MOST_TOKENS = 12
SHARE = 0.25
NOISE = 0.05


def argued_against(report: StepReport, limit: int = 120) -> str:
    """The lines that hold the blamed tokens, in their own order, separated by " · "; empty when nothing stands out.

    `limit` is in characters. `NOISE` is in nats: below it a difference is rounding of bfloat16.
    """
    gaps = dict(enumerate(report.token_gaps[: len(report.tokens)]))
    worst = min(gaps.values(), default=0.0)
    if worst > -NOISE:
        return ""
    named = sorted(gaps, key=gaps.__getitem__)[:MOST_TOKENS]
    blamed = sorted(place for place in named if gaps[place] <= worst * SHARE)
    lines = (clean_line(_line_around(report.tokens, place)) for place in blamed)
    return clean_line(" · ".join(dict.fromkeys(line for line in lines if line)), limit)


def _line_around(tokens: Sequence[str], place: int) -> str:
    """The line in which a token's first visible character stands."""
    token = tokens[place]
    before, after = "".join(tokens[:place]), "".join(tokens[place + 1 :])
    lead = token[: len(token) - len(token.lstrip())]
    start = before + lead
    rest = token[len(lead) :] + after
    return (start.rpartition("\n")[2] + rest.partition("\n")[0]).strip()
