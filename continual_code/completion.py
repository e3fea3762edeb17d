"""The `completion` command: a script for the person's shell, made from the parser itself.

Invariant: nothing of the model or the screen is imported, because shells run this at every start.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import shtab

from continual_code.cli import parser

# What the shell completes by itself, by the argument's name in the parser.
PATHS = {
    "repo": shtab.DIRECTORY,
    "directory": shtab.DIRECTORY,
    "file": shtab.FILE,
    "out": shtab.FILE,
    "rules": shtab.FILE,
    "humaneval": shtab.FILE,
    "gguf": shtab.FILE,
}


def completion(arguments: argparse.Namespace) -> int:
    """Print the script for one shell."""
    print(script(arguments.shell))
    return 0


def script(shell: str) -> str:
    """`shell` is "bash", "zsh" or "fish"."""
    whole = parser()
    for argument in arguments_of(whole):
        if argument.dest in PATHS:
            setattr(argument, "complete", PATHS[argument.dest])  # noqa: B010 (shtab's own attribute)
    return shtab.complete(whole, shell)


def arguments_of(whole: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of the parser and of its commands."""
    for argument in whole._actions:
        yield argument
        if isinstance(argument, argparse._SubParsersAction):
            for command in argument.choices.values():
                yield from arguments_of(command)
