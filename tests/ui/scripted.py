"""A scripted engine: plays events from its own thread and records what the screen asked of it.

It answers nothing by itself, so a test says exactly what happens and when.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from continual_code.errors import UsageError
from continual_code.events import (
    Credited,
    Event,
    Found,
    Learned,
    Lesson,
    Listener,
    Proposal,
    Ready,
    Retried,
    SearchMode,
    StepReport,
    Task,
    Verdict,
)
from continual_code.past import Past, Point, SessionNote
from continual_code.port import CommitDraft, ModelChoice, Opened, Switch, TrustAnswer, TrustQuestion

BEFORE = "def greet(name):\n    print('hi ' + name)\n\n\ndef main():\n    greet('you')\n"
AFTER = 'def greet(name):\n    print(f"hello {name}")\n\n\ndef main():\n    greet("you")\n'
TOKENS = ("def", " greet", "(", "'hi", " '", " +", " name", ")", "\n")
GAPS = (0.1, 0.0, 0.0, -0.4, -1.9, -3.2, -0.1, 0.0, 0.2)


class ScriptedGate:
    """Implements `continual_code.port.Gate`."""

    def __init__(self, *settings: str, fault: str = "", path: str = "/project/.continual-code.toml") -> None:
        self._question = TrustQuestion(path, settings, fault)
        self.answers: list[TrustAnswer] = []

    def question(self) -> TrustQuestion:
        return self._question

    def answer(self, answer: TrustAnswer) -> None:
        self.answers.append(answer)


class ScriptedRuns:
    """Implements `continual_code.port.Runs`; `note` is told of every call."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note

    def edited(self, proposal_id: str) -> None:
        self._note("edited", proposal_id)

    def tests(self) -> None:
        self._note("tests")

    def shell(self, line: str) -> None:
        self._note("shell", line)

    def follow_up(self) -> None:
        self._note("follow_up")

    def stop(self) -> None:
        self._note("stop")


class ScriptedCommits:
    """Implements `continual_code.port.Commits`; `note` is told of every call."""

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self.message = "Greet politely\n\nContinual-Code-Lesson: l3"
        self.others: tuple[str, ...] = ()

    def draft(self, proposal_id: str = "") -> CommitDraft:
        self._note("draft", proposal_id)
        return CommitDraft(proposal_id or "p1", "greet.py", "main", self.message, self.others)

    def make(self, proposal_id: str, message: str, others: Sequence[str] = ()) -> None:
        assert tuple(others) == self.others
        self._note("commit", proposal_id, message)

    def write_subject(self, proposal_id: str) -> None:
        self._note("write_subject", proposal_id)

    def stop_writing(self) -> None:
        self._note("stop_writing")


class ScriptedSession:
    """Implements `continual_code.events.Session`; `calls` holds (name, *arguments) in order."""

    def __init__(
        self,
        root: Path = Path("/project"),
        files: Sequence[str] = ("greet.py", "src/app.py"),
        history: Path | None = None,
        past: Past | None = None,
        choices: Sequence[SessionNote] = (),
        offers_commits: bool = False,
        theme: Path | None = None,
        notifies: bool = True,
    ) -> None:
        self._root, self._history, self._theme, self._notifies = root, history, theme, notifies
        self.past, self.choices = past, tuple(choices)
        self.known_files = list(files)
        self.lesson_list: list[Lesson] = []
        self.credits: dict[str, Credited] = {}
        self.point_list: list[Point] = []
        self.applied: str | None = None
        self.found = Found(())
        self.calls: list[tuple[Any, ...]] = []
        self.errors: dict[str, Exception] = {}
        self.offers_commits = offers_commits
        self.runs = ScriptedRuns(self._note)
        self.commits = ScriptedCommits(self._note)
        self.threads: dict[str, threading.Thread] = {}
        self.held = threading.Event()
        self.held.set()
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._listener: Listener | None = None

    # --- The protocol -----------------------------------------------------------------

    @property
    def root(self) -> Path:
        return self._root

    def start(self, listener: Listener) -> Opened:
        self._note("start")
        self._listener = listener
        threading.Thread(target=self._speak, daemon=True).start()
        past = None if self.choices else self.past
        return Opened(
            "qwen2.5-coder-1.5b", self._history, past, self.choices, self.offers_commits, self._theme, self._notifies
        )

    def resume(self, id: str) -> Past:
        self._note("resume", id)
        assert self.past is not None
        return self.past

    def ask(self, task: Task) -> None:
        self._note("ask", task)

    def compare(self, task: Task | None = None, revisions: tuple[int, int] | None = None) -> None:
        self._note("compare", task, revisions)

    def judge(self, verdict: Verdict) -> None:
        self._note("judge", verdict)

    def interrupt(self) -> None:
        self._note("interrupt")

    def cancel_lesson(self) -> None:
        self._note("cancel_lesson")

    def undo(self, id: str) -> None:
        self._note("undo", id)

    def rollback(self, revision: int) -> None:
        self._note("rollback", revision)

    def pin(self, id: str, pinned: bool) -> None:
        self._note("pin", id, pinned)
        self.lesson_list = [replace(each, pinned=pinned) if each.id == id else each for each in self.lesson_list]

    def points(self) -> Sequence[Point]:
        return self.point_list

    def rewind(self, id: str) -> str:
        self._note("rewind", id)
        return next(point.task.text for point in self.point_list if point.id == id)

    def last_applied(self) -> str | None:
        return self.applied

    def lessons(self) -> Sequence[Lesson]:
        self._note("lessons")
        return list(self.lesson_list)

    def credit(self, id: str) -> Credited | None:
        self._note("credit", id)
        return self.credits.get(id)

    def models(self) -> Sequence[ModelChoice]:
        self._note("models")
        return [
            ModelChoice("tiny-coder", "a tiny one", "serves", "any CPU"),
            ModelChoice("big-coder", "a [bold]big\x1b one", "installed", "GPU"),
        ]

    def switch(self, model: str) -> Switch:
        self._note("switch", model)
        if model not in {choice.id for choice in self.models()}:
            raise UsageError(f"No model is called {model}.")
        return Switch(model, "s3")

    def files(self) -> Sequence[str]:
        self._note("files")
        return self.known_files

    def search(self, wanted: str, mode: SearchMode = "text") -> Found:
        self._note("search", wanted, mode)
        return self.found

    def export(self, directory: Path) -> Path:
        self._note("export", directory)
        return directory

    def close(self) -> None:
        self._note("close")
        self._events.put(None)

    # --- The script -------------------------------------------------------------------

    def play(self, *events: Event) -> None:
        """Deliver `events` from the engine's thread, in order."""
        for event in events:
            self._events.put(event)

    @property
    def asked(self) -> list[Task]:
        return [call[1] for call in self.calls if call[0] == "ask"]

    @property
    def verdicts(self) -> list[Verdict]:
        return [call[1] for call in self.calls if call[0] == "judge"]

    def _note(self, name: str, *arguments: Any) -> None:
        self.held.wait(10)
        self.threads[name] = threading.current_thread()
        self.calls.append((name, *arguments))
        if error := self.errors.get(name):
            raise error

    def _speak(self) -> None:
        while (event := self._events.get()) is not None:
            assert self._listener is not None
            self._listener(event)


def ready() -> Ready:
    return Ready("qwen2.5-coder-1.5b", "cpu", 3)


def proposal(
    id: str = "p1",
    path: str = "greet.py",
    before: str | None = BEFORE,
    after: str = AFTER,
    *,
    text: str = "greet politely",
    retry_of: str | None = None,
    revision: int = 3,
    left_out: tuple[str, ...] = (),
) -> Proposal:
    return Proposal(id, Task(text), path, before, after, revision, 2.1, left_out, retry_of)


def lesson(id: str = "l3", comment: str = "use f-strings, never plus", **fields: Any) -> Lesson:
    settled: dict[str, Any] = {
        "status": "learned",
        "revision": 4,
        "gap": 0.31,
        "loss_before": 0.82,
        "loss_after": 0.21,
        "seconds": 3.1,
        "created": "2026-08-05T14:12:00+00:00",
    }
    return Lesson(id, "p1", "greet.py", comment, **(settled | fields))


def learned(id: str = "l3", *, status: str = "learned", reason: str = "", comment: str = "use f-strings") -> Learned:
    revision = 4 if status == "learned" else None
    report = StepReport(id, status, reason, revision, 0.31, 0.82, 0.21, 3, 3.1, TOKENS, GAPS)  # type: ignore[arg-type]
    return Learned(lesson(id, comment, status=status, reason=reason, revision=revision), report)


def credited(id: str = "l3", tokens: Sequence[str] = TOKENS, gaps: Sequence[float] = GAPS) -> Credited:
    return Credited(id, tuple(tokens), tuple(gaps))


def retried(*, held: bool = True, before: Proposal | None = None, after: Proposal | None = None) -> Retried:
    return Retried("l3", before or proposal(), after, held, 0.02, "" if held else "the answer is the same as before")
