"""Who may compute now: the person first, the learner in between.

Invariant: the learner never blocks the person; it stops at its next pause while an answer
is being produced, and for good once the program closes. Whoever stops computing dismisses its
helpers (see `model.threads`), so the other one has all cores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from continual_code.errors import Interrupted
from continual_code.model.threads import dismiss_helpers


class Turns:
    """Shared by the serving thread (`serving`) and the learning thread (`pause`)."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._cancelled = threading.Event()
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The person is waiting for an answer within this block."""
        self._free.clear()
        try:
            yield
        finally:
            dismiss_helpers()
            self._free.set()

    def begin(self) -> None:
        """A new lesson starts: an earlier cancellation does not concern it."""
        self._cancelled.clear()

    def pause(self, given_up: Callable[[], bool] = lambda: False) -> None:
        """Wait while the person is served.

        Args:
            given_up: whether what pauses here should not go on.

        Raises:
            Interrupted: the lesson was cancelled, the program closes, or it was given up.
        """
        self._check(given_up)
        if not self._free.is_set():
            dismiss_helpers()
        while not self._free.wait(timeout=0.1):
            self._check(given_up)

    def cancel(self) -> None:
        """Stop the lesson in progress at its next pause."""
        self._cancelled.set()

    def close(self) -> None:
        """Stop everything at the next pause."""
        self._closed.set()

    def _check(self, given_up: Callable[[], bool]) -> None:
        if self.closed or self._cancelled.is_set() or given_up():
            raise Interrupted("The lesson was stopped.", kept="The adapter stays as it was.")
