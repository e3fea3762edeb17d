"""What the parts of the loop hand to each other: tasks, proposals, verdicts, lessons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from continual_code.diffs import Hunk, compose, hunks_of, unified_diff

VerdictKind = Literal["accept", "reject", "edit"]
LessonStatus = Literal["pending", "learned", "memory", "no_signal", "refused", "failed", "undone", "rolled_back"]
LookKind = Literal["retry", "check"]
FinishReason = Literal["stop", "length", "interrupted"]
HELD_SHARE = 0.5  # a lesson "holds" when at most this share of the comment's objection to the answer is left


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
class Edit:
    """The whole text of one file, before and after. `before` is None for a file that does not exist yet."""

    path: str
    before: str | None
    after: str

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        """As for a proposal."""
        return hunks_of(self.before or "", self.after)


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


Change = Edit | Proposal


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

    `superseded_by` is the id of a later lesson, in the weights or in the prompt, that took its place; a `pinned` one
    is never superseded. `said_again` counts the later lessons with the same words. When a learned lesson was last
    looked at (`checked`, under revision `checked_at`), `objection_left` was the share of what its comment once held
    against the answer that it still holds against the answer of now.
    `gap` is how much the comment argues against the rejected tokens: the mean of max(0, log p_untold - log p_told).
    It, and `loss_before` and `loss_after`, the mean divergences from the target, are nats per token, as is `drift`:
    KL(base, student) after the lesson, on text that has nothing to do with any. `canary` is how likely it left the
    least likely of what small programs open with that have nothing to do with any either. `retry_held` says whether
    the answer followed it when the rejected task was asked again; None: it was not asked, or gave no answer.
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
    superseded_by: str = ""
    said_again: int = 0
    checked: str = ""
    checked_at: int | None = None
    objection_left: float | None = None
    pinned: bool = False
    drift: float | None = None
    canary: float | None = None
    retry_held: bool | None = None

    @property
    def faded(self) -> bool:
        """Whether the weights were found not to hold it any more; its comment is a line of the prompt then."""
        return self.status == "learned" and (self.objection_left or 0.0) > HELD_SHARE


@dataclass(frozen=True, slots=True)
class Reminder:
    """A comment that the weights do not hold: the prompt repeats it with tasks on files like `path`, where it was made.

    A small model obeys whatever is called a rule, and one about tests spoils everything that is no test.
    """

    comment: str
    path: str


@dataclass(frozen=True, slots=True)
class StepReport:
    """The outcome of one self-distillation step.

    `token_gaps[t]` is log p_base(y_t | x, comment, y<t) - log p_base(y_t | x, y<t), in nats: below zero
    where the comment argues against the token that was written. `corrected_ids` is the answer that was
    taught, `deciding` the positions in it where the base by itself would have gone another way. `supersedes`
    are earlier lessons that the comment argues against, and which had to go: from the weights altogether where the
    comment itself is but a line of the prompt. `drift` is KL(base, student) after the step, on text that has nothing to
    do with any lesson, nats per token, `canary` the least probability of what small programs open with that have
    nothing to do with any either; None where they were not measured.
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
    supersedes: tuple[str, ...] = ()
    drift: float | None = None
    canary: float | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """A published, immutable adapter. Revision 0 is the base without any lesson."""

    number: int
    parent: int | None
    lesson_ids: tuple[str, ...]
    created: str
    sha256: str
