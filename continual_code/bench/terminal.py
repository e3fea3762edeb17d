"""A program in a real pseudo-terminal: what it writes, and what a person types.

Invariant: nothing that the program writes is lost; it waits until it is read.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
from collections.abc import Mapping
from contextlib import suppress


class Terminal:
    """Runs `argv` with exactly this environment, on a screen of so many columns and rows."""

    def __init__(self, argv: list[str], environment: Mapping[str, str], *, columns: int = 80, rows: int = 24) -> None:
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.execvpe(argv[0], argv, environment)
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def read(self, seconds: float) -> bytes:
        """What is written within a time; returns at the first output, empty when there is none.

        Raises:
            OSError: the program has ended.
        """
        ready, _, _ = select.select([self._descriptor], [], [], seconds)
        return os.read(self._descriptor, 1 << 16) if ready else b""

    def quit(self, farewell: str) -> None:
        """Send what ends the program, and wait until it has ended."""
        self.send(farewell)
        self.wait()

    def wait(self) -> int:
        """Wait until the program has ended, whatever it still writes; its exit code, negative for a signal."""
        while not (ended := os.waitpid(self._pid, os.WNOHANG))[0]:
            with suppress(OSError):  # what has no program behind it any more cannot be read
                self.read(0.1)
        return os.waitstatus_to_exitcode(ended[1])

    def hang_up(self) -> None:
        """End what runs in the foreground, also where a hang-up is ignored (`nohup`), and close the terminal."""
        with suppress(OSError):  # nothing runs any more
            os.killpg(os.tcgetpgrp(self._descriptor), signal.SIGTERM)
        os.close(self._descriptor)
        os.waitpid(self._pid, 0)
