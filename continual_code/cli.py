"""The command line: parses, then imports what the command needs.

Invariant: importing this imports neither torch nor textual nor pydantic, so `--help` is quick.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from continual_code import __version__
from continual_code.bench.options import add_lessons, add_map, add_speed
from continual_code.errors import ContinualCodeError, Interrupted

FORMATS = ("text", "json", "stream-json")
FILE_HELP, APPLY_HELP = "a file it is about (repeatable)", "accept the proposal at once"
FORMAT_HELP = "the diff, one JSON object, or one for each event as it happens (default: text)"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit code: 0 done, 1 failed or refused, 2 usage, 130 interrupted."""
    whole = parser()
    arguments = _settled(whole, whole.parse_args(argv))
    try:
        try:
            code = _run(arguments)
        except ContinualCodeError as error:
            code = _complain(arguments, error)
        except KeyboardInterrupt:
            code = _complain(arguments, Interrupted("Interrupted.", kept="What was recorded stays recorded."))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of stdout went away; nothing is left to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename} cannot be used" if error.filename else "The system refused"
        return _complain(arguments, ContinualCodeError(f"{where}: {error.strerror or error}."))


def script() -> NoReturn:
    """`main` as a program of its own, which always ends with that exit code.

    What still computes by then was waited for long enough; where the interpreter would go away first, torch on
    another thread would abort the process.
    """
    code = main()
    if threading.active_count() == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(arguments: argparse.Namespace) -> int:
    own = {
        "screen": "screen", "run": "asking", "completion": "completion", "config": "configuring", "search": "searching",
    }  # fmt: skip
    module = own.get(arguments.run, "commands")  # no other command's imports
    return getattr(importlib.import_module(f"continual_code.{module}"), arguments.run)(arguments)


def _complain(arguments: argparse.Namespace, error: ContinualCodeError) -> int:
    """Say what went wrong, also in the form in which the answer was wanted; returns the exit code."""
    from continual_code.ui.clean import clean

    for part in (error.what, error.kept, error.do):
        if part:
            print(clean(part), file=sys.stderr)
    data = {"error": error.what, "kept": error.kept, "do": error.do}
    if arguments.output_format == "stream-json":
        status = "interrupted" if isinstance(error, Interrupted) else "failed"
        print(json.dumps({"type": "result", "status": status, **data}))
    elif arguments.json:
        print(json.dumps(data))
    return error.exit_code


def _settled(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> argparse.Namespace:
    """The same arguments with `-p` turned into `run` and one answer to which format is wanted."""
    if arguments.prompt is not None and arguments.run != "screen":
        parser.error("-p asks by itself; it goes with no command")
    if arguments.prompt is not None:
        arguments.run, arguments.task = "run", arguments.prompt
    if arguments.run != "run" and (arguments.top_file or arguments.apply or arguments.output_format):
        parser.error("--file, --apply and --output-format go with -p or `run`")
    if arguments.run not in {"run", "screen"} and arguments.resume is not None:
        parser.error("-c and --resume go with the screen, -p or `run`")
    if arguments.json and arguments.output_format not in (None, "json"):
        parser.error("--json means --output-format json; give one of them")
    arguments.file = [*arguments.top_file, *getattr(arguments, "file", [])]
    arguments.json = arguments.json or arguments.output_format == "json"
    return arguments


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
    parser.add_argument(
        "-p", dest="prompt", nargs="?", const="-", metavar="TASK",
        help="ask without the screen, like `run`; what is piped in goes along, or is the task",
    )  # fmt: skip
    continued = parser.add_mutually_exclusive_group()
    continued.add_argument(
        "-c", dest="resume", action="store_const", const="latest", help="continue the latest session of this directory"
    )
    continued.add_argument(
        "--resume", nargs="?", const="", metavar="ID", help="continue an earlier session (see `sessions`); asks which"
    )
    parser.add_argument("--file", dest="top_file", action="append", default=[], metavar="F", help=FILE_HELP)
    parser.add_argument("--apply", action="store_true", help=APPLY_HELP)
    parser.add_argument("--output-format", choices=FORMATS, help=FORMAT_HELP)
    parser.set_defaults(run="screen", settings=None)
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
    ask.add_argument("--file", action="append", default=[], metavar="F", help=FILE_HELP)
    ask.add_argument("--apply", action="store_true", default=argparse.SUPPRESS, help=APPLY_HELP)
    ask.add_argument("--output-format", choices=FORMATS, default=argparse.SUPPRESS, help=FORMAT_HELP)
    search = add("search", "search", "list the lines that hold a text, in the files that the agent may read")
    search.add_argument("text", help="as it stands there; its case counts only if it has an upper-case letter")
    how = search.add_mutually_exclusive_group()
    how.set_defaults(mode="text")
    how.add_argument("--word", dest="mode", action="store_const", const="word", help="only as a word of its own")
    how.add_argument("--regex", dest="mode", action="store_const", const="regex", help="as a regular expression (RE2)")
    accept = add("accept", "accept", "apply a proposal")
    accept.add_argument("id")
    reject = add("reject", "reject", "reject a proposal; with a reason it is learned from")
    reject.add_argument("id")
    reject.add_argument("-m", "--message", default="", metavar="WHY", help="the reason, as you would say it")
    reject.add_argument("--wait", action="store_true", help="learn now and report what came of it")
    add("sessions", "sessions", "list the sessions of this directory, the latest first")
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
    config = add("config", "config", "show every setting and where it comes from; trust the project's own file, or not")
    config.add_argument("action", nargs="?", choices=["show", "trust", "distrust"], default="show")
    config.add_argument("--origin", action="store_true", help="say where each value comes from, as is done anyway")
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
    summary = "whether a map of the repository makes the model use what it has"
    mapped = kinds.add_parser("map", parents=[common], help=summary, description=summary)
    add_map(mapped)
    mapped.set_defaults(run="bench_map")
    add("demo", "demo", "play one session by itself and print it")
    shells = add(
        "completion", "completion", 'print a completion script; to load it: eval "$(continual-code completion bash)"'
    )
    shells.add_argument("shell", choices=["bash", "zsh", "fish"])


if __name__ == "__main__":
    script()
