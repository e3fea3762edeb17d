"""The shared vocabulary: what the parts of the loop say to each other.

Every value here is immutable, holds plain data only (no tensors, no handles) and may cross threads. Text in
these values is untrusted: it may hold control characters or markup, and whoever paints it must clean it first.
"""

from __future__ import annotations

from collections.abc import Callable

from continual_code.diffs import Hunk
from continual_code.events.comparing import Answer, Compared, CompareEvent, Comparing
from continual_code.events.engine import (
    Applied,
    Checked,
    Committed,
    Credited,
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
    StudiedAgain,
    Swapped,
    Undone,
    Worded,
    Wording,
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
from continual_code.events.searching import Found, Match, SearchMode
from continual_code.events.values import (
    HELD_SHARE,
    Change,
    Edit,
    FinishReason,
    Lesson,
    LessonStatus,
    LookKind,
    Message,
    Proposal,
    Reminder,
    Revision,
    Rollout,
    StepReport,
    Task,
    Verdict,
    VerdictKind,
)

Event = (
    Loading | Ready | Started | Streamed | Proposed | NoEdit | Recorded | Applied | Committed | Undone
    | Wording | Worded | LearnerState | Credited | Learned | Checked | StudiedAgain | Swapped | Retried | Failed
    | RunEvent | CompareEvent
)  # fmt: skip
Listener = Callable[[Event], None]

__all__ = [
    "HELD_SHARE",
    "Answer",
    "Applied",
    "Change",
    "Checked",
    "Committed",
    "CompareEvent",
    "Compared",
    "Comparing",
    "Credited",
    "Edit",
    "Event",
    "Failed",
    "FinishReason",
    "FollowedUp",
    "Found",
    "Hunk",
    "Learned",
    "LearnerState",
    "Lesson",
    "LessonStatus",
    "Listener",
    "Loading",
    "LookKind",
    "Match",
    "Message",
    "NoEdit",
    "Proposal",
    "Proposed",
    "Ready",
    "Recorded",
    "Reminder",
    "Retried",
    "Revision",
    "Rollout",
    "RunEnd",
    "RunEnded",
    "RunEvent",
    "RunKind",
    "RunOutput",
    "RunStarted",
    "SearchMode",
    "Started",
    "StepReport",
    "Streamed",
    "StudiedAgain",
    "SuiteOffered",
    "Swapped",
    "Task",
    "Undone",
    "Verdict",
    "VerdictKind",
    "Worded",
    "Wording",
]
