"""A command that a person typed or agreed to: how its line is read, and how it is run.

Invariant: it runs in the sandbox or not at all, beneath the root, which it can read and cannot change; a shell is
started only where the line is written for one.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from continual_code.errors import UsageError
from continual_code.workspace.sandbox import Finished, run_sandboxed

# What means something to a shell and would be lost on a program; quotes and backslashes are read here.
_SHELL = re.compile(r"[|&;<>()$`*?\[\]{}~#!\n]|^\s*\w+=")
# Programs with a collector reserve addresses by the gigabyte (node, go); the sandbox limits addresses, not use.
_ADDRESSES = 16 << 30
_OUTPUT = 8_000_000  # bytes of each output
_ENVIRONMENT = {
    "TERM": "dumb",
    "NO_COLOR": "1",
    "CI": "true",  # test runners that would watch the files for changes run once
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTEST_ADDOPTS": "-p no:cacheprovider",
}
# Escape sequences: what a terminal would do and a reader need not see.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def arguments_of(line: str) -> list[str]:
    """The program and its arguments in `line`; those of a shell where it holds what only a shell understands.

    Raises:
        UsageError: it is empty, or a quote in it is not closed.
    """
    if _SHELL.search(line):
        return [_shell(), "-c", line]
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"The command cannot be read: {error}.", kept="Nothing was run.") from None
    if not words:
        raise UsageError("There is no command.", kept="Nothing was run.", do="For example: ! git log --oneline")
    return words


def run_command(line: str, root: Path, *, seconds: float, attend: Callable[[str], bool]) -> Finished:
    """Run `line` in `root` and wait for its end; `attend` as in `run_sandboxed`.

    Raises:
        UsageError: the line cannot be read.
        ContinualCodeError: as `run_sandboxed`.
    """
    with TemporaryDirectory(prefix="command-") as scratch:
        return run_sandboxed(
            arguments_of(line), root=root, writable=[Path(scratch)], seconds=seconds, memory_bytes=_ADDRESSES,
            output_bytes=_OUTPUT, env=_ENVIRONMENT | {"CARGO_TARGET_DIR": scratch}, attend=attend,
        )  # fmt: skip


def _shell() -> str:
    """bash, where there is one.

    In the sandbox a fork waits for an answer, and a child that ends meanwhile makes it fail in dash, whose handler for
    that interrupts calls: one pipeline in fourteen on a busy machine, and none of 180 with bash.
    """
    return next((shell for shell in ("/bin/bash", "/usr/bin/bash") if os.access(shell, os.X_OK)), "/bin/sh")


class Printed:
    """The lines that a command prints, in the order in which they come.

    Invariant: however much it prints, no more than `first` + `last` lines of `longest` characters are kept.

    Args:
        first: so many lines are handed on as they come.
        last: so many of the others are kept.
    """

    def __init__(self, *, first: int, last: int, longest: int = 400) -> None:
        self._first, self._last, self._longest = first, last, longest
        self._open = ""
        self.newest = ""
        self.tail: list[str] = []
        self.hidden = 0

    def add(self, text: str) -> list[str]:
        """Take more of what was printed; returns the lines to hand on now."""
        *lines, rest = (self._open + text).split("\n")
        self._open = rest[-self._longest * 20 :]
        return self._take(lines)

    def end(self) -> list[str]:
        """Take what the command left without a line end."""
        rest, self._open = self._open, ""
        return self._take([rest] if rest else [])

    def _take(self, lines: list[str]) -> list[str]:
        shown, rest = lines[: self._first], lines[self._first :]
        self._first -= len(shown)
        self.hidden += max(0, len(self.tail) + len(rest) - self._last)
        self.tail = [*self.tail, *map(self._readable, rest[-self._last :])][-self._last :]
        shown = [self._readable(line) for line in shown]
        self.newest = next((line for line in reversed([*shown, *self.tail]) if line.strip()), self.newest)
        return shown

    def _readable(self, line: str) -> str:
        """Without escape sequences, and without what a carriage return has written over."""
        plain = _ESCAPES.sub("", line[-self._longest * 20 :]).rstrip("\r").rpartition("\r")[2]
        return plain[: self._longest]
