"""The same engine without a screen: waits for the events that answer a request.

Invariant: stdout is data; everything for a person to watch goes to `say` (stderr).
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from continual_code.errors import ContinualCodeError, Interrupted
from continual_code.events import (
    Applied,
    Event,
    Failed,
    Learned,
    LearnerState,
    Loading,
    NoEdit,
    Proposal,
    Proposed,
    Ready,
    Recorded,
    Retried,
    StepReport,
    Swapped,
    Task,
    Verdict,
)
from continual_code.session import LiveSession

E = TypeVar("E")

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Nothing:
    """The task ended without a proposal."""

    reason: str


class Headless:
    """Drives a session from a script.

    Args:
        say: receives progress, one line at a time.
        heard: receives every event, on the caller's thread, as it waits.
    """

    def __init__(
        self, session: LiveSession, say: Callable[[str], None], heard: Callable[[Event], None] = lambda event: None
    ) -> None:
        self.session, self._say, self._heard = session, say, heard
        self._events: queue.Queue[Event] = queue.Queue()
        self._said = ""

    def load(self) -> Ready:
        """Start the session and wait until the model answers."""
        self.session.start(self._events.put)
        return self._wait(Ready)

    def ask(self, task: Task) -> Proposal | Nothing:
        """Ask and wait for the answer."""
        self.session.ask(task)
        event = self._wait(Proposed, NoEdit)
        return event.proposal if isinstance(event, Proposed) else Nothing(event.reason)

    def judge(self, verdict: Verdict) -> None:
        """Record a verdict (and write the file, where it says so)."""
        self.session.judge(verdict)
        self._wait(Recorded if verdict.kind == "reject" else Applied)

    def lesson_end(self, lesson_id: str) -> None:
        """Wait until a lesson has ended, whatever came of it, or another process has begun to learn."""
        while True:
            event = self._wait(Learned, LearnerState)
            if event.lesson.id == lesson_id if isinstance(event, Learned) else event.state in ("read_only", "idle"):
                return

    def swapped_or_ended(self) -> tuple[StepReport, Swapped] | str:
        """Wait for the lesson just queued: its report and the swap, or why nothing was learned."""
        report = self._wait(Learned).report
        if report.status != "learned":
            return report.reason
        return report, self._wait(Swapped)

    def retried(self) -> Retried:
        """Wait for the retry of a rejected task."""
        return self._wait(Retried)

    def _wait(self, *kinds: type[E]) -> E:
        while True:
            event = self._next()
            if isinstance(event, kinds):
                return event
            if isinstance(event, Failed) and event in self.session.warnings:
                self._say(event.what)
            elif isinstance(event, Failed):
                raise ContinualCodeError(event.what, kept=event.kept, do=event.do)

    def _next(self) -> Event:
        event = self._await()
        self._heard(event)
        self._narrate(event)
        return event

    def _await(self) -> Event:
        while True:  # Ctrl-C in the moment before a wait without an end would be noticed after it, that is, never
            with suppress(queue.Empty):
                return self._events.get(timeout=POLL_SECONDS)

    def _narrate(self, event: Event) -> None:
        if isinstance(event, Loading):
            share = "" if event.fraction is None else f" {event.fraction:.0%}"
            self._once(f"{event.stage}{share}")
        elif isinstance(event, LearnerState) and event.state == "learning":
            self._once(f"lesson {event.lesson_id}: {event.stage}, {event.elapsed:.1f} s")
        elif isinstance(event, LearnerState) and event.state == "preparing" and event.queued:
            self._once("preparing to learn")  # of which nobody needs to know who waits for no lesson
        elif isinstance(event, LearnerState) and event.state == "read_only":
            self._once(event.stage)

    def _once(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._say(line)


@contextmanager
def running(
    session: LiveSession, say: Callable[[str], None], *, heard: Callable[[Event], None] = lambda event: None
) -> Iterator[Headless]:
    """A loaded session that is closed afterwards, also on Ctrl-C; see `Headless`."""
    driver = Headless(session, say, heard)
    try:
        driver.load()
        yield driver
    except KeyboardInterrupt:
        raise Interrupted("Interrupted.", kept="What was recorded stays recorded.") from None
    finally:
        session.close()
