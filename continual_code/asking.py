"""The command that asks for an edit without a screen: `-p TASK`, and `run TASK`.

Invariant: stdout is the answer in the format that was asked for, and the last line of a stream is always the
result; a reader of a stream that goes away ends the command before it does anything more.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from continual_code.app import open_session
from continual_code.errors import UsageError
from continual_code.event_lines import event_data, line_of
from continual_code.events import Event, Proposal, Task, Verdict
from continual_code.headless import Nothing, running
from continual_code.logbook import CHOOSE
from continual_code.output import say, show
from continual_code.piped import task_from_pipe
from continual_code.screen import root_of
from continual_code.settings import Settings
from continual_code.trust import settled


def run(arguments: Namespace) -> int:
    """Propose an edit; with `--apply`, accept it."""
    root = root_of(arguments)
    settings, _ = settled({"model": arguments.model}, root, say)
    if arguments.resume == CHOOSE:
        raise UsageError("Which session?", do="Give its id: `--resume s3`; `continual-code sessions` lists them.")
    text = _text(arguments, settings)
    session = open_session(settings, root, retries=False, resume=arguments.resume)
    task = Task(text, tuple(session.root_relative(file) for file in arguments.file))
    started = time.monotonic()
    with running(session, say, heard=_heard(arguments)) as driver:
        answer = driver.ask(task)
        status = "no_edit" if isinstance(answer, Nothing) else "proposed"
        if isinstance(answer, Proposal) and arguments.apply:
            driver.judge(Verdict(answer.id, "accept"))
            status = "applied"
    return _end(arguments, answer, status, round(time.monotonic() - started, 2))


def _text(arguments: Namespace, settings: Settings) -> str:
    text = arguments.task
    if arguments.prompt is not None:
        text = task_from_pipe(text, settings.context.prompt_tokens, say)
    if not text.strip():
        raise UsageError("The task is empty.", do="Say what to change.")
    return text


def _heard(arguments: Namespace) -> Callable[[Event], None]:
    if arguments.output_format != "stream-json":
        return lambda event: None
    return lambda event: _write_line(event_data(event))


def _end(arguments: Namespace, answer: Proposal | Nothing, status: str, seconds: float) -> int:
    proposal = answer if isinstance(answer, Proposal) else None
    data: dict[str, Any] = {
        "proposal": proposal and proposal.id, "status": status, "diff": proposal.diff if proposal else "",
        "revision": proposal and proposal.revision, "seconds": seconds,
    }  # fmt: skip
    if isinstance(answer, Nothing):
        data["reason"] = answer.reason
        say(answer.reason)
    else:
        say(f"{answer.id}: {answer.path}, revision {answer.revision}, {seconds:.1f} s")
    if arguments.output_format == "stream-json":
        _write_line({"type": "result"} | data)
    else:
        show(arguments, data, data["diff"].rstrip("\n"))
    return 0 if proposal else 1


def _write_line(data: dict[str, Any]) -> None:
    sys.stdout.write(line_of(data))
    sys.stdout.flush()
