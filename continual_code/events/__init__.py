"""The shared vocabulary: what the parts of the loop say to each other.

Every value here is immutable, holds plain data only (no tensors, no handles) and may cross threads. Text in
these values is untrusted: it may hold control characters or markup, and whoever paints it must clean it first.
"""

from __future__ import annotations

from collections.abc import Callable

from continual_code.diffs import Hunk
from continual_code.events.engine import (
    HELD_SHARE,
    Applied,
    Committed,
    Failed,
    Learned,
    LearnerState,
    Loading,
    NoEdit,
    Proposed,
    Ready,
    Recorded,
    Retried,
    Started,
    Streamed,
    Swapped,
    Undone,
)
from continual_code.events.runs import (
    FollowedUp,
    RunEnd,
    RunEnded,
    RunEvent,
    RunKind,
    RunOutput,
    RunStarted,
    SuiteOffered,
)
from continual_code.events.values import (
    FinishReason,
    Lesson,
    LessonStatus,
    Message,
    Proposal,
    Revision,
    Rollout,
    StepReport,
    Task,
    Verdict,
    VerdictKind,
)

Event = (
    Loading | Ready | Started | Streamed | Proposed | NoEdit | Recorded | Applied | Committed | Undone
    | LearnerState | Learned | Swapped | Retried | Failed | RunEvent
)  # fmt: skip
Listener = Callable[[Event], None]

__all__ = [
    "HELD_SHARE",
    "Applied",
    "Committed",
    "Event",
    "Failed",
    "FinishReason",
    "FollowedUp",
    "Hunk",
    "Learned",
    "LearnerState",
    "Lesson",
    "LessonStatus",
    "Listener",
    "Loading",
    "Message",
    "NoEdit",
    "Proposal",
    "Proposed",
    "Ready",
    "Recorded",
    "Retried",
    "Revision",
    "Rollout",
    "RunEnd",
    "RunEnded",
    "RunEvent",
    "RunKind",
    "RunOutput",
    "RunStarted",
    "Started",
    "StepReport",
    "Streamed",
    "SuiteOffered",
    "Swapped",
    "Task",
    "Undone",
    "Verdict",
    "VerdictKind",
]
