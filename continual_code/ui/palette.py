"""What Ctrl+P lists beside the colours: every command of the prompt.

Invariant: a chosen command does what it does when it is typed, and a prompt that holds text keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from textual.app import SystemCommand
from textual.content import Content

from continual_code.ui.commands import COMMANDS
from continual_code.ui.narrate import quiet
from continual_code.ui.widgets.prompt import Prompt

Say = Callable[[Iterable[Content]], None]


def commands_of(prompt: Prompt, say: Say) -> Iterator[SystemCommand]:
    """One entry a command; `say` writes to the transcript."""
    for name, about in COMMANDS.items():
        yield SystemCommand(f"/{name}", _as_markup(about), partial(_choose, prompt, say, f"/{name}", about))


def _as_markup(text: str) -> str:
    """What the palette, which reads its help as markup, shows as `text`; Textual's `escape` leaves "[ID]" as it is."""
    return text.replace("[", r"\[")


def _choose(prompt: Prompt, say: Say, command: str, about: str) -> None:
    if not _needs_argument(about):
        prompt.post_message(Prompt.Sent(command, command))
    elif prompt.text:
        say([quiet(f"{command} needs an argument, and the prompt holds a text of yours: send or clear that first.")])
    else:
        prompt.paste(f"{command} ")
        prompt.focus()


def _needs_argument(about: str) -> bool:
    """By how `COMMANDS` writes it: "DIR write ..." needs one, "[ID] undo ..." does not."""
    return re.sub(r"\[[^]]*\] ", "", about)[0].isupper()
