"""What the engine tells of the commands that run beside it: the tests, and the person's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from continual_code.events.values import Task

RunKind = Literal["tests", "shell"]
RunEnd = Literal["exited", "late", "flooded", "stopped", "refused"]


@dataclass(frozen=True, slots=True)
class SuiteOffered:
    """A file was changed, and `command` would test it; it runs when the person says so."""

    command: str


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A command runs in the sandbox."""

    kind: RunKind
    command: str


@dataclass(frozen=True, slots=True)
class RunOutput:
    """A running command printed something: `lines` are to be shown now, `last` is the newest, shown or not."""

    lines: tuple[str, ...]
    last: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A command ended.

    `code` is None where it never ran (`how` is "refused", and `reason` says why). `tail` are the last lines that no
    `RunOutput` has shown, `hidden` is how many lines before them were not shown either. `follow_ups` is how often
    the failure can still be shown to the model; 0 where there is no failure, or nothing to correct.
    """

    kind: RunKind
    command: str
    how: RunEnd
    code: int | None = None
    seconds: float = 0.0
    tail: tuple[str, ...] = ()
    hidden: int = 0
    follow_ups: int = 0
    reason: str = ""

    @property
    def passed(self) -> bool:
        return self.how == "exited" and self.code == 0


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """The failure of the tests was put to the model as `task`, the `number`th time of `most` for one request."""

    task: Task
    number: int
    most: int


RunEvent = SuiteOffered | RunStarted | RunOutput | RunEnded | FollowedUp
