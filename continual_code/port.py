"""The engine as the screen sees it; scripted in tests, real in `session.py`.

Invariant: plain values in, events out. Nothing here waits on the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from continual_code.events import Credited, Found, Lesson, Listener, SearchMode, Task, Verdict
from continual_code.past import Past, Point, SessionNote


@dataclass(frozen=True, slots=True)
class Opened:
    """What a session found when it started: the model's name, and the files for earlier prompts and for the theme that
    was chosen (None keeps none).

    `past` is the session that is continued; `choices` are those that the person wanted to choose from.
    `offers_commits`: the person wants to be asked about a commit after every accepted edit. `notifies`: and to be
    called when something comes while the terminal has not the focus.
    """

    model: str
    history: Path | None = None
    past: Past | None = None
    choices: tuple[SessionNote, ...] = ()
    offers_commits: bool = False
    theme: Path | None = None
    notifies: bool = True


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that a session could go on with; `state` says whether it serves, is installed or would be fetched."""

    id: str
    title: str
    state: str
    hardware: str


@dataclass(frozen=True, slots=True)
class Switch:
    """What the program starts anew with; `session` is the one to go on with, None if nothing was asked in it yet."""

    model: str
    session: str | None


TrustAnswer = Literal["ignore", "once", "always"]


@dataclass(frozen=True, slots=True)
class TrustQuestion:
    """A project's configuration file that the person has not trusted: a line for each setting that it holds.

    `fault` says why it could not be used even if they did.
    """

    path: str
    settings: tuple[str, ...] = ()
    fault: str = ""


class Gate(Protocol):
    """What has to be asked before a session starts."""

    def question(self) -> TrustQuestion | None:
        """The project's configuration file, where it waits for the person's trust.

        Raises:
            ContinualCodeError, OSError: the settings cannot be read, so no session can start.
        """
        ...

    def answer(self, answer: TrustAnswer) -> None:
        """What the person decided: "always" is remembered for this content at this path."""
        ...


class Runs(Protocol):
    """Commands in the sandbox, one at a time: `RunStarted`, `RunOutput`..., then `RunEnded`."""

    def edited(self, proposal_id: str) -> None:
        """An edit was applied: its tests are run or offered (`SuiteOffered`), as the person has set it."""
        ...

    def tests(self) -> None:
        """Run the tests; a command that the repository suggests is offered first, unless it was already."""
        ...

    def shell(self, line: str) -> None:
        """Run the person's own command."""
        ...

    def follow_up(self) -> None:
        """Put the last failure of the tests to the model (`FollowedUp`, then as for `Session.ask`)."""
        ...

    def stop(self) -> None:
        """Stop the running command; no-op when none runs."""
        ...


@dataclass(frozen=True, slots=True)
class CommitDraft:
    """A commit that could be made of an applied edit on `branch`; `message` is for the person to change.

    `others`: earlier proposals whose edits of the same file it would hold as well.
    """

    proposal_id: str
    path: str
    branch: str
    message: str
    others: tuple[str, ...] = ()


class Commits(Protocol):
    """Commits of applied edits, each of one edit, with those that it builds on, and nothing else."""

    def draft(self, proposal_id: str = "") -> CommitDraft:
        """What would be committed of an applied proposal, the newest if none is named; nothing is written.

        Raises:
            ContinualCodeError: there is none, or git is in no state for it (see `workspace.commit_edit`).
        """
        ...

    def make(self, proposal_id: str, message: str, others: Sequence[str] = ()) -> None:
        """Make the commit (`Committed`); raises as `draft` does, and when it would hold other edits than `others`."""
        ...

    def write_subject(self, proposal_id: str) -> None:
        """Ask the model for the subject of a commit, after what it was asked before: `Wording`..., then `Worded`.

        Raises:
            ContinualCodeError: the proposal is not applied, or no model is loaded.
        """
        ...

    def stop_writing(self) -> None:
        """Give up the subject that was last asked for: nothing more is said of it; no-op when there is none."""
        ...


class Session(Protocol):
    """The engine as the screen sees it.

    Calls return quickly and never wait on the model; what comes of them arrives as
    events, delivered on a worker thread. Errors are raised as `ContinualCodeError`
    where the call itself is at fault (unknown id, stale file), and sent as `Failed`
    where the work behind it fails.
    """

    @property
    def root(self) -> Path:
        """The directory the program was started in; the only one it edits."""
        ...

    @property
    def runs(self) -> Runs:
        """The commands beside the model; only once the session was started."""
        ...

    @property
    def commits(self) -> Commits:
        """Commits by consent; only once the session was started."""
        ...

    def start(self, listener: Listener) -> Opened:
        """Begin loading the model and deliver every event to `listener` from now on.

        Raises:
            ContinualCodeError, OSError: settings, directory or state cannot be used, so nothing else will work either.
        """
        ...

    def resume(self, id: str) -> Past:
        """Continue an earlier session of this directory: what is asked from now on belongs to it."""
        ...

    def ask(self, task: Task) -> None:
        """Queue a task; answered by `Started`, `Streamed`..., then `Proposed` or `NoEdit`."""
        ...

    def compare(self, task: Task | None = None, revisions: tuple[int, int] | None = None) -> None:
        """Queue a task for two revisions, one after the other; none of it is kept.

        Answered by `Comparing` and `Streamed`... for each, then `Compared`; or by `NoEdit` or `Failed`.

        Args:
            task: by default the latest of this session.
            revisions: 0 is the base; by default the head and the one that it was made from.

        Raises:
            ContinualCodeError: there is no such task or revision, or no model yet.
        """
        ...

    def judge(self, verdict: Verdict) -> None:
        """Record a verdict durably, then act on it (apply the edit, or queue the lesson)."""
        ...

    def interrupt(self) -> None:
        """Stop the answer in progress within one token; no-op when nothing runs."""
        ...

    def cancel_lesson(self) -> None:
        """Stop the running step; its lesson ends as "refused" and the adapter stays as it was."""
        ...

    def undo(self, id: str) -> None:
        """Undo an applied proposal ("p7") or a lesson ("l3")."""
        ...

    def rollback(self, revision: int) -> None:
        """Serve an earlier revision again; the lessons learned after it are forgotten (`Undone`)."""
        ...

    def pin(self, id: str, pinned: bool) -> None:
        """Whether this lesson must hold whatever is taught later."""
        ...

    def points(self) -> Sequence[Point]:
        """This session's tasks and applied edits, in the order in which they happened."""
        ...

    def rewind(self, id: str) -> str:
        """Undo this session's edits since a point, newest first (an `Undone` each); returns the text of its task.

        Raises:
            WorkspaceError: the person changed one of the files since; what is newer was undone, the rest was not.
        """
        ...

    def last_applied(self) -> str | None:
        """The id of the newest applied proposal that was not undone, if any."""
        ...

    def lessons(self) -> Sequence[Lesson]:
        """All lessons of the current model, oldest first."""
        ...

    def credit(self, id: str) -> Credited | None:
        """What a lesson's comment says of its rejected answer, also while it is learned; None before a step looked.

        Raises:
            UsageError: there is no such lesson.
        """
        ...

    def models(self) -> Sequence[ModelChoice]:
        """What `switch` knows by name; other models can be named as in `--model`."""
        ...

    def switch(self, model: str) -> Switch:
        """What to start anew with so that another model goes on with this session; nothing happens yet.

        Raises:
            ContinualCodeError: no model is called that, or it serves already.
        """
        ...

    def files(self) -> Sequence[str]:
        """The paths that `@` can complete, relative to the root."""
        ...

    def search(self, wanted: str, mode: SearchMode = "text") -> Found:
        """The lines of the repository's text files that hold `wanted`; takes seconds where there are very many.

        Raises:
            UsageError: nothing, more than one line, or no pattern that there is, is wanted.
        """
        ...

    def export(self, directory: Path) -> Path:
        """Write the current adapter as a PEFT directory and return its path."""
        ...

    def close(self) -> None:
        """Stop all threads within five seconds; pending lessons stay pending on disk."""
        ...
