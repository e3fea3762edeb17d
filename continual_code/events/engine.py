"""What the engine tells the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from continual_code.events.values import Lesson, Proposal, StepReport, Task, Verdict


@dataclass(frozen=True, slots=True)
class Loading:
    """The model is being fetched, converted or loaded; `fraction` is None when unknown."""

    stage: str
    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The model answers from now on."""

    model: str
    device: str
    revision: int


@dataclass(frozen=True, slots=True)
class Started:
    """Work on a task began. `prompt_tokens` of `budget` tokens are used; `rules` are comments kept in the prompt."""

    task: Task
    prompt_tokens: int
    budget: int
    left_out: tuple[str, ...] = ()
    retry_of: str | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Streamed:
    """A piece of the answer in progress."""

    text: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal waits for the person's verdict."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class NoEdit:
    """The task ended without a proposal; `reason` says why, `answer` is what the model wrote."""

    task: Task
    reason: str
    answer: str = ""
    retry_of: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A verdict is safe on disk; `lesson` is the one it created, if any.

    `waits_for` is the model that wrote what was judged, where another one is loaded: only that one will learn it.
    """

    verdict: Verdict
    lesson: Lesson | None
    waits_for: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """A proposal was written to the person's file."""

    proposal_id: str
    path: str


@dataclass(frozen=True, slots=True)
class Committed:
    """An applied edit was committed. `index_behind`: the person has to `git add` the file, git's index was locked."""

    proposal_id: str
    path: str
    commit: str
    branch: str
    index_behind: bool = False


@dataclass(frozen=True, slots=True)
class Wording:
    """The model is writing the subject of a commit; `subject` is as much of it as there is, at first nothing."""

    proposal_id: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Worded:
    """The model's subject for a commit. It is empty when there is none, and `note` says why.

    Otherwise `note` says what of the change the model did not see, if anything.
    """

    proposal_id: str
    subject: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Undone:
    """A file or a lesson is back to what it was before `id`; `detail` says what happened."""

    id: str
    detail: str


@dataclass(frozen=True, slots=True)
class LearnerState:
    """The truth for the footer. `elapsed` is seconds since the step began.

    "preparing": it reads, once after the start, what every lesson needs; a lesson that is there already waits for that.
    "checking": while nothing is wanted, it looks whether an earlier lesson still holds.
    """

    state: Literal["idle", "preparing", "learning", "checking", "read_only"]
    lesson_id: str | None = None
    queued: int = 0
    stage: str = ""
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class Credited:
    """What a lesson's comment says of each token of the rejected answer, known before the step begins.

    `gaps[t]` is in nats, as `StepReport.token_gaps`: below zero where the comment argues against `tokens[t]`.
    """

    lesson_id: str
    tokens: tuple[str, ...]
    gaps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """A lesson ended, whatever came of it (see `report.status`)."""

    lesson: Lesson
    report: StepReport


@dataclass(frozen=True, slots=True)
class Checked:
    """An earlier lesson was looked at, and it is found to have faded, or to hold again (see `Lesson.faded`)."""

    lesson: Lesson


@dataclass(frozen=True, slots=True)
class StudiedAgain:
    """A lesson that had faded was taught again, on a fresh answer; `revision` is None when that was refused."""

    lesson: Lesson
    revision: int | None
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Swapped:
    """The serving view now answers with `revision`; the copy took `milliseconds`."""

    revision: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Retried:
    """The rejected task was asked again without the comment in the prompt.

    `held`: the answer changed and the comment has (almost) nothing left to say about it (`gap`, nats per token).
    """

    lesson_id: str
    before: Proposal
    after: Proposal | None
    held: bool
    gap: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something went wrong and was contained; the three parts of a ContinualCodeError."""

    what: str
    kept: str = ""
    do: str = ""
