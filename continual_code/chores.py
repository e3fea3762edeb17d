"""What is done beside serving and learning, each piece on a thread of its own.

Invariant: an interpreter that goes away while one of its threads computes takes the program's exit code with it
(torch's C++ aborts); so a chore asks often whether it should stop, and the program waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

Stopped = Callable[[], bool]


class Chores:
    """Threads that end with the program.

    Args:
        stopped: whether the program closes.
    """

    def __init__(self, stopped: Stopped) -> None:
        self._stopped = stopped
        self._threads: list[threading.Thread] = []

    def start(self, name: str, chore: Callable[[Stopped], None]) -> None:
        """Do it beside everything else; `chore` is given what tells it to stop, and asks often."""
        thread = threading.Thread(target=chore, args=(self._stopped,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def join(self, seconds: float) -> None:
        """Wait until all have ended, for so long at most."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
