"""The terminal app: takes the engine's events into one status and gives them to the screens.

Invariant: the engine's threads touch nothing here but the message queue.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import TextArea

from continual_code.errors import ContinualCodeError
from continual_code.events import Event
from continual_code.port import Gate, Opened, Session, Switch, TrustAnswer, TrustQuestion
from continual_code.ui.calls import Calls
from continual_code.ui.clean import Guard
from continual_code.ui.history import History
from continual_code.ui.messages import EngineEvent
from continual_code.ui.modes import Modes
from continual_code.ui.narrate import failure_of, trusted
from continual_code.ui.notifying import is_awaited
from continual_code.ui.palette import commands_of
from continual_code.ui.retelling import sessions_screen
from continual_code.ui.screens.commit import CommitScreen
from continual_code.ui.screens.credit import CreditScreen
from continual_code.ui.screens.help import HelpScreen
from continual_code.ui.screens.lessons import LessonsScreen
from continual_code.ui.screens.main import MainScreen
from continual_code.ui.screens.page import Page
from continual_code.ui.screens.trust import TrustScreen
from continual_code.ui.status import Status
from continual_code.ui.theme import read_theme, store_theme

T = TypeVar("T")
QUIT_WITHIN = 2.0
MODE_EXPLAINED = 3.0
STYLES = ("base", "main", "review", "compare", "lessons", "picker", "trust", "commit", "credit")


class ContinualApp(App[Switch]):
    """Runs until the person leaves; returns what to go on with, if anything.

    `unopened` is why the session could not start, once the screen was closed for it.
    """

    # Textual declares these so that neither ClassVar nor a tuple fits.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", priority=True),
        Binding("ctrl+c", "copy_or_quit", "Quit", priority=True),
        Binding("f1", "help", "Help"),
    ]

    def __init__(
        self, session: Session, gate: Gate | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(css_path=[f"styles/{name}.tcss" for name in STYLES])
        self.clock = clock
        self.status = Status()
        self.modes = Modes()
        self.unopened: Exception | None = None
        self._session, self._gate = session, gate
        self._calls = Calls(self, self._refused)
        self._history = History()
        self._quit_asked = self._mode_changed = float("-inf")
        self._guard = Guard()
        self._notifies = False
        self.main = MainScreen(self, session, self._calls, self._history)

    @property
    def hint(self) -> str:
        if self._quitting:
            return "Ctrl+C again quits"
        if self.screen is self.main and self.main.hint:
            return self.main.hint
        mode = self.modes.current
        return f"{mode.name}: {mode.about}" if self.clock() - self._mode_changed < MODE_EXPLAINED else ""

    @property
    def _quitting(self) -> bool:
        return self.clock() - self._quit_asked < QUIT_WITHIN

    def get_default_screen(self) -> Screen[None]:
        return self.main

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), self._guard]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme", "Change the colours", self.action_change_theme)
        if screen is self.main:
            yield from commands_of(self.main.prompt, self.main.say)

    def on_mount(self) -> None:
        self.call_after_refresh(self._begin)

    def on_engine_event(self, message: EngineEvent) -> None:
        if not self.is_running:
            # The person has quit: the widgets are going, while the engine still speaks.
            return
        event = message.event
        if self._notifies and not self.app_focus and is_awaited(event):
            self.bell()
        self.status = self.status.after(event, self.clock())
        self.main.hear(event)
        for screen in self.screen_stack:
            if isinstance(screen, LessonsScreen | CommitScreen | CreditScreen):
                screen.hear(event)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            topic = self.screen.topic if isinstance(self.screen, Page) else "Screens"
            self.push_screen(HelpScreen(self, topic))

    def action_next_mode(self) -> None:
        """Change the mode, and say for a moment what it means."""
        self.modes.next()
        self._mode_changed = self.clock()

    def action_copy_or_quit(self) -> None:
        """Copy what is selected; with nothing selected, quit at the second press."""
        selected = self.focused.selected_text if isinstance(self.focused, TextArea) else None
        if selected := selected or self.screen.get_selected_text():
            self.copy_to_clipboard(selected)
        elif self._quitting:
            self.exit()
        else:
            self._quit_asked = self.clock()

    def _begin(self) -> None:
        """Start the engine once the first frame stands, and what has to be asked before is answered."""
        self._calls.submit(partial(self._opening, self._ask_first), then=self._asked_first)

    def _opening(self, call: Callable[[], T]) -> T | None:
        """What `call` returns; None when it shows that no session can start."""
        try:
            return call()
        except Exception as error:
            self.unopened = error  # raised by whoever runs the app, once the terminal is theirs again
            return None

    def _ask_first(self) -> TrustQuestion | None:
        return self._gate.question() if self._gate else None

    def _asked_first(self, question: TrustQuestion | None) -> None:
        if question is None:
            self._start()
        else:
            self.push_screen(TrustScreen(self, question), partial(self._trusted, question))

    def _trusted(self, question: TrustQuestion, answer: TrustAnswer | None) -> None:
        gate, answer = self._gate, answer or "ignore"
        if gate is not None:
            self._calls.submit(partial(self._opening, partial(gate.answer, answer)))
        self.main.say(trusted(question, answer))
        self._start()

    def _start(self) -> None:
        self._calls.submit(partial(self._opening, self._open), then=self._opened)

    def _open(self) -> Opened | None:
        if self.unopened:
            return None
        opened = self._session.start(self._listen)
        self._history.keep_in(opened.history)
        return opened

    def _opened(self, opened: Opened | None) -> None:
        if opened is None:
            self.exit()
            return
        self.status = replace(self.status, model=opened.model)
        self.main.committing.offers = opened.offers_commits
        self._notifies = opened.notifies
        if opened.past:
            self.main.retell(opened.past)
        elif opened.choices:
            self.push_screen(sessions_screen(self, opened.choices), self._resume)
        self._calls.submit(self._history.read, then=self._history.restore)
        if opened.theme:
            self._calls.submit(partial(read_theme, opened.theme), then=partial(self._keep_theme, opened.theme))
        self._calls.submit(self._session.files, then=self.main.take_files)

    def _keep_theme(self, path: Path, chosen: str) -> None:
        """Use the theme that was chosen in an earlier session, and keep which one is chosen from now on."""
        if chosen in self.available_themes:
            self.theme = chosen
        self.theme_changed_signal.subscribe(
            self, lambda theme: self._calls.submit(partial(store_theme, path, theme.name))
        )

    def _resume(self, id: str | None) -> None:
        if id is not None:
            self._calls.submit(partial(self._session.resume, id), then=self.main.retell)

    def _listen(self, event: Event) -> None:
        try:
            self.post_message(EngineEvent(event))
        except RuntimeError:
            # The loop is closed: the person has quit while the engine was still speaking.
            return

    def _refused(self, error: ContinualCodeError) -> None:
        self.main.say(failure_of(error))
