"""The slash commands of the prompt: their names, what they do, and how they are read.

Invariant: text is a command only if it starts with a slash, and then it is never sent to the model.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMANDS = {
    "lessons": "what was taught, and undo",
    "undo": "[ID] undo an edit or a lesson; the last edit without ID",
    "rewind": "undo the edits since an earlier task, and take that task up again",
    "export": "DIR write the adapter as a PEFT directory",
    "help": "keys and commands",
    "quit": "leave; pending lessons are kept",
}


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    argument: str


def parse_command(text: str) -> Command | None:
    """The command in `text`, known or not; None when it is a task for the model."""
    if not text.startswith("/"):
        return None
    name, _, argument = text[1:].strip().partition(" ")
    return Command(name, argument.strip())


def matching_commands(prefix: str) -> list[str]:
    """The commands that start with `prefix`, which includes the slash."""
    return [f"/{name}" for name in COMMANDS if f"/{name}".startswith(prefix)]
