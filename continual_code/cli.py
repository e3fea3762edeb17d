"""The command line: parses, then imports what the command needs.

Invariant: importing this imports neither torch nor textual nor pydantic, so `--help` is quick.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from continual_code import __version__
from continual_code.bench.options import add_lessons, add_speed
from continual_code.errors import ContinualCodeError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit code: 0 done, 1 failed or refused, 2 usage, 130 interrupted."""
    arguments = parser().parse_args(argv)
    try:
        # These two wait for no other command's imports.
        module = arguments.run if arguments.run in ("screen", "completion") else "commands"
        return getattr(importlib.import_module(f"continual_code.{module}"), arguments.run)(arguments)
    except ContinualCodeError as error:
        _complain(error, getattr(arguments, "json", False))
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted. What was recorded stays recorded.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of stdout went away; nothing is left to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename} cannot be used" if error.filename else "The system refused"
        _complain(ContinualCodeError(f"{where}: {error.strerror or error}."), getattr(arguments, "json", False))
        return 1


def _complain(error: ContinualCodeError, as_json: bool) -> None:
    from continual_code.ui.clean import clean

    for part in (error.what, error.kept, error.do):
        if part:
            print(clean(part), file=sys.stderr)
    if as_json:
        print(json.dumps({"error": error.what, "kept": error.kept, "do": error.do}))


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--model", metavar="ID", help="model to use (see `models list`)")
    common.add_argument("--repo", metavar="DIR", type=Path, default=Path(), help="directory to work in (default: here)")
    common.add_argument("--json", action="store_true", help="print JSON")
    parser = argparse.ArgumentParser(
        prog="continual-code",
        parents=[common],
        description="A terminal coding agent that learns from the reasons you give for rejecting its edits.",
        epilog="Without a command the screen opens in the current directory.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.set_defaults(run="screen")
    commands = parser.add_subparsers(title="commands", metavar="")
    # A flag given before the command must survive the command's own parser.
    inherited = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    inherited.add_argument("--model", metavar="ID", help="model to use (see `models list`)")
    inherited.add_argument("--repo", metavar="DIR", type=Path, help="directory to work in (default: here)")
    inherited.add_argument("--json", action="store_true", help="print JSON")
    _add_commands(commands, inherited)
    return parser


def _add_commands(commands: argparse._SubParsersAction, common: argparse.ArgumentParser) -> None:
    def add(name: str, run: str, summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, parents=[common], help=summary, description=summary)
        command.set_defaults(run=run)
        return command

    ask = add("run", "run", "propose an edit and print its diff")
    ask.add_argument("task", help="what to change, in plain words")
    ask.add_argument("--file", action="append", default=[], metavar="F", help="a file it is about (repeatable)")
    ask.add_argument("--apply", action="store_true", help="accept the proposal at once")
    accept = add("accept", "accept", "apply a proposal")
    accept.add_argument("id")
    reject = add("reject", "reject", "reject a proposal; with a reason it is learned from")
    reject.add_argument("id")
    reject.add_argument("-m", "--message", default="", metavar="WHY", help="the reason, as you would say it")
    reject.add_argument("--wait", action="store_true", help="learn now and report what came of it")
    add("learn", "learn", "learn all waiting lessons now")
    add("lessons", "lessons", "list what was taught")
    report = add("report", "report", "write what was taught, and what came of it, as one HTML page")
    report.add_argument(
        "--out", type=Path, metavar="FILE.html",
        help="the page (default: continual-code-report.html; with --json no page unless given)",
    )  # fmt: skip
    undo = add("undo", "undo", "undo a lesson (l3) or an applied proposal (p7); without an id, the last applied edit")
    undo.add_argument("id", nargs="?")
    rollback = add("rollback", "rollback", "serve an earlier revision and forget what was learned after it")
    rollback.add_argument("revision", help="revision number; 0 is the base model")
    export = add("export", "export", "write the adapter in PEFT's format")
    export.add_argument("directory", type=Path)
    models = add("models", "models", "list, fetch or locate models")
    models.add_argument("action", choices=["list", "pull", "path"])
    models.add_argument("id", nargs="?")
    add("config", "config", "show every setting and where it comes from")
    add("doctor", "doctor", "check the installation, the model and the state")
    bench = add("bench", "bench", "measure: what sticks and what is forgotten, and how long a person waits")
    kinds = bench.add_subparsers(title="benchmarks", metavar="", required=True)
    summary = "one lesson: does it stick, and what does it cost everything else"
    lessons = kinds.add_parser("lessons", parents=[common], help=summary, description=summary)
    add_lessons(lessons)
    lessons.set_defaults(run="bench_lessons")
    summary = "proposals, lessons and the screen, beside named peers"
    speed = kinds.add_parser("speed", parents=[common], help=summary, description=summary)
    add_speed(speed)
    speed.set_defaults(run="bench_speed")
    add("demo", "demo", "play one session by itself and print it")
    shells = add(
        "completion", "completion", 'print a completion script; to load it: eval "$(continual-code completion bash)"'
    )
    shells.add_argument("shell", choices=["bash", "zsh", "fish"])


if __name__ == "__main__":
    sys.exit(main())
