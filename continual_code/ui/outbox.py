"""The tasks, and what revisions are to compare, that were sent and on which work has not begun.

Invariant: a task leaves only when the engine starts it or refuses it, so none is ever silently lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.content import Content

from continual_code.errors import ContinualCodeError
from continual_code.events import Comparing, Task
from continual_code.port import Session
from continual_code.ui.calls import Calls
from continual_code.ui.clean import clean_line
from continual_code.ui.commands import comparison, parse_command
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
        """Ask the session to work on `text`, a task or an /ab; `shown` is what stood in the prompt."""
        self._texts.append(text)
        self._calls.submit(partial(self._ask, text), then=self._asked, failed=partial(self._refused, text, shown))

    def started(self, task: Task) -> None:
        """Work on `task` began: it moves from here to the transcript."""
        if task.text in self._texts:
            self._begin(task.text)

    def compared(self, event: Comparing) -> None:
        """Work on a comparison began, the oldest unless it came by itself."""
        if not event.lesson_id and (text := next(filter(parse_command, self._texts), None)):
            self._begin(text)

    def notices(self) -> list[Content]:
        """A line for each of the first tasks that wait, and how many more there are."""
        lines = [quiet(f"queued: {clean_line(text, 60)}") for text in self._texts[:SHOWN]]
        more = len(self._texts) - SHOWN
        return [*lines, quiet(f"queued: {more} more")] if more > 0 else lines

    def _begin(self, text: str) -> None:
        self._texts.remove(text)
        self._say(request(text))

    def _ask(self, text: str) -> tuple[str, ...]:
        command = parse_command(text)
        revisions, words = comparison(command.argument) if command else (None, text)
        task, missing = task_from(words, self._session.files())
        if command:
            self._session.compare(task if words else None, revisions)
        else:
            self._session.ask(task)
        return missing

    def _asked(self, missing: tuple[str, ...]) -> None:
        for path in missing:
            self._say([quiet(f"  there is no file {clean_line(path)} here; it goes along as plain text")])

    def _refused(self, text: str, shown: str, error: ContinualCodeError) -> None:
        self._texts.remove(text)
        self._say([*request(text), *failure_of(error)])
        self._restore(shown)
