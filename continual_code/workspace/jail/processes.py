"""The processes of the sandbox, as the process table shows them: everything that descends from the supervisor.

Invariant: the supervisor adopts every orphan, so no process leaves its family by any double fork or new session.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import NamedTuple

_WAIT_FOR_ALL = 0x40000000  # __WALL: also children that announce their end by no signal


class Process(NamedTuple):
    """What the table says about one process or thread; `group` is its process group."""

    parent: int
    group: int
    threads: int


class Family:
    """All descendants of this process. `codes` holds the exit code of each direct child that was reaped, by its pid."""

    def __init__(self) -> None:
        self._head = os.getpid()
        self.codes: dict[int, int] = {}

    def members(self) -> dict[int, Process]:
        """The descendants by their pid, ended ones included until they are reaped."""
        table = _table()
        return {pid: process for pid, process in table.items() if self._heads(pid, table)}

    def count_tasks(self) -> int:
        """How many threads the descendants have together."""
        self.reap()
        return sum(process.threads for process in self.members().values())

    def may_signal(self, target: int) -> bool:
        """Whether `target`, as `kill` reads it, names descendants only.

        Raises:
            ProcessLookupError: there is no such process.
        """
        if target == 0:
            return True  # the caller's own group, which no process outside its session can be in
        if target == -1:
            return False
        if target > 0:
            return self._is_member(target)
        group = [pid for pid, process in _table().items() if process.group == -target]
        return bool(group) and all(map(self._is_member, group))

    def reap(self) -> bool:
        """Collect what has ended; False when no child is left."""
        try:
            while (ended := os.waitpid(-1, os.WNOHANG | _WAIT_FOR_ALL))[0]:
                self.codes[ended[0]] = os.waitstatus_to_exitcode(ended[1])
        except ChildProcessError:
            return False
        return True

    def end(self) -> None:
        """Kill and reap every descendant. Nobody answers forks meanwhile, so the family only shrinks."""
        while self.reap():
            for pid in self.members():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def _is_member(self, pid: int) -> bool:
        """For one process or thread, without reading the whole table."""
        process = _read(pid)
        if process is None:
            raise ProcessLookupError
        while process and process.parent != self._head:
            process = _read(process.parent)
        return process is not None

    def _heads(self, pid: int, table: dict[int, Process]) -> bool:
        while pid in table:
            pid = table[pid].parent
            if pid == self._head:
                return True
        return False


def _table() -> dict[int, Process]:
    return {int(name): process for name in os.listdir("/proc") if name.isdigit() and (process := _read(int(name)))}


def _read(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return Process(int(fields[1]), int(fields[2]), int(fields[17]))
