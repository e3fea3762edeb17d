"""How git is asked: without a program, a hook or a server that the repository names having any part in it.

Invariant: a repository's own configuration is hostile input, and the environment of git is built from nothing, so
that no inherited GIT_... variable takes part. What a plumbing command could start (fsmonitor, hooks, a pager, a lazy
fetch, signing) is switched off here; whoever asks chooses commands that neither filter, check out nor show content.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

Environment = Mapping[str, str | None]
TIMEOUT = 10.0  # seconds; a FIFO called .gitignore would otherwise hold the program for ever
_OVERRIDES = {
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.hooksPath": os.devnull,
    "core.excludesFile": os.devnull,
    "core.attributesFile": os.devnull,
    "core.pager": "cat",
    "protocol.allow": "never",
    "safe.bareRepository": "explicit",  # a bare repository that came with the tree is not "the repository"
}
ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",  # outranks any protocol.*.allow of the repository, also in a git that can lazy-fetch
    "GIT_LITERAL_PATHSPECS": "1",
}


def ask(root: Path, *arguments: str, stdin: bytes = b"", env: Environment | None = None) -> bytes | None:
    """What git prints; None when it is missing, refuses, fails or takes too long.

    Arguments are constants, ids that git gave, or paths where nothing but a path is read.

    Args:
        env: added to `ENVIRONMENT`; None takes a variable of it away.
    """
    executable = shutil.which("git", path=_trusted_path(root))
    if executable is None:
        return None
    environment = ENVIRONMENT | dict(env or {}) | {"PATH": _trusted_path(root)}
    overrides = [part for key, value in _OVERRIDES.items() for part in ("-c", f"{key}={value}")]
    try:
        done = subprocess.run(
            [executable, "--no-pager", *overrides, *arguments],
            cwd=root,
            env={name: value for name, value in environment.items() if value is not None},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, ValueError):  # ValueError: a lone surrogate or NUL in a path
        return None
    return done.stdout


def _trusted_path(root: Path) -> str:
    """PATH without what is relative or beneath `root`, where a file called git may have come with the tree."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    inside = Path(os.path.realpath(root))
    return os.pathsep.join(
        entry for entry in entries if os.path.isabs(entry) and not Path(os.path.realpath(entry)).is_relative_to(inside)
    )
