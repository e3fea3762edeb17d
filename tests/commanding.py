"""Commands as a script runs them, in this process: one home, one directory, what came out and with which code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from continual_code.cli import main

PROGRAM = [sys.executable, "-P", "-m", "continual_code.cli"]


class Commands:
    """Runs commands in this process, in one home and one directory."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        found = main(["--repo", str(self.root), *arguments])
        self.out, self.err = self._capsys.readouterr()
        assert found == code, f"exit {found}: {self.err}"
        return self.out

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The one value on stdout."""
        return json.loads(self(*arguments, "--json", code=code))
