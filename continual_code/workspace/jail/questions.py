"""The system calls that wait for the supervisor's answer, and the answers.

Invariant: a path is resolved once, by the supervisor, to a descriptor; what that descriptor names is checked and then
changed by the supervisor itself. The caller's memory is never read twice, so changing it meanwhile gains nothing. A
call that the kernel carries on with afterwards has its arguments in registers, which cannot change.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time
from contextlib import suppress
from dataclasses import dataclass

import seccomp
from processes import Family

_QUESTION = struct.Struct("=QIIiIQ6Q")  # id, pid, flags, then the call: number, architecture, address, arguments
_ANSWER = struct.Struct("=QqiI")  # id, value, error, flags
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_LONGEST_PATH = 4096
_HERE = -100  # AT_FDCWD
_NOT_THROUGH_LINKS, _THE_DESCRIPTOR = 0x100, 0x1000  # AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
_NOW, _LEAVE = (1 << 30) - 1, (1 << 30) - 2  # UTIME_NOW, UTIME_OMIT


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who made it and with what."""

    name: str
    pid: int
    arguments: tuple[int, ...]

    def integer(self, index: int) -> int:
        return struct.unpack("=i", struct.pack("=I", self.arguments[index] & 0xFFFFFFFF))[0]

    def memory(self, address: int, size: int) -> bytes:
        memory = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(memory, size, address)
        finally:
            os.close(memory)


class Clerk:
    """Answers the questions of one sandbox.

    Args:
        listener: the descriptor on which they arrive.
        writable: the real paths beneath which files may be changed.
        family: the processes that may signal each other.
        most_tasks: how many processes and threads there may be at once.
    """

    def __init__(self, listener: int, writable: list[str], family: Family, most_tasks: int) -> None:
        self._listener = listener
        self._writable = tuple(writable)
        self._family = family
        self._most_tasks = most_tasks
        self._unused = 0  # tasks that may still begin before the process table has to be counted again
        self._names = seccomp.asked_names()

    def answer(self) -> None:
        """Take one question and answer it; a caller that has ended meanwhile needs none."""
        question = bytearray(_QUESTION.size)
        with suppress(FileNotFoundError):
            fcntl.ioctl(self._listener, _RECEIVE, question, True)
            identity, pid, _, number, _, _, *arguments = _QUESTION.unpack(question)
            error, flags = self._judge(Call(self._names[number], pid, tuple(arguments)))
            fcntl.ioctl(self._listener, _SEND, _ANSWER.pack(identity, 0, -error, flags))

    def _judge(self, call: Call) -> tuple[int, int]:
        """The error number to return (0 for success), and whether the kernel carries on with the call."""
        try:
            if call.name in ("clone", "fork", "vfork"):
                return (0, _CONTINUE) if self._has_room() else (errno.EAGAIN, 0)
            if call.name in ("kill", "tkill", "tgkill"):
                return (0, _CONTINUE) if self._family.may_signal(call.integer(0)) else (errno.EPERM, 0)
            self._change(call)
        except ProcessLookupError:
            return errno.ESRCH, 0
        except OSError as error:
            return error.errno or errno.EPERM, 0
        except ValueError:
            return errno.EINVAL, 0
        return 0, 0

    def _has_room(self) -> bool:
        if self._unused <= 0:
            self._unused = self._most_tasks - self._family.count_tasks()
        self._unused -= 1
        return self._unused >= 0

    def _change(self, call: Call) -> None:
        path, links = _named(call)
        found = os.open(path, os.O_PATH | os.O_CLOEXEC | (0 if links else os.O_NOFOLLOW))
        try:
            self._require_writable(found)
            _apply(call, f"/proc/self/fd/{found}")
        finally:
            os.close(found)

    def _require_writable(self, found: int) -> None:
        name = os.readlink(f"/proc/self/fd/{found}")
        if not any(name == top or name.startswith(f"{top}/") for top in self._writable):
            raise PermissionError(errno.EPERM, "outside")


def _named(call: Call) -> tuple[str, bool]:
    """The path that a call names, as the supervisor can open it, and whether links at its end are followed."""
    if call.name in ("chmod", "truncate"):
        return _path(call, _HERE, call.arguments[0]), True
    if call.name == "fchmod":
        return f"/proc/{call.pid}/fd/{call.integer(0)}", True
    flags = 0 if call.name == "fchmodat" else call.integer(3)
    if not call.arguments[1] or flags & _THE_DESCRIPTOR:
        return f"/proc/{call.pid}/fd/{call.integer(0)}", True
    return _path(call, call.integer(0), call.arguments[1]), not flags & _NOT_THROUGH_LINKS


def _path(call: Call, folder: int, address: int) -> str:
    text = os.fsdecode(call.memory(address, _LONGEST_PATH).partition(b"\0")[0])
    if not text:
        raise FileNotFoundError(errno.ENOENT, "empty path")
    base = f"/proc/{call.pid}/cwd" if folder == _HERE else f"/proc/{call.pid}/fd/{folder}"
    if text.startswith("/proc/self/"):
        text = f"/proc/{call.pid}/{text.removeprefix('/proc/self/')}"
    return os.path.join(base, text)


def _apply(call: Call, path: str) -> None:
    if call.name == "truncate":
        os.truncate(path, call.arguments[1])
    elif call.name == "utimensat":
        os.utime(path, ns=_times(call, path))
    else:
        _set_mode(path, call.integer(1 if call.name in ("chmod", "fchmod") else 2))


def _set_mode(path: str, mode: int) -> None:
    if mode & 0o6000:
        raise PermissionError(errno.EPERM, "no set-id bits")
    os.chmod(path, mode)


def _times(call: Call, path: str) -> tuple[int, int]:
    """Access and modification time in nanoseconds."""
    asked = struct.unpack("=4q", call.memory(call.arguments[2], 32)) if call.arguments[2] else (0, _NOW, 0, _NOW)
    status = os.stat(path)
    before = (status.st_atime_ns, status.st_mtime_ns)
    chosen = [_time(asked[2 * at], asked[2 * at + 1], before[at]) for at in (0, 1)]
    return chosen[0], chosen[1]


def _time(seconds: int, nanoseconds: int, before: int) -> int:
    if nanoseconds == _LEAVE:
        return before
    return time.time_ns() if nanoseconds == _NOW else seconds * 10**9 + nanoseconds
