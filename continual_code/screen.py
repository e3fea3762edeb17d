"""The command that opens the screen: the first frame at once, everything that it does not show behind it.

Invariant: until the first frame stands, neither the settings nor the journal nor anything of the model is
imported or opened (pydantic alone costs a third of Textual). What is wrong with them closes the screen again
and is reported like any other failure.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from continual_code.errors import UsageError
from continual_code.port import TrustAnswer, TrustQuestion
from continual_code.session import LiveSession
from continual_code.ui import run

if TYPE_CHECKING:
    from continual_code.app import Work
    from continual_code.trust import ProjectTrust


def screen(arguments: Namespace) -> int:
    """Open the terminal screen; without a terminal, explain."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The screen needs a terminal.", do='Use `continual-code run "TASK"` or `continual-code demo`.')
    opening = _Opening(arguments)
    left = run(LiveSession(opening.root, opening.work), opening)
    if left.switch:
        from continual_code.switching import start_anew

        start_anew(opening.root, left.switch)
    return left.code


def root_of(arguments: Namespace) -> Path:
    """The directory to work in.

    Raises:
        UsageError: there is none of that name.
    """
    root = arguments.repo.expanduser().absolute()
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory.")
    return root


class _Opening:
    """What happens between the first frame and the start of the session; see `port.Gate`."""

    def __init__(self, arguments: Namespace) -> None:
        self._arguments, self.root = arguments, root_of(arguments)

    def question(self) -> TrustQuestion | None:
        return self._trust.question()

    def answer(self, answer: TrustAnswer) -> None:
        self._trust.answer(answer)

    def work(self) -> Work:
        from continual_code.app import open_work

        return open_work(self._trust.settings(), self.root, self._arguments.resume)

    @cached_property
    def _trust(self) -> ProjectTrust:
        from continual_code.trust import ProjectTrust

        return ProjectTrust(self.root, {"model": self._arguments.model})
