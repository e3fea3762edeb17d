"""What an answer to one task has to be, whoever asks for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from continual_code.agent.formats.reading import is_sound
from continual_code.agent.formats.resuming import resumed
from continual_code.agent.languages import language_of

_CLOSING = re.compile(r"\n[ \t]*(?:`{3,}|~{3,})[ \t]*(?=\n|\Z)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Code that could stand in `target`, and defines `names` (see `asked_for`)."""

    target: str
    names: frozenset[str] = frozenset()

    def is_sound(self, answer: str) -> bool:
        """See `reading.is_sound`."""
        return is_sound(answer, self.target, self.names)

    def is_whole(self, answer: str) -> bool:
        """Whether what has been written of an answer is sound up to the fence that closes its code."""
        closed = through_code(answer, self.target)
        return closed is not None and self.is_sound(closed)

    def resumed(self, answer: str, whole: str) -> str | None:
        """See `resuming.resumed`."""
        return resumed(answer, whole, self.target, self.names)


def through_code(answer: str, target: str) -> str | None:
    """What has been written of an answer, up to the last fence that may close its code.

    Returns:
        None where there is none yet, or where nobody can tell a whole piece of `target` from a beginning.
    """
    closings = list(_CLOSING.finditer(answer)) if language_of(target) else []
    return answer[: closings[-1].end()] if closings else None
