"""The running engine: one thread that serves, one that learns, and the person in between.

Invariant: the serving view is touched by the serving thread alone, a swap happens between
two answers, and what the person asks for goes before what the program does by itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from continual_code.chores import Chores
from continual_code.commits import LiveCommits
from continual_code.comparing import compare, planned
from continual_code.errors import ContinualCodeError, Interrupted, unexpected
from continual_code.events import (
    Applied,
    Credited,
    Event,
    Failed,
    Found,
    Lesson,
    Listener,
    Loading,
    NoEdit,
    Proposed,
    Ready,
    Recorded,
    SearchMode,
    Task,
    Undone,
    Verdict,
)
from continual_code.jobs import Jobs, Urgency
from continual_code.learning.turns import Turns
from continual_code.past import Past, Point
from continual_code.port import ModelChoice, Opened, Switch
from continual_code.retrying import Retries
from continual_code.rewinding import rewind
from continual_code.serving import Serving

if TYPE_CHECKING:  # the first frame waits for this module, and must not wait for those: torch alone costs seconds
    from continual_code.app import Work
    from continual_code.desk import Desk
    from continual_code.engine import Engine
    from continual_code.learning.head import Published
    from continual_code.runs import LiveRuns

CLOSE_SECONDS = 4.0


class LiveSession:
    """See `port.Session`.

    Args:
        root: the directory to work in.
        open: called once, when something is first wanted of the work; the screen's first frame comes before that.
        retries: whether a rejected task is asked again by itself once its lesson is learned.
    """

    def __init__(self, root: Path, open: Callable[[], Work], *, retries: bool = True) -> None:
        self.root, self._open = root.resolve(), open
        self.turns = Turns()
        self.chores = Chores(lambda: self.turns.closed)
        self.warnings: list[Failed] = []  # what a driver without a person need not stop for
        self._listener: Listener = lambda event: None
        self._credited: Credited | None = None
        self._jobs = Jobs()
        self._retries = Retries(self._ready, self._jobs, self.emit, wanted=retries)
        self.commits = LiveCommits(lambda: self._desk, self.emit, self._jobs, self.turns, self._loaded)
        self._runs: LiveRuns | None = None
        self._serving: Serving | None = None
        self._is_loading = True
        self._thread = threading.Thread(target=self._serve, name="serving", daemon=True)

    # --- What the screen calls ----------------------------------------------------------

    def root_relative(self, file: str) -> str:
        """See `Desk.relative`."""
        return self._desk.relative(file)

    def start(self, listener: Listener) -> Opened:
        self._listener = listener
        settings, log = self._work.settings, self._work.log
        self._runs = self._work.runs(self)
        opened = Opened(
            settings.model, settings.state_dir / "history", log.past(), log.choices,
            offers_commits=settings.commits.offer, theme=settings.state_dir / "theme", notifies=settings.screen.notify,
        )  # fmt: skip
        self._thread.start()
        return opened

    def resume(self, id: str) -> Past:
        return self._work.log.resume(id)

    @property
    def runs(self) -> LiveRuns:
        if self._runs is None:
            raise ContinualCodeError("The session has not started yet.", do="Try again in a moment.")
        return self._runs

    def ask(self, task: Task) -> None:
        asked = self._work.log.begin(task)
        self._jobs.put(Urgency.PERSON, lambda: self._answer(task, asked))

    def compare(self, task: Task | None = None, revisions: tuple[int, int] | None = None) -> None:
        serving = self._ready()
        comparison = planned(serving.engine.lineage, self._work.log.points(), task, revisions)
        self._jobs.put(Urgency.PERSON, lambda: compare(serving, *comparison))

    def judge(self, verdict: Verdict) -> None:
        from continual_code.desk import NotWritten

        try:
            lesson, trouble = self._desk.judge(verdict), None
        except NotWritten as error:
            lesson, trouble = error.lesson, error
        waits_for = self._other_model(lesson) if lesson else ""
        if lesson and not waits_for:
            self._retries.expect(lesson, verdict.kind)
        self.emit(Recorded(verdict, lesson, waits_for))
        if trouble:
            self.emit(Failed(trouble.what, trouble.kept, trouble.do))
        elif verdict.kind != "reject":
            self.emit(Applied(verdict.proposal_id, self._desk.journal.proposal(verdict.proposal_id).path))
        if lesson and self._engine:
            self._engine.worker.wake()

    def _other_model(self, lesson: Lesson) -> str:
        """The model that a lesson is for; "" if it is this one, whatever its name was."""
        key = self._desk.journal.model_of(lesson.id)
        name, own = key.partition("@")[0], self._work.settings.model
        return "" if name == own or (self._engine and key == self._engine.lineage.key) else name

    def interrupt(self) -> None:
        if self._serving:
            self._serving.stop()

    def cancel_lesson(self) -> None:
        self.turns.cancel()

    def undo(self, id: str) -> None:
        if id.startswith("p"):
            self.emit(Undone(id, self._desk.undo(id).words))
            return
        self._desk.journal.lesson(id)  # an unknown id is the caller's fault, and said at once
        worker = self._loaded().worker
        worker.do(lambda: self.emit(worker.head.undo(id)))

    def rollback(self, revision: int) -> None:
        worker = self._loaded().worker
        worker.do(lambda: self.emit(worker.head.rollback(revision)))

    def pin(self, id: str, pinned: bool) -> None:
        self._desk.journal.pin(id, pinned)

    def points(self) -> Sequence[Point]:
        return self._work.log.points()

    def rewind(self, id: str) -> str:
        return rewind(self.points(), id, self.undo)

    def last_applied(self) -> str | None:
        return self._desk.last_applied()

    def lessons(self) -> Sequence[Lesson]:
        return self._engine.lineage.lessons() if self._engine else ()

    def credit(self, id: str) -> Credited | None:
        latest = self._credited
        if latest and latest.lesson_id == id:
            return latest
        report = self._desk.journal.report(id)
        return Credited(id, report.tokens, report.token_gaps) if report and report.tokens else None

    def models(self) -> Sequence[ModelChoice]:
        from continual_code.switching import model_choices

        return model_choices(self._work.settings)

    def switch(self, model: str) -> Switch:
        from continual_code.switching import planned_switch

        return planned_switch(self._work.settings, model, self._work.log.id)

    def files(self) -> Sequence[str]:
        return self._desk.files()

    def search(self, wanted: str, mode: SearchMode = "text") -> Found:
        return self._desk.search(wanted, mode)

    def export(self, directory: Path) -> Path:
        engine = self._loaded()
        return engine.lineage.export(directory, self._work.settings.learning)

    def close(self) -> None:
        self.turns.close()
        if self._runs:
            self._runs.stop()
        self._jobs.put(Urgency.SWAP, lambda: None)
        deadline = time.monotonic() + CLOSE_SECONDS
        if self._thread.is_alive():  # first: once it has ended, whether there is an engine is settled
            self._thread.join(CLOSE_SECONDS)
        if self._runs:
            self._runs.close(max(0.0, deadline - time.monotonic()))
        if self._engine:
            self._engine.worker.close(max(0.0, deadline - time.monotonic()))
        self.chores.join(max(0.0, deadline - time.monotonic()))

    # --- What the engine's parts call ---------------------------------------------------

    def emit(self, event: Event) -> None:
        """Tell the screen."""
        if isinstance(event, Credited):
            self._credited = event
        self._listener(event)

    def warn(self, trouble: str) -> None:
        """Tell the screen about something that was repaired or given up; the session goes on."""
        self.warnings.append(Failed(trouble))
        self.emit(self.warnings[-1])

    def progress(self, stage: str, fraction: float | None) -> None:
        """Tell the screen how far loading is; stops loading when the session closes."""
        if self.turns.closed:
            raise Interrupted("Loading was stopped.")
        self.emit(Loading(stage, fraction))

    def publish(self, published: Published) -> None:
        """Serve a new head: swapped in between two answers, then its lesson's task is asked again."""
        self._jobs.put(Urgency.SWAP, lambda: self._ready().swap(published))
        if published.lesson:
            self._retries.begin(published.lesson, published)

    def remind(self, lesson: Lesson) -> None:
        """A comment is a line of the prompt from now on: its lesson's task is asked again."""
        self._retries.begin(lesson, None)

    # --- The serving thread -------------------------------------------------------------

    def _serve(self) -> None:
        self._guarded(self._start_engine)
        self._is_loading = False
        while not self.turns.closed:
            self._guarded(self._jobs.next())

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Interrupted:
            return
        except ContinualCodeError as error:
            self.emit(Failed(error.what, error.kept, error.do))
        except Exception as error:  # the top of the serving thread: say it, keep serving
            self.emit(Failed(unexpected(error), "Nothing was changed.", "Ask again."))

    def _start_engine(self) -> None:
        for trouble in self._desk.recover():
            self.warn(trouble)
        engine = self._work.load(self)
        self._serving = Serving(engine, self._desk, self._work.settings, self.turns, self.emit)
        self.emit(Ready(engine.model, engine.placement, self._serving.revision))
        engine.worker.start()

    def _answer(self, task: Task, asked: str) -> None:
        try:
            self.emit(Proposed(self._ready().propose(task, asked=asked)))
        except ContinualCodeError as error:
            reason = "You stopped the answer." if isinstance(error, Interrupted) else str(error)
            self._work.log.end(asked, reason)
            self.emit(NoEdit(task, reason))

    @cached_property
    def _work(self) -> Work:
        return self._open()

    @property
    def _desk(self) -> Desk:
        return self._work.desk

    @property
    def _engine(self) -> Engine | None:
        return self._serving.engine if self._serving else None

    def _loaded(self) -> Engine:
        return self._ready().engine

    def _ready(self) -> Serving:
        if self._serving is None and self._is_loading:
            raise ContinualCodeError("The model is still loading.", do="Try again in a moment.")
        if self._serving is None:
            raise ContinualCodeError("The model could not be loaded.", do="See above why, and start again.")
        return self._serving
