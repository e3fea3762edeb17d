"""What the serving thread has to do, the most urgent first.

Invariant: jobs of one urgency are done in the order in which they came.
"""

from __future__ import annotations

import itertools
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum


class Urgency(IntEnum):
    """What goes first."""

    SWAP = 0
    PERSON = 1
    RETRY = 2


@dataclass(order=True)
class _Job:
    urgency: Urgency
    number: int
    run: Callable[[], None] = field(compare=False)


class Jobs:
    """A queue between threads."""

    def __init__(self) -> None:
        self._waiting: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._numbers = itertools.count()

    def put(self, urgency: Urgency, run: Callable[[], None]) -> None:
        self._waiting.put(_Job(urgency, next(self._numbers), run))

    def next(self) -> Callable[[], None]:
        """The most urgent job; waits until there is one."""
        return self._waiting.get().run
