"""What the person sees of commands: the notice, the footer, the transcript.

Invariant: the value is derived from events alone, and what a command printed is cleaned before it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual.content import Content

from continual_code.events import (
    Applied,
    Event,
    FollowedUp,
    RunEnded,
    RunOutput,
    RunStarted,
    Started,
    SuiteOffered,
    Undone,
)
from continual_code.ui.clean import clean, clean_line

TAIL_PASSED, TAIL_FAILED = 3, 20
NAMES = {"tests": "tests", "shell": "command"}


@dataclass(frozen=True, slots=True)
class Running:
    """The command that runs, `since` so many seconds of the screen's clock, and what is offered about tests."""

    now: RunStarted | None = None
    since: float = 0.0
    last: str = ""
    offered: str = ""
    follow_ups: int = 0

    def after(self, event: Event, now: float) -> Running:
        match event:
            case SuiteOffered(command):
                return replace(self, offered=command)
            case RunStarted(kind):
                known = Running() if kind == "tests" else self
                return replace(known, now=event, since=now, last="")
            case RunOutput(_, last):
                return replace(self, last=last)
            case RunEnded("tests"):
                return replace(self, now=None, follow_ups=event.follow_ups)
            case RunEnded():
                return replace(self, now=None)
            case Started(retry_of=None):  # the person is at something else; the keys still work
                return replace(self, offered="", follow_ups=0)
            case Applied() | Undone() | FollowedUp():
                return replace(self, follow_ups=0)
            case _:
                return self

    @property
    def name(self) -> str:
        """What runs, in a word; empty when nothing does."""
        return NAMES[self.now.kind] if self.now else ""

    def words(self, now: float) -> list[str]:
        """For the footer."""
        return [f"▸ {self.name}, {max(0.0, now - self.since):.0f} s"] if self.now else []

    def notices(self) -> list[str]:
        """What can be done now, and the newest line of what runs."""
        lines = [f"{self.name}: {clean_line(self.last, 60)}"] if self.now and self.last else []
        lines += [f"F5 runs the tests ({clean_line(self.offered, 50)})"] if self.offered else []
        left = f"{self.follow_ups} more {'time' if self.follow_ups == 1 else 'times'} for this task"
        return [*lines, *([f"F6 shows the failure to the model ({left})"] if self.follow_ups else [])]


def narrate_run(event: Event) -> list[Content]:
    """What the transcript says about a command; nothing for other events."""
    match event:
        case RunStarted("shell", command):
            return [Content.assemble(("! ", ".learn"), (clean_line(command, 1000), ".strong"))]
        case RunOutput(lines):
            return _printed(lines)
        case RunEnded():
            return _ended(event)
        case FollowedUp(task, number, most):
            path = clean_line(", ".join(task.files))
            asked = f"· the failure goes to the model, for {path} ({number} of {most} for this task)"
            return [Content.styled(asked, ".strong"), Content("")]
        case _:
            return []


def _ended(event: RunEnded) -> list[Content]:
    shown = 0 if event.how == "refused" else TAIL_PASSED if event.kind == "tests" and event.passed else TAIL_FAILED
    tail = event.tail[-shown:] if shown else ()
    hidden = event.hidden + len(event.tail) - len(tail)
    fold = [Content.styled(f"  ⋯ {hidden} more lines", ".quiet")] if hidden else []
    mark, style = ("✓", ".good") if event.passed else ("✗", ".bad")
    lines = [*fold, *_printed(tail), Content.assemble((f"{mark} {_headline(event)}", style), _figures(event))]
    return [*lines, *([Content(f"  {clean_line(event.reason, 400)}")] if event.reason else []), Content("")]


def _headline(event: RunEnded) -> str:
    match event.how:
        case "refused":
            return f"{clean_line(event.command, 60)} was not run"
        case "late":
            return f"{NAMES[event.kind]} stopped, the time was over"
        case "flooded":
            return f"{NAMES[event.kind]} stopped, too much was printed"
        case "stopped":
            return f"{NAMES[event.kind]} stopped by you"
        case "exited" if event.kind == "tests":
            return "tests passed" if event.passed else f"tests failed, exit code {event.code}"
        case "exited":
            return f"exit code {event.code}"


def _figures(event: RunEnded) -> str:
    if event.how == "refused":
        return ""
    command = f" ({clean_line(event.command, 60)})" if event.kind == "tests" else ""
    return f"{command}, {event.seconds:.1f} s"


def _printed(lines: tuple[str, ...]) -> list[Content]:
    return [Content.styled(f"  {clean(line)}", ".quiet") for line in lines]
