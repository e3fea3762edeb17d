"""A process that measures on request: JSON lines in, JSON lines out.

Invariant: stdout of the process carries replies only; whatever a library prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from continual_code.bench.loading import peak_bytes
from continual_code.errors import StateError

Handlers = Mapping[str, Callable[..., Mapping[str, Any]]]


class Party:
    """One child process; `module` is run with `arguments` and must call `serve`.

    Raises (each call of `ask`):
        StateError: the process ended, or a package that it needs is missing.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        self._name = module.rpartition(".")[2]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def ask(self, what: str, **details: Any) -> dict[str, Any]:
        """Have the process do one thing and return what it says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"what": what, **details}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise StateError(f"{self._name} ended with {self._process.wait()} while it was asked for {what!r}.")
        reply = json.loads(line)
        if "error" in reply:
            raise StateError(f"{self._name}: {reply['error']}")
        return reply

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def serve(begin: Callable[[], Handlers]) -> None:
    """Answer requests until there are no more. `begin` loads what is slow to load; its errors are the first reply's."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    handlers: Handlers | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            handlers = handlers or begin()
            reply = {**handlers[request.pop("what")](**request), "peak_bytes": peak_bytes()}
        except Exception as error:  # the top of a child: its parent says it
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()
