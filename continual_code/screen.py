"""The command that opens the screen: the first frame at once, everything that it does not show behind it.

Invariant: until the first frame stands, neither the settings nor the journal nor anything of the model is
imported or opened (pydantic alone costs a third of Textual). What is wrong with them closes the screen again
and is reported like any other failure.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from continual_code.errors import UsageError
from continual_code.session import LiveSession
from continual_code.ui import run

if TYPE_CHECKING:
    from continual_code.app import Work


def screen(arguments: Namespace) -> int:
    """Open the terminal screen; without a terminal, explain."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The screen needs a terminal.", do='Use `continual-code run "TASK"` or `continual-code demo`.')
    root = root_of(arguments)
    return run(LiveSession(root, lambda: _open(arguments, root)))


def root_of(arguments: Namespace) -> Path:
    """The directory to work in.

    Raises:
        UsageError: there is none of that name.
    """
    root = arguments.repo.expanduser().absolute()
    if not root.is_dir():
        raise UsageError(f"{root} is not a directory.")
    return root


def _open(arguments: Namespace, root: Path) -> Work:
    from continual_code.app import open_work
    from continual_code.settings import load_settings

    return open_work(load_settings({"model": arguments.model})[0], root, arguments.resume)
