"""The shared vocabulary: what the parts of the loop say to each other.

Every value here is immutable, holds plain data only (no tensors, no handles) and may cross threads. Text in
these values is untrusted: it may hold control characters or markup, and whoever paints it must clean it first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from continual_code.diffs import Hunk, compose, hunks_of, unified_diff

VerdictKind = Literal["accept", "reject", "edit"]
LessonStatus = Literal["pending", "learned", "memory", "no_signal", "refused", "failed", "undone", "rolled_back"]
FinishReason = Literal["stop", "length", "interrupted"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat prompt. `role` is "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Task:
    """What the person asked for; `files` are the paths they named, relative to the root."""

    text: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollout:
    """The sampled tokens behind a proposal and everything needed to score them again.

    `logprobs[t]` is the natural log of the probability with which `token_ids[t]` was
    sampled (after temperature and top-p; at temperature 0 the log-softmax of the plain
    logits). `messages` render through the chat template to exactly `prompt_ids`.
    """

    messages: tuple[Message, ...]
    prompt_ids: tuple[int, ...]
    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    temperature: float
    top_p: float
    seed: int
    revision: int
    finish: FinishReason


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edit that the model offers: the whole text of one file, before and after.

    `before` is None for a file that does not exist yet. `id` is "p" and a number.
    `retry_of` is the id of the rejected proposal that this one answers again.
    `left_out` says in plain words what did not fit into the prompt.
    """

    id: str
    task: Task
    path: str
    before: str | None
    after: str
    revision: int
    seconds: float
    left_out: tuple[str, ...] = ()
    retry_of: str | None = None

    @property
    def diff(self) -> str:
        """The unified diff, with `a/` and `b/` prefixes and `/dev/null` for a new file."""
        return unified_diff(self.path, self.before, self.after)

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        """The changed regions without context, in file order."""
        return hunks_of(self.before or "", self.after)

    def without(self, unwanted: Collection[int]) -> str:
        """The text of the file with all hunks but those with an `unwanted` index."""
        return compose(self.before or "", self.hunks, unwanted) if unwanted else self.after


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the person decided about a proposal. `edited` is their own text of the file, for "edit".

    `unwanted` are indexes of `Proposal.hunks`, ascending: those that an "accept" leaves out, and those that the
    comment of an "accept" or a "reject" is about; empty: all of them.
    """

    proposal_id: str
    kind: VerdictKind
    comment: str = ""
    edited: str | None = None
    unwanted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """A verdict to learn from and what became of it. `id` is "l" and a number.

    `gap` is how much the comment argues against the rejected tokens: the mean of max(0, log p_untold - log p_told).
    It, and `loss_before` and `loss_after`, the mean divergences from the target, are nats per token.
    """

    id: str
    proposal_id: str
    path: str
    comment: str
    status: LessonStatus
    reason: str = ""
    revision: int | None = None
    gap: float | None = None
    loss_before: float | None = None
    loss_after: float | None = None
    seconds: float | None = None
    created: str = ""


@dataclass(frozen=True, slots=True)
class StepReport:
    """The outcome of one self-distillation step.

    `token_gaps[t]` is log p_base(y_t | x, comment, y<t) - log p_base(y_t | x, y<t), in nats: below zero
    where the comment argues against the token that was written. `corrected_ids` is the answer that was
    taught, `deciding` the positions in it where the base by itself would have gone another way.
    """

    lesson_id: str
    status: LessonStatus
    reason: str
    revision: int | None
    gap: float
    loss_before: float
    loss_after: float
    updates: int
    seconds: float
    tokens: tuple[str, ...] = ()
    token_gaps: tuple[float, ...] = ()
    corrected_ids: tuple[int, ...] = ()
    deciding: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """A published, immutable adapter. Revision 0 is the base without any lesson."""

    number: int
    parent: int | None
    lesson_ids: tuple[str, ...]
    created: str
    sha256: str


# --- What the engine tells the screen -------------------------------------------------


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
    """A verdict is safe on disk; `lesson` is the one it created, if any."""

    verdict: Verdict
    lesson: Lesson | None


@dataclass(frozen=True, slots=True)
class Applied:
    """A proposal was written to the person's file."""

    proposal_id: str
    path: str


@dataclass(frozen=True, slots=True)
class Undone:
    """A file or a lesson is back to what it was before `id`; `detail` says what happened."""

    id: str
    detail: str


@dataclass(frozen=True, slots=True)
class LearnerState:
    """The truth for the footer. `elapsed` is seconds since the step began."""

    state: Literal["idle", "learning", "read_only"]
    lesson_id: str | None = None
    queued: int = 0
    stage: str = ""
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class Learned:
    """A lesson ended, whatever came of it (see `report.status`)."""

    lesson: Lesson
    report: StepReport


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


Event = (
    Loading | Ready | Started | Streamed | Proposed | NoEdit | Recorded | Applied | Undone
    | LearnerState | Learned | Swapped | Retried | Failed
)  # fmt: skip
Listener = Callable[[Event], None]
