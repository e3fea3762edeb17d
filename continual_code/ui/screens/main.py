"""The main screen: transcript, the card when a proposal waits, prompt, footer.

Invariant: only the person's own keys move the focus away from a prompt that holds text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from continual_code.errors import ContinualCodeError
from continual_code.events import (
    Applied,
    Compared,
    Comparing,
    Event,
    Failed,
    Learned,
    NoEdit,
    Proposed,
    Recorded,
    Retried,
    Started,
    Streamed,
)
from continual_code.past import Past
from continual_code.port import Session
from continual_code.ui.calls import Calls
from continual_code.ui.clean import clean_line
from continual_code.ui.commands import Command, parse_command, shell_line
from continual_code.ui.committing import Committing
from continual_code.ui.crediting import show_credit
from continual_code.ui.errands import Errands
from continual_code.ui.headline import diff_lines
from continual_code.ui.history import History
from continual_code.ui.keys import prompt_keys
from continual_code.ui.narrate import failure_of, narrate, quiet, welcome
from continual_code.ui.outbox import Outbox
from continual_code.ui.own_editor import go_on_elsewhere
from continual_code.ui.retelling import retell
from continual_code.ui.rewinding import AGAIN_WITHIN, Rewinding
from continual_code.ui.screens.judging import JudgingPage
from continual_code.ui.screens.lessons import LessonsScreen
from continual_code.ui.searching import Searching
from continual_code.ui.shell import Shell
from continual_code.ui.switching import Switching
from continual_code.ui.widgets.completions import Completions
from continual_code.ui.widgets.history_search import KEYS as SEARCH_KEYS
from continual_code.ui.widgets.history_search import HistorySearch
from continual_code.ui.widgets.notice import Notice
from continual_code.ui.widgets.prompt import Prompt
from continual_code.ui.widgets.status_bar import Source
from continual_code.ui.widgets.transcript import Transcript


class MainScreen(JudgingPage):
    """Hears every event; `clock` gives seconds and is shared with the cards."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "interrupt", "Stop"),
        Binding("f4", "lessons", "Lessons"),
        Binding("f5", "tests", "Run the tests"),
        Binding("f6", "follow_up", "Show the failure to the model"),
        Binding("f7", "commit", "Commit the last edit"),
    ]

    def __init__(self, source: Source, session: Session, calls: Calls, history: History) -> None:
        super().__init__(source, session, calls)
        self._history = history
        self._errands = Errands(session, calls, self.say, source.modes)
        self._escaped = float("-inf")
        self._outbox = Outbox(session, calls, self.say, self._restore)
        self._rewinding = Rewinding(source, session, calls, self.say, self._give_back)
        self.committing = Committing(source, session, calls, self.say, lambda text: self.prompt.paste(text))
        self._shell = Shell(session, calls, self.say, self._restore)
        self._switching = Switching(source, session, calls)
        self._searching = Searching(source, session, calls, self.say, lambda: self.prompt)

    def compose(self) -> ComposeResult:
        completions, search = Completions(), HistorySearch(self._history)
        yield Transcript(id="transcript")
        yield Vertical(id="card")
        yield Notice()
        yield completions
        yield search
        with Horizontal(id="prompt-line"):
            yield Static(Content("›"), id="prompt-mark", markup=False)
            yield Prompt(self._history, completions, search)
        yield self.footer()

    def on_mount(self) -> None:
        self.prompt.focus()
        self.say(welcome(str(self._session.root)))
        self._refresh()

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def hint(self) -> str:
        """What the second Esc does, for as long as it does it."""
        again = not self.prompt.text and self.source.clock() - self._escaped < AGAIN_WITHIN
        return "Esc again goes back to an earlier task" if again else ""

    @property
    def keys(self) -> str:
        if self.review is not None and self.review.has_focus_within:
            return self.review.keys
        if self.query_one(HistorySearch).is_open:
            return SEARCH_KEYS
        return prompt_keys(self.source.status, self.query_one(Completions), waiting=bool(self._reviews))

    # --- What the engine says ---------------------------------------------------------

    def hear(self, event: Event) -> None:
        """Show `event`; the app has taken it into its status already."""
        if isinstance(event, Streamed):
            self.transcript.stream(event.text)
            return
        self._before(event)
        if lines := narrate(event):
            self.say(lines)
        self._after(event)
        if self.committing.hear(event) and self._free:
            self.committing.offer(self.app, lambda: self._free)
        self._refresh()

    def _before(self, event: Event) -> None:
        match event:
            case Started(task, retry_of=retry_of):
                self.transcript.end_answer(fold=False)
                if not retry_of:  # the same words may wait to be asked for themselves
                    self._outbox.started(task)
            case Comparing(begins=True):
                self.transcript.end_answer(fold=False)
                self._outbox.compared(event)
            case Compared(before=before, after=after):
                self.transcript.end_answer(fold=bool(before.edit and after.edit))
            case NoEdit() | Failed():
                self.transcript.end_answer(fold=False)
            case Proposed():
                self.transcript.end_answer(fold=True)
            case Recorded(verdict) if verdict.proposal_id in self._proposals:
                self.say(diff_lines(self._proposals.pop(verdict.proposal_id), verdict))

    def _after(self, event: Event) -> None:
        match event:
            case Proposed(proposal):
                self._proposed(proposal)
            case Applied(id):
                self._calls.submit(lambda: self._session.runs.edited(id))
            case Learned():
                self._looks.note(event)
            case Retried() | Compared():
                self._to_look_at(event)

    def retell(self, past: Past) -> None:
        """Show the session that is continued; what never got a verdict waits for one again."""
        self._calls.submit(partial(retell, past), then=self.say)
        for proposal in past.waiting:
            self._take(proposal).seen = True
        self._refresh()

    def say(self, lines: Iterable[Content]) -> None:
        self.transcript.write(lines)

    # --- What the person sends --------------------------------------------------------

    def on_prompt_sent(self, message: Prompt.Sent) -> None:
        self.transcript.follow()
        command = parse_command(message.text)
        if message.text == message.shown:
            self._calls.submit(partial(self._history.store, message.text))
        if (line := shell_line(message.text)) is not None:
            self._shell.send(self.app, line, message.shown)
        elif command is None or command.name == "ab":
            self._outbox.send(message.text, message.shown)
            self._refresh()
        elif not self._obey(command, message.shown):
            self.say([quiet(f"There is no command /{clean_line(command.name, 40)}; /help lists them.")])
            self._restore(message.shown)

    def on_prompt_scrolled(self, message: Prompt.Scrolled) -> None:
        self.transcript.page(message.pages)

    def on_prompt_own_editor_wanted(self) -> None:
        go_on_elsewhere(self.app, self.prompt, self.say)

    def on_history_search_closed(self, message: HistorySearch.Closed) -> None:
        if message.text is not None:
            self.prompt.recall(message.text)
        self.prompt.focus()
        self._offer()
        self._refresh()

    def on_history_search_typed(self, message: HistorySearch.Typed) -> None:
        self.prompt.insert(message.text)

    def on_completions_changed(self) -> None:
        self.tick()

    def on_completions_files_wanted(self) -> None:
        self._calls.submit(self._session.files, then=self.take_files)

    def on_completions_lessons_wanted(self) -> None:
        self._calls.submit(self._session.lessons, then=self.query_one(Completions).take_lessons)

    def take_files(self, files: Sequence[str]) -> None:
        """The paths that `@` completes from now on."""
        self.query_one(Completions).files = files

    def _restore(self, text: str) -> None:
        """Give back what could not be sent, unless the person is typing something else already."""
        if not self.prompt.text:
            self.prompt.set_text(text)
        self._refresh()

    def _obey(self, command: Command, shown: str) -> bool:
        """Start what `command` asks for; what is refused comes back, unless it is a bare name without words to lose."""
        refused = partial(self._refused, shown if command.argument else "")
        match command.name:
            case "lessons":
                self.action_lessons()
            case "credit":
                show_credit(self, self._session, self._calls, command.argument, failed=refused)
            case "rewind":
                self.action_rewind()
            case "commit":
                self.committing.begin(self.app, command.argument, failed=refused)
            case "model":
                self._switching.begin(self.app, command.argument, failed=refused)
            case "search":
                self._searching.begin(self.app, command.argument, failed=refused)
            case "help":
                self.app.call_later(self.app.run_action, "help")
            case "quit":
                self.app.exit()
            case _:
                return self._errands.run(command, failed=refused)
        return True

    def _refused(self, shown: str, error: ContinualCodeError) -> None:
        self.say(failure_of(error))
        self._restore(shown)

    # --- Keys -------------------------------------------------------------------------

    def action_interrupt(self) -> None:
        if self.source.status.answering:
            self._calls.at_once(self._session.interrupt)
        elif self.source.status.running.now:
            self._calls.at_once(lambda: self._session.runs.stop())
        elif self.source.status.learning:
            self._calls.at_once(self._session.cancel_lesson)
        elif self.hint:
            self._escaped = float("-inf")
            self.action_rewind()
        elif not self.prompt.text:
            self._escaped = self.source.clock()
            self.tick()

    def action_rewind(self) -> None:
        self._rewinding.begin(self.app)

    def _give_back(self, text: str) -> None:
        """Put an earlier task into the prompt, unless the person is typing another one already."""
        if not self.prompt.text:
            self.prompt.paste(text)

    def action_tests(self) -> None:
        self._calls.submit(lambda: self._session.runs.tests())

    def action_follow_up(self) -> None:
        self._calls.submit(lambda: self._session.runs.follow_up())

    def action_commit(self) -> None:
        self.committing.begin(self.app)

    def action_lessons(self) -> None:
        self.app.push_screen(LessonsScreen(self.source, self._session, self._calls))

    # --- What waits -------------------------------------------------------------------

    def _refresh(self) -> None:
        """Bring the notice and the footer up to date."""
        look, reviews = self._looks.notice(), self._reviews.notice(besides=self._looks.unseen_proposals)
        lines = [f"{look} — F3 to look"] if look else []
        lines += [f"{reviews} — F2 to review"] if reviews and self.review is None else []
        lines += [*self.source.status.running.notices(), *filter(None, [self.committing.notice()])]
        self.query_one(Notice).show([Content.styled(line, ".learn") for line in lines] + self._outbox.notices())
        self.tick()
