"""The options of the benchmarks.

Invariant: importing this imports nothing heavy; the command line shows its help with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_lessons(parser: argparse.ArgumentParser) -> None:
    """The options of `bench lessons`."""
    parser.add_argument("--rules", type=Path, metavar="FILE", help="rules and tasks to measure (default: built in)")
    parser.add_argument("--only", metavar="IDS", help="these rules, separated by commas")
    parser.add_argument(
        "--split", choices=["score", "tune", "unseen", "all"], default="score",
        help="which built-in rules; nothing of the learner was chosen by the unseen ones",
    )  # fmt: skip
    parser.add_argument("--limit", type=_count, metavar="N", help="the first N rules")
    parser.add_argument(
        "--arms", default="ours,memory,none", metavar="NAMES",
        help="ways to learn, with a learning rate of their own as NAME@RATE; an unknown one lists all",
    )  # fmt: skip
    parser.add_argument("--seeds", type=_count, default=3, metavar="N", help="which task is corrected, which order")
    parser.add_argument("--siblings", type=_count, default=10, metavar="N", help="held-out tasks for each rule")
    parser.add_argument("--unrelated", type=_count, default=4, metavar="N", help="tasks where a rule must not apply")
    parser.add_argument("--sequence", type=_count, default=10, metavar="N", help="lessons in a row; 0 leaves them out")
    parser.add_argument("--noise", type=_count, default=20, metavar="N", help="comments without meaning")
    parser.add_argument("--flips", type=_count, default=10, metavar="N", help="lessons that another one contradicts")
    parser.add_argument("--humaneval", type=Path, metavar="FILE", help="canary problems (default: built in)")
    parser.add_argument("--canary", type=_count, default=12, metavar="N", help="how many canary problems")
    parser.add_argument("--out", type=_result, required=True, metavar="FILE.json", help="result; records go beside it")


def add_speed(parser: argparse.ArgumentParser) -> None:
    """The options of `bench speed`."""
    parser.add_argument(
        "--quick", action="store_true", help="two edits, no step of TRL at 8192 tokens: within ten minutes on two cores"
    )
    parser.add_argument("--only", metavar="PARTS", help="of proposals, lessons and screen, separated by commas")
    parser.add_argument("--repeats", type=_count, default=1, metavar="N", help="runs of each edit by each party")
    parser.add_argument("--gguf", type=Path, metavar="FILE", help="the model for llama.cpp (default: fetched)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the JSON here as well")


def add_map(parser: argparse.ArgumentParser) -> None:
    """The options of `bench map`."""
    parser.add_argument("--tokens", type=_count, default=512, metavar="N", help="for the map (context.map_tokens)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write the JSON here as well")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of zero or more")
    return int(text)


def _result(text: str) -> Path:
    if Path(text).suffix == ".md":  # the table goes there
        raise argparse.ArgumentTypeError(f"{text} would be overwritten by the table; choose a name that ends in .json")
    return Path(text)
