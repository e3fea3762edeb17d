"""How much happens without the person being asked: a matter of their session, not of the engine.

Invariant: exactly one mode holds, a session begins by asking, and only the person changes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from continual_code.events import Proposal, VerdictKind


@dataclass(frozen=True, slots=True)
class Mode:
    """`name` stands in the footer, `word` is how it is written after /mode."""

    name: str
    about: str

    @property
    def word(self) -> str:
        return self.name.replace(" ", "-")


ASK = Mode("ask", "every proposal waits for your verdict")
ACCEPT_EDITS = Mode("accept edits", "proposals are written as they arrive, /undo takes one back")
READ_ONLY = Mode("read-only", "proposals are shown, and nothing is written to your files")
ORDER = (ASK, ACCEPT_EDITS, READ_ONLY)
NOT_WRITTEN = "Mode read-only: nothing is written to your files. Shift+Tab changes it."


class Modes:
    """The mode of this session."""

    def __init__(self) -> None:
        self.current = ASK

    def next(self) -> None:
        """Go on to the mode after this one, around the end."""
        self.current = ORDER[(ORDER.index(self.current) + 1) % len(ORDER)]

    def choose(self, word: str) -> bool:
        """Change to the mode that `word` names or begins to name; False when it names none, or more than one."""
        wanted = word.lower().replace(" ", "-")
        fitting = [mode for mode in ORDER if wanted and mode.word.startswith(wanted)]
        if len(fitting) == 1:
            self.current = fitting[0]
        return len(fitting) == 1

    @property
    def writes(self) -> bool:
        """Whether the person's files may be written at all."""
        return self.current is not READ_ONLY

    def takes(self, proposal: Proposal) -> bool:
        """Whether `proposal` is accepted without a card; what a lesson brought is always for the person to judge."""
        return self.current is ACCEPT_EDITS and proposal.retry_of is None

    def allows(self, kind: VerdictKind) -> bool:
        """Whether the verdict may be given: all but a rejection write a file."""
        return kind == "reject" or self.writes
