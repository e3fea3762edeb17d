"""Who may compute now: the person first, the learner in between.

Invariant: the learner never blocks the person; it stops at its next pause while an answer
is being produced, and for good once the program closes. Whoever stops computing dismisses its
helpers (see `model.threads`), so the other one has all cores.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from continual_code.errors import Interrupted
from continual_code.model.threads import dismiss_helpers


def _never() -> bool:
    return False


class Turns:
    """Shared by the serving thread (`serving`) and the learning thread (`pause`)."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._cancelled = threading.Event()
        self._closed = threading.Event()
        self._gives_way: Callable[[], bool] = _never
        self._wanted_at = time.monotonic()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    @property
    def idle_for(self) -> float:
        """Seconds for which nobody has wanted anything."""
        return time.monotonic() - self._wanted_at if self._free.is_set() else 0.0

    def want(self) -> None:
        """The person did something that the engine has to do with."""
        self._wanted_at = time.monotonic()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The person is waiting for an answer within this block."""
        self._free.clear()
        try:
            yield
        finally:
            dismiss_helpers()
            self.want()
            self._free.set()

    def begin(self, gives_way: Callable[[], bool] = _never) -> None:
        """A new piece of learning starts: an earlier cancellation does not concern it.

        Args:
            gives_way: whether something came up that goes before it; it is given up then.
        """
        self._gives_way = gives_way
        self._cancelled.clear()

    def pause(self) -> None:
        """Wait while the person is served.

        Raises:
            Interrupted: the lesson was cancelled, the program closes, or it gives way.
        """
        self._check()
        if not self._free.is_set():
            dismiss_helpers()
        while not self._free.wait(timeout=0.1):
            self._check()

    def cancel(self) -> None:
        """Stop the lesson in progress at its next pause."""
        self.want()
        self._cancelled.set()

    def close(self) -> None:
        """Stop everything at the next pause."""
        self._closed.set()

    def _check(self) -> None:
        if self.closed or self._cancelled.is_set() or self._gives_way():
            raise Interrupted("The lesson was stopped.", kept="The adapter stays as it was.")
