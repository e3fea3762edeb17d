"""Searching the repository: the `search` command, and what the screen's `/search` asks.

Invariant: a search reads what the agent may read, by the same listing and the same safe opening.
"""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from continual_code.events import Found
from continual_code.output import say, show
from continual_code.screen import root_of
from continual_code.workspace import Root, list_files
from continual_code.workspace.search import search as search_files


def find(root: Root, wanted: str, *, word: bool = False) -> Found:
    """The lines beneath `root` that hold `wanted`; see `workspace.search`."""
    return search_files(wanted, list_files(root.path), root.text, word=word)


def search(arguments: Namespace) -> int:
    """Print the lines that hold a text; exit code 1 when there are none."""
    found = find(Root(root_of(arguments)), arguments.text, word=arguments.word)
    if found.cut:
        say(found.cut)
    lines = (f"{match.path}:{match.number}: {match.text}" for match in found.matches)
    show(arguments, {"matches": [asdict(match) for match in found.matches], "cut": found.cut}, "\n".join(lines))
    return 0 if found.matches else 1
