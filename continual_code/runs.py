"""The commands that run beside the loop: the tests of an edit, and what the person types after `!`.

Invariant: one command at a time, confined and on a thread of its own; a command that the repository suggests runs
only once the person has said so in this session, and a failure goes to the model only when they say so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from continual_code.desk import Desk
from continual_code.errors import ContinualCodeError, UsageError, unexpected
from continual_code.events import (
    FollowedUp,
    Listener,
    Proposal,
    RunEnd,
    RunEnded,
    RunKind,
    RunOutput,
    RunStarted,
    SuiteOffered,
    Task,
)
from continual_code.feedback.redaction import redact
from continual_code.settings import SuiteSettings
from continual_code.templates import fill
from continual_code.workspace import Finished, Printed, Suite, arguments_of, find_suite, run_command

MOST_FOLLOW_UPS = 3
SHOWN_AT_ONCE = {"tests": 0, "shell": 40}  # lines that are shown as they are printed
KEPT_LINES, KEPT_CHARACTERS = 40, 3_000  # of a failure, for the model: at most a quarter of a prompt
NOT_STARTED = {126, 127}  # exit codes of what could not even be run: nothing that an edit would mend


@dataclass(frozen=True, slots=True)
class _Failure:
    proposal: Proposal
    command: str
    ended: str
    output: str


class LiveRuns:
    """See `port.Runs`. `ask` queues a task for the model."""

    def __init__(self, desk: Desk, settings: SuiteSettings, emit: Listener, ask: Callable[[Task], None]) -> None:
        self._desk, self._settings, self._emit, self._ask = desk, settings, emit, ask
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._running = False
        self._suite: Suite | None = None  # what was offered, so that exactly this runs
        self._agreed: set[str] = set()
        self._edited: Proposal | None = None
        self._failure: _Failure | None = None
        self._original: dict[str, Task] = {}  # by the text of a follow-up
        self._followed: dict[str, int] = {}  # by the text of an original

    def edited(self, proposal_id: str) -> None:
        self._edited, self._failure = self._desk.journal.proposal(proposal_id), None
        if self._settings.run == "never" or not (suite := self._find()):
            return
        agreed = not suite.detected or suite.command in self._agreed
        if self._settings.run == "always" and agreed and not self._running:
            self._start("tests", suite.command)
        else:
            self._offer(suite)

    def tests(self) -> None:
        if self._settings.run == "never":
            raise UsageError("Tests are switched off.", do='Set tests.run to "ask" or "always".')
        suite = self._suite or self._find()
        if suite is None:
            raise UsageError("No way to test this repository was found.", do="Set tests.command.")
        if suite.detected and self._suite is None:
            self._offer(suite)
            return
        self._start("tests", suite.command)
        self._agreed.add(suite.command)

    def shell(self, line: str) -> None:
        self._start("shell", line.strip())

    def stop(self) -> None:
        self._stop.set()

    def follow_up(self) -> None:
        failure, self._failure = self._failure, None
        if failure is None:
            raise UsageError("There is no failure to show to the model.", kept="The model was not asked.")
        if self._desk.is_undone(failure.proposal.id):
            raise UsageError(f"{failure.proposal.id} was undone since it failed.", kept="The model was not asked.")
        original = self._original_of(failure.proposal)
        count = self._followed[original.text] = self._followed.get(original.text, 0) + 1
        text = fill(
            "failed_tests", task=original.text, path=failure.proposal.path, command=failure.command,
            ended=failure.ended, output=failure.output,
        )  # fmt: skip
        task = Task(text, (failure.proposal.path,))
        self._original[text] = original
        self._emit(FollowedUp(task, count, MOST_FOLLOW_UPS))
        self._ask(task)

    def close(self, seconds: float) -> None:
        """Stop what runs and wait for its end, `seconds` at most."""
        self._stop.set()
        if self._thread:
            self._thread.join(seconds)

    def _find(self) -> Suite | None:
        return find_suite(self._desk.root, self._settings.command)

    def _offer(self, suite: Suite) -> None:
        self._suite = suite
        self._emit(SuiteOffered(suite.command))

    def _start(self, kind: RunKind, line: str) -> None:
        arguments_of(line)  # one that cannot be read is the caller's fault, and said at once
        with self._lock:
            if self._running:
                raise UsageError("Another command is still running.", kept="This one was not run.", do="Esc stops it.")
            self._stop.clear()
            self._running = True
            self._thread = threading.Thread(target=self._run, args=(kind, line, self._edited), name="command")
            self._thread.daemon = True
            self._thread.start()

    # --- The thread of the command ------------------------------------------------------

    def _run(self, kind: RunKind, line: str, edited: Proposal | None) -> None:
        self._emit(RunStarted(kind, line))
        try:
            ended = self._finish(kind, line)
        except ContinualCodeError as error:
            ended = RunEnded(kind, line, "refused", reason=str(error))
        except Exception as error:  # the top of this thread: say it
            ended = RunEnded(kind, line, "refused", reason=unexpected(error))
        if kind == "tests":
            ended = self._tested(ended, edited)
        self._running = False
        self._emit(ended)

    def _finish(self, kind: RunKind, line: str) -> RunEnded:
        printed = Printed(first=SHOWN_AT_ONCE[kind], last=KEPT_LINES)

        def attend(text: str) -> bool:
            if text:
                self._emit(RunOutput(tuple(printed.add(text)), printed.newest))
            return not self._stop.is_set()

        limit = self._settings.timeout_seconds
        finished = run_command(line, self._desk.root.path, seconds=limit, attend=attend)
        if lines := printed.end():
            self._emit(RunOutput(tuple(lines), printed.newest))
        how, tail = _end_of(finished), tuple(printed.tail)
        return RunEnded(kind, line, how, finished.returncode, finished.seconds, tail, printed.hidden)

    def _tested(self, ended: RunEnded, edited: Proposal | None) -> RunEnded:
        """The same end, with what can be done about it; a failure is kept for the model."""
        self._failure = None
        mendable = ended.how in {"exited", "late"} and ended.code not in NOT_STARTED and not ended.passed
        if not mendable or edited is None or edited is not self._edited:
            return ended
        left = MOST_FOLLOW_UPS - self._followed.get(self._original_of(edited).text, 0)
        if left <= 0:
            return replace(ended, reason=f"The model was shown {MOST_FOLLOW_UPS} failures of this task already.")
        self._failure = _Failure(edited, ended.command, self._words(ended), _excerpt(ended.tail))
        return replace(ended, follow_ups=left)

    def _words(self, ended: RunEnded) -> str:
        if ended.how == "late":
            return f"did not end within {self._settings.timeout_seconds:g} seconds"
        return f"ended with exit code {ended.code}"

    def _original_of(self, proposal: Proposal) -> Task:
        return self._original.get(proposal.task.text, proposal.task)


def _end_of(finished: Finished) -> RunEnd:
    if finished.timed_out:
        return "late"
    if finished.flooded:
        return "flooded"
    return "stopped" if finished.stopped else "exited"


def _excerpt(lines: tuple[str, ...]) -> str:
    """The end of an output as an indented block, without secrets."""
    text = redact("\n".join(lines))[-KEPT_CHARACTERS:]
    return "\n".join(f"    {line}" for line in text.split("\n"))
