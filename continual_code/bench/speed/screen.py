"""Key to paint in a real pseudo-terminal, idle and while the model works.

A figure is the time from writing a key to the terminal until the program has written that letter back.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Any

from continual_code import sample
from continual_code.bench.terminal import Terminal
from continual_code.settings import load_settings

KEYS, CTRL_Q = 60, "\x11"
ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>]")


class Painted(Terminal):
    """What the program paints, read as plain text."""

    def text(self, seconds: float) -> str:
        """What is painted within a time, without control sequences; returns at the first output."""
        return ESCAPES.sub(b"", self.read(seconds)).decode(errors="replace")

    def wait_for(self, text: str, seconds: float) -> None:
        """Raises TimeoutError when `text` is not painted in time."""
        seen, deadline = "", time.monotonic() + seconds
        while text not in seen:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} was not painted within {seconds:.0f} s")
            seen = (seen + self.text(0.2))[-20_000:]

    def key_to_paint(self, key: str) -> float:
        """Seconds until `key` is painted."""
        while self.read(0.01):
            continue
        started = time.perf_counter()
        self.send(key)
        while key not in self.text(1.0):
            if time.perf_counter() - started > 5:
                raise TimeoutError(f"the key {key!r} was not painted within 5 s")
        return time.perf_counter() - started


def measure(terminal: Painted) -> dict[str, float]:
    """Percentiles over many keys, milliseconds."""
    keys = ("QZXJVKQZXJVK" * KEYS)[:KEYS]  # capitals that nothing else on the screen shows
    seconds = sorted(terminal.key_to_paint(key) for key in keys)
    terminal.send("\x7f" * KEYS)
    return {f"p{share}": round(1000 * seconds[min(KEYS - 1, KEYS * share // 100)], 1) for share in (50, 95, 99)}


def measure_screen(model: str) -> dict[str, Any]:
    """Seconds to the first frame and until the model is ready; key to paint idle, while it answers and while it learns.

    Raises:
        TimeoutError: the program did not paint what was waited for.
    """
    with sample.trial(load_settings()[0]) as (settings, root):
        environment = {**os.environ, "CONTINUAL_CODE_HOME": str(settings.home), "TERM": "xterm-256color"}
        argv = [sys.executable, "-P", "-m", "continual_code.cli", "--model", model, "--repo", str(root)]
        started = time.perf_counter()
        terminal = Painted(argv, environment)
        try:
            terminal.wait_for("What should change?", 30)
            figures: dict[str, Any] = {"first_frame_seconds": round(time.perf_counter() - started, 2)}
            terminal.wait_for("is ready on", 600)
            figures["ready_seconds"] = round(time.perf_counter() - started, 2)
            figures["idle_ms"] = measure(terminal)
            terminal.send(f"{sample.TASK} @{sample.TASK_FILE}\r")
            terminal.wait_for("Say why not", 120)
            time.sleep(1)
            terminal.send("n")
            time.sleep(0.5)
            terminal.send(f"{sample.COMMENT}\r")
            terminal.wait_for("learning l1", 60)
            figures["learning_ms"] = measure(terminal)
            terminal.send(f"{sample.OTHER_TASK} @{sample.OTHER_FILE}\r")
            terminal.wait_for("answering", 60)
            figures["answering_and_learning_ms"] = measure(terminal)
        finally:
            terminal.quit(CTRL_Q)
    return figures
