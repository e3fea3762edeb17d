"""When the terminal's bell rings: something came that a person who looks elsewhere has been waiting for.

Invariant: it never rings for somebody who is looking. A terminal that does not tell when it has the focus is
always looked at.
"""

from __future__ import annotations

from continual_code.events import Compared, Event, Failed, Learned, NoEdit, Proposed, Retried, RunEnded


def is_awaited(event: Event) -> bool:
    """Whether something came to its end; a lesson, and what is asked again after it, ring once, with the last of it."""
    match event:
        case Proposed(proposal):
            return proposal.retry_of is None
        case NoEdit():
            return event.retry_of is None
        case Learned(report=report):
            return report.status not in ("learned", "memory")
        case Retried() | Compared() | RunEnded() | Failed():
            return True
    return False
