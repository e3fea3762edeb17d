"""What a sequence of lessons that was stopped needs to go on: an adapter's file, and the rest as JSON data.

Invariant: `resumed` of what `carried` gave answers and is taught as the state would be, under another number. What came
before it is not known any more: lessons of before the stop can be superseded, but not undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from continual_code.bench.lessons.records import Record
from continual_code.bench.lessons.subject import State, Subject
from continual_code.errors import StateError
from continual_code.events import Message, Reminder
from continual_code.learning.lessons import Earlier
from continual_code.learning.rehearsal import Rehearsal


def carried(state: State) -> Record:
    """What there is of a state beside its adapter."""
    return {name: [asdict(each) for each in getattr(state, name)] for name in ("memory", "taught", "lines")}


def resumed(subject: Subject, path: Path, done: Record) -> State:
    """The state after the lesson whose record is `done`; `path` holds its adapter.

    Raises:
        StateError: it does not.
    """
    if not path.exists():
        number = done["stage"].removeprefix("sequence:")
        raise StateError(
            f"{path} is missing: the adapter after lesson {number} of the sequence that was stopped.",
            kept="All records are as they were.",
            do="Put it back, or choose another --out.",
        )
    taught, lines = ([_earlier(each) for each in done[name]] for name in ("taught", "lines"))
    return subject.state(load_file(path), [Reminder(**each) for each in done["memory"]], taught, lines)


def _earlier(carried: Mapping[str, Any]) -> Earlier:
    messages = tuple(Message(**message) for message in carried["messages"])
    return Earlier(
        carried["lesson_id"], messages, Rehearsal(**carried["rehearsal"]), carried["comment"], carried["pinned"]
    )
