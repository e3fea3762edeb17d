"""The tasks that were sent and on which work has not begun.

Invariant: a task leaves only when the engine starts it or refuses it, so none is ever silently lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.content import Content

from continual_code.errors import ContinualCodeError
from continual_code.events import Task
from continual_code.port import Session
from continual_code.ui.calls import Calls
from continual_code.ui.clean import clean_line
from continual_code.ui.mentions import task_from
from continual_code.ui.narrate import failure_of, quiet, request

SHOWN = 3


class Outbox:
    """`say` writes lines to the transcript; `restore` gives refused words back to the prompt."""

    def __init__(
        self, session: Session, calls: Calls, say: Callable[[Sequence[Content]], None], restore: Callable[[str], None]
    ) -> None:
        self._session, self._calls, self._say, self._restore = session, calls, say, restore
        self._texts: list[str] = []

    def send(self, text: str, shown: str) -> None:
        """Ask the session to work on `text`; `shown` is what stood in the prompt."""
        self._texts.append(text)
        self._calls.submit(partial(self._ask, text), then=self._asked, failed=partial(self._refused, text, shown))

    def started(self, task: Task) -> None:
        """Work on `task` began: it moves from here to the transcript."""
        if task.text in self._texts:
            self._texts.remove(task.text)
            self._say(request(task.text))

    def notices(self) -> list[Content]:
        """A line for each of the first tasks that wait, and how many more there are."""
        lines = [quiet(f"queued: {clean_line(text, 60)}") for text in self._texts[:SHOWN]]
        more = len(self._texts) - SHOWN
        return [*lines, quiet(f"queued: {more} more")] if more > 0 else lines

    def _ask(self, text: str) -> tuple[str, ...]:
        task, missing = task_from(text, self._session.files())
        self._session.ask(task)
        return missing

    def _asked(self, missing: tuple[str, ...]) -> None:
        for path in missing:
            self._say([quiet(f"  there is no file {clean_line(path)} here; it goes along as plain text")])

    def _refused(self, text: str, shown: str, error: ContinualCodeError) -> None:
        self._texts.remove(text)
        self._say([*request(text), *failure_of(error)])
        self._restore(shown)
