"""What is piped in with a task: the task itself, or something that it is about.

Invariant: at most the asked-for length is ever read, so a pipe without an end cannot fill the memory, and
a pipe that stays silent beside a task is not waited for without an end either.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from typing import BinaryIO

from continual_code.errors import UsageError
from continual_code.templates import fill

SILENT_SECONDS = 3.0  # how long a pipe may say nothing while the task is known already
LONGEST_TASK = 20_000


def task_from_pipe(given: str, limit: int, say: Callable[[str], None]) -> str:
    """The task behind `-p`: `given`, with what is piped in appended; or, for "-", all that is piped in.

    Args:
        limit: characters of the input that go along beside a task.

    Raises:
        UsageError: the task should be piped in and is not, or is too long.
    """
    pipe = None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.buffer
    if given == "-":
        return _whole_task(pipe)
    if pipe is None or not _speaks(pipe, say):
        return given
    text, more = _read(pipe, limit)
    if more:
        say(f"stdin was cut: its first {limit:,} characters go along. Pipe it through `tail` to send its end.")
    return _with_input(given, text) if text.strip() else given


def _whole_task(pipe: BinaryIO | None) -> str:
    if pipe is None:
        raise UsageError("The task should come from stdin, and nothing is piped in.", do='Use `-p "TASK"`.')
    text, more = _read(pipe, LONGEST_TASK)
    if more:
        raise UsageError(
            f"The task on stdin has more than {LONGEST_TASK:,} characters.",
            do='Say what to change with `-p "TASK"` and pipe in only what it is about.',
        )
    return text


def _speaks(pipe: BinaryIO, say: Callable[[str], None]) -> bool:
    """Whether `pipe` has something to say, or has ended, in time."""
    ready, _, _ = select.select([pipe], [], [], SILENT_SECONDS)
    if not ready:
        say(f"Nothing came on stdin within {SILENT_SECONDS:.0f} s; going on without it (`</dev/null` says so at once).")
    return bool(ready)


def _read(pipe: BinaryIO, limit: int) -> tuple[str, bool]:
    """The first `limit` characters, and whether there are more."""
    text = pipe.read(4 * limit + 4).decode("utf-8", errors="replace")  # UTF-8 takes at most four bytes a character
    return text[:limit], len(text) > limit


def _with_input(task: str, text: str) -> str:
    from continual_code.agent.prompts import fenced

    return fill("task_with_input", task=task, input=fenced(text, "stdin"))
