"""`python -m continual_code.bench.recording docs` records the session anew: the pictures and the film in docs/."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from continual_code import sample
from continual_code.bench.recording.player import NotShown, Player
from continual_code.bench.recording.screen import Screen
from continual_code.bench.recording.session import FILES, TESTS, play
from continual_code.bench.terminal import Terminal
from continual_code.settings import Settings, load_settings
from continual_code.workspace import create_repository

COLUMNS, ROWS = 110, 34
SYSTEM = "/usr/local/bin:/usr/bin:/bin"  # before all others: its python3 is one that the sandbox may read


def main(arguments: list[str] | None = None) -> int:
    """Record into a directory; 1 when the session did not go as it should."""
    parser = argparse.ArgumentParser(prog="recording", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--programs", type=Path, default=Path(sys.executable).parent, help="where continual-code is")
    parser.add_argument("--patience", type=float, default=1800, metavar="SECONDS", help="for the longest wait")
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    with sample.trial(load_settings({"model": given.model})[0]) as (settings, beside):
        root = beside.with_name("helpers")
        root.mkdir()
        create_repository(root, FILES, "A few helpers")
        with _shell(root, _environment(settings, given.programs)) as shell:
            player = Player(shell, Screen(COLUMNS, ROWS, {str(root.parent): "~"}), given.out, patience=given.patience)
            try:
                play(player)
            except NotShown as error:
                print(error, file=sys.stderr)
                return 1
            finally:
                player.save("session")
    return 0


@contextmanager
def _shell(root: Path, environment: Mapping[str, str]) -> Iterator[Terminal]:
    argv = ["env", "-C", str(root), "bash", "--noprofile", "--norc"]
    shell = Terminal(argv, environment, columns=COLUMNS, rows=ROWS)
    try:
        yield shell
    finally:
        shell.hang_up()


def _environment(settings: Settings, programs: Path) -> dict[str, str]:
    """The person's own, with a model, tests and a home for this session, and nothing that spoils a picture."""
    plain = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "PROMPT_COMMAND"}}
    return plain | {
        "CONTINUAL_CODE_HOME": str(settings.home), "CONTINUAL_CODE_MODEL": settings.model,
        "CONTINUAL_CODE_TESTS__COMMAND": TESTS, "PATH": f"{SYSTEM}:{programs}", "PS1": "$ ", "HISTFILE": "",
        "INPUTRC": "/dev/null", "TERM": "xterm-256color", "COLORTERM": "truecolor",
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
