"""The person's own commands: agreed to once in a session, then run as they are typed.

Invariant: before the first one runs, the person has read what the sandbox lets it do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.app import App
from textual.content import Content

from continual_code.errors import ContinualCodeError
from continual_code.port import Session
from continual_code.ui.calls import Calls
from continual_code.ui.clean import clean_line
from continual_code.ui.narrate import failure_of, quiet
from continual_code.ui.screens.confirm import Confirm

QUESTION = (
    "Run this?\n{line}\n\nCommands run in a sandbox: they read this directory and the system's programs, not the rest "
    "of your home; they write nothing here and reach no network. You are asked once a session."
)


class Shell:
    """`say` writes lines to the transcript; `restore` gives words that were not run back to the prompt."""

    def __init__(
        self, session: Session, calls: Calls, say: Callable[[Sequence[Content]], None], restore: Callable[[str], None]
    ) -> None:
        self._session, self._calls, self._say, self._restore = session, calls, say, restore
        self._agreed = False

    def send(self, app: App[None], line: str, shown: str) -> None:
        """Run `line`, once the person has agreed; `shown` is what stood in the prompt."""
        if not line:
            self._say([quiet("Write a command after the !, for example: ! git log --oneline")])
        elif self._agreed:
            self._run(line, shown)
        else:
            question = QUESTION.format(line=clean_line(line, 400))
            app.push_screen(Confirm(question), partial(self._answered, line, shown))

    def _answered(self, line: str, shown: str, agreed: bool | None) -> None:
        self._agreed = bool(agreed)
        if agreed:
            self._run(line, shown)
        else:
            self._restore(shown)

    def _run(self, line: str, shown: str) -> None:
        self._calls.submit(lambda: self._session.runs.shell(line), failed=partial(self._refused, shown))

    def _refused(self, shown: str, error: ContinualCodeError) -> None:
        self._say(failure_of(error))
        self._restore(shown)
