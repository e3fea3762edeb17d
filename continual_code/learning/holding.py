"""What one lesson must leave as it is, and which earlier lessons it takes the place of.

Invariant: an earlier lesson may go, from the weights or from the prompt, only if the new comment argues against what it
taught, and it is not pinned.
"""

from __future__ import annotations

from collections.abc import Sequence

from continual_code.learning.contradiction import Contradiction
from continual_code.learning.lessons import Earlier
from continual_code.learning.rehearsal import Held, Rehearsal
from continual_code.settings import LearningSettings

FORGOTTEN = "an earlier lesson would be forgotten"
OTHERWISE = "small programs that have nothing to do with it would come out otherwise"


class Holding:
    """Earlier lessons and canaries, while one lesson is learned.

    Args:
        earlier: in the weights, oldest first. Those that the comment contradicts outright are superseded at once.
        lines: those that became lines of the prompt instead.
        contradiction: what the new comment says against them.
    """

    def __init__(
        self, earlier: Sequence[Earlier], lines: Sequence[Earlier], canaries: Sequence[Rehearsal],
        settings: LearningSettings, contradiction: Contradiction,
    ) -> None:  # fmt: skip
        oldest = len(earlier) - settings.rehearse
        kept = [each for place, each in enumerate(earlier) if place >= oldest or each.pinned]
        self._lessons = [(Held(each.rehearsal, settings.held, FORGOTTEN), each) for each in kept]
        floor = max(settings.held, settings.canary_floor)  # held no less than lessons are, or each of those takes a bit
        self._canaries = [Held(each, floor, OTHERWISE) for each in canaries]
        self._contradiction = contradiction
        self._loose = [each for each in earlier if not each.pinned]
        self._lines = [each for each in lines if not each.pinned]
        self.superseded = [each.lesson_id for each in self._loose if contradiction.outright(each)]

    @property
    def held(self) -> list[Held]:
        """What must hold, less what was superseded."""
        lessons = [held for held, earlier in self._lessons if earlier.lesson_id not in self.superseded]
        return [*lessons, *self._canaries]

    @property
    def canary(self) -> float | None:
        """The least probability of a canary's tokens under the last candidate; None if that was not looked at."""
        seen = [each.seen for each in self._canaries if each.seen is not None]
        return min(seen, default=None)

    def replaced(self) -> list[str]:
        """The earlier lessons that must not stay in the weights when the comment becomes a line of the prompt."""
        return [each.lesson_id for each in self._loose if self._contradiction.replaces(each)]

    def replaced_lines(self) -> list[str]:
        """The lessons that must not stay in the prompt, whatever becomes of this one."""
        return [each.lesson_id for each in self._lines if self._contradiction.replaces(each)]

    def may_go(self, held: Held) -> bool:
        """Whether what has faded may; an earlier lesson that may is superseded."""
        for each, earlier in self._lessons:
            if each is held and not earlier.pinned and self._contradiction.of_most(earlier):
                self.superseded.append(earlier.lesson_id)
                return True
        return False
