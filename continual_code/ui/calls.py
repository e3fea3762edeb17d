"""Runs the session's calls one after the other, away from the screen's own loop.

Invariant: calls happen in the order they were submitted, and neither a slow disk nor a
refused request ever holds up a keystroke; a call that fails in any way leaves the screen as it is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from textual.app import App

from continual_code.errors import ContinualCodeError, unexpected
from continual_code.ui.clean import clean_line

OnError = Callable[[ContinualCodeError], None]
Job = tuple[Callable[[], Any], Callable[[Any], None], OnError]

KEPT = "Nothing that was written or learned before is lost."
LOOK = "If it is not plain what to do about it, continual-code doctor looks for what is wrong."


class Calls:
    """A queue with one thread worker behind it; outcomes come back on the screen's loop."""

    def __init__(self, app: App[Any], failed: OnError) -> None:
        """`failed` shows the errors of calls that were submitted without a handler of their own."""
        self._app, self._failed = app, failed
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._running = False

    def submit(
        self,
        call: Callable[[], Any],
        *,
        then: Callable[[Any], None] = lambda _: None,
        failed: OnError | None = None,
    ) -> None:
        """Run `call` after all earlier ones, then `then` with its result or `failed` with its error."""
        with self._lock:
            self._jobs.append((call, then, failed or self._failed))
            if self._running:
                return
            self._running = True
        self._app.run_worker(self._drain, thread=True, group="session")

    def at_once(self, call: Callable[[], Any]) -> None:
        """Run `call` beside the queue: stopping something must not wait behind what it stops."""
        self._app.run_worker(lambda: self._run((call, lambda _: None, self._failed)), thread=True, group="urgent")

    def _drain(self) -> None:
        while job := self._next():
            self._run(job)

    def _next(self) -> Job | None:
        with self._lock:
            self._running = bool(self._jobs)
            return self._jobs.popleft() if self._jobs else None

    def _run(self, job: Job) -> None:
        call, then, failed = job
        try:
            result = call()
        except Exception as error:  # Textual would end the whole screen for it, with all that was typed
            self._app.call_later(self._report, failed, _visible(error))
        else:
            self._app.call_later(self._report, then, result)

    def _report(self, handler: Callable[[Any], None], value: Any) -> None:
        if self._app.is_running:
            handler(value)


def _visible(error: Exception) -> ContinualCodeError:
    """`error` as something that the person can be told."""
    if isinstance(error, ContinualCodeError):
        return error
    unexpected(error)
    visible = ContinualCodeError(f"That failed: {_named(error)}.", kept=KEPT, do=LOOK)
    visible.__cause__ = error
    return visible


def _named(error: Exception) -> str:
    """What the system says of a file, else the error as Python names it."""
    if isinstance(error, OSError) and error.strerror:
        return clean_line(": ".join(filter(None, (error.strerror, str(error.filename or "")))))
    return clean_line(f"{type(error).__name__}: {error}")
