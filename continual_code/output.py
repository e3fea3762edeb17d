"""What a command prints: its answer on stdout, its progress on stderr.

Invariant: stdout carries the answer alone (text, or one JSON value with `--json`), and untrusted
text is cleaned before it reaches a terminal.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import Any

from continual_code.ui.clean import clean


def show(arguments: Namespace, data: Any, text: str) -> int:
    """Print the answer of a command that succeeded; returns its exit code."""
    if arguments.json:
        print(json.dumps(data))
    elif text:
        print(clean(text) if sys.stdout.isatty() else text)
    return 0


def progress(stage: str, fraction: float | None) -> None:
    """Say how far something is; on a terminal the line is painted over by the next one."""
    share = "" if fraction is None else f" {fraction:.0%}"
    stage = clean(stage)
    end = "\r" if sys.stderr.isatty() and fraction is not None else "\n"
    print(f"\x1b[K{stage}{share}" if end == "\r" else f"{stage}{share}", end=end, file=sys.stderr, flush=True)


def say(line: str) -> None:
    """One line for the person who watches."""
    print(clean(line), file=sys.stderr, flush=True)
