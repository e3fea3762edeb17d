"""The slash commands of the prompt: their names, what they do, and how they are read.

Invariant: text is a command only if it starts with a slash (or `!`: the shell's), and then it is never sent to the
model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from continual_code.errors import UsageError
from continual_code.events import SearchMode
from continual_code.ui.modes import ORDER

COMMANDS = {
    "lessons": "what was taught, and undo",
    "credit": "[ID] what the comment says of each rejected token; the newest lesson without ID",
    "ab": "[R R] [TASK] what two revisions answer; the last two, the last task",
    "search": "[--word|--regex] TEXT where it stands in the files here; Enter on a line names its file in the prompt",
    "undo": "[ID] undo an edit or a lesson; the last edit without ID",
    "commit": "[ID] commit an edit with a message of yours; the last edit without ID",
    "rewind": "undo the edits since an earlier task, and take that task up again",
    "export": "DIR write the adapter as a PEFT directory",
    "model": "[ID] go on with another model; without ID a list",
    "mode": "NAME ask, accept-edits or read-only; Shift+Tab goes to the next",
    "help": "keys and commands",
    "quit": "leave; pending lessons are kept",
}

MOST = 6  # arguments offered at once
_TWO = re.compile(r"r?([0-9]{1,9})\s+r?([0-9]{1,9})(?:\s+|$)")
_NAMING = re.compile(r"/ab (?:r?([0-9]{1,9}) )?[0-9]*")
_ONE = re.compile(r"r?[0-9]{1,9}(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    argument: str


def shell_line(text: str) -> str | None:
    """The command after `!` in `text`; None when it has none."""
    return text[1:].strip() if text.startswith("!") else None


def parse_command(text: str) -> Command | None:
    """The command in `text`, known or not; None when it is a task for the model."""
    if not text.startswith("/"):
        return None
    name, _, argument = text[1:].strip().partition(" ")
    return Command(name, argument.strip())


def comparison(argument: str) -> tuple[tuple[int, int] | None, str]:
    """The two revisions at the start of the argument of /ab, if it names any, and the task after them.

    Raises:
        UsageError: it names one revision alone.
    """
    if two := _TWO.match(argument):
        return (int(two[1]), int(two[2])), argument[two.end() :]
    if _ONE.match(argument):
        raise UsageError("/ab takes two revisions, or none.", kept="The model was not asked.", do="Such as: /ab 0 3")
    return None, argument


def searched(argument: str) -> tuple[str, SearchMode]:
    """What the argument of /search wants found, and as what: `--word` and `--regex` may stand before it."""
    for mode in ("word", "regex"):
        if argument.split(maxsplit=1)[:1] == [f"--{mode}"]:
            return argument.removeprefix(f"--{mode}").strip(), mode
    return argument, "text"


def matching_arguments(line: str, word: str, revisions: Sequence[int] = ()) -> list[str]:
    """What `word`, the last of `line`, can become as the argument of a command; empty when there is no list of them.

    `revisions` are those that /ab can name, in the order in which they are offered.
    """
    choices = [mode.word for mode in ORDER] if line == f"/mode {word}" else []
    if word and line == f"/search {word}":
        choices = ["--word", "--regex"]
    if naming := names_revision(line):
        choices = [str(revision) for revision in revisions if str(revision) != naming[1]]
    return [choice for choice in choices if choice.startswith(word) and choice != word][:MOST]


def names_revision(line: str) -> re.Match[str] | None:
    """Whether a revision is being named where `line` ends; the first group is the one named before it, if any."""
    return _NAMING.fullmatch(line)


def matching_commands(prefix: str) -> list[str]:
    """The commands that start with `prefix`, which includes the slash."""
    return [f"/{name}" for name in COMMANDS if f"/{name}".startswith(prefix)]
