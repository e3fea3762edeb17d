"""The command that searches the repository."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from continual_code.output import say, show
from continual_code.screen import root_of
from continual_code.workspace import Root
from continual_code.workspace import search as search_beneath


def search(arguments: Namespace) -> int:
    """Print the lines that hold a text; exit code 1 when there are none."""
    found = search_beneath(Root(root_of(arguments)), arguments.text, mode=arguments.mode)
    if found.cut:
        say(found.cut)
    lines = (f"{match.path}:{match.number}: {match.text}" for match in found.matches)
    show(arguments, {"matches": [asdict(match) for match in found.matches], "cut": found.cut}, "\n".join(lines))
    return 0 if found.matches else 1
