"""Run one command where it can do no harm: `python -I -S jail DESCRIPTOR`, in an interpreter of its own.

The descriptor is one end of a socket pair. One JSON line comes in and says what to run; its end of file means stop;
one JSON object goes out and says what became of the command.

Invariant: the command starts only after every restriction is in place, and this process ends only after every
process that descends from the command has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any

import kernel
import landlock
import seccomp
from processes import Family
from questions import Clerk

_READY, _GO = b"ready", b"go"
_MOST_TASKS = 512
_LARGEST_FILE = 1 << 28
_SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store", "/run/current-system",
    "/proc", "/sys/devices/system", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
)  # fmt: skip


def main() -> None:
    """Serve the one request and report."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    request = json.loads(control.makefile("rb").readline())
    with contextlib.suppress(BrokenPipeError):  # whoever asked is gone, and nothing of the command is left
        control.sendall(json.dumps(_serve(control, request)).encode())


def _serve(control: socket.socket, request: dict[str, Any]) -> dict[str, Any]:
    family = Family()
    try:
        kernel.adopt_orphans()
        child, end, listener = _start(request)
        _attend(control, end, listener, Clerk(listener, request["writable"], family, _MOST_TASKS))
    except OSError as error:
        return {"unavailable": _reason(error)}
    finally:
        family.end()
    return {"returncode": family.codes[child]}


def _reason(error: BaseException) -> str:
    if not isinstance(error, OSError) or not error.strerror:
        return repr(error)
    return f"{error.strerror} ({error.filename})" if error.filename else error.strerror


def _start(request: dict[str, Any]) -> tuple[int, int, int]:
    """The process id of the command, the descriptor that tells its end, and the one of its questions."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        child = os.fork()
        if child == 0:
            _become(request, theirs)
        theirs.close()
        end = kernel.open_process(child)
        message, descriptors, _, _ = socket.recv_fds(ours, 4096, 1)
        if message != _READY or not descriptors:
            raise OSError(0, message.decode(errors="replace") or "it ended before it was confined")
        ours.sendall(_GO)
    return child, end, descriptors[0]


def _become(request: dict[str, Any], supervisor: socket.socket) -> None:
    """Turn this forked process into the command. Does not return."""
    try:
        socket.send_fds(supervisor, [_READY], [_confine(request)])
    except BaseException as error:
        supervisor.sendall(_reason(error).encode(errors="replace"))
        os._exit(125)
    try:
        if supervisor.recv(len(_GO)) == _GO:
            os.execvpe(request["argv"][0], request["argv"], request["env"])
    except Exception as error:
        os.write(2, f"{error}\n".encode(errors="replace"))
    finally:
        os._exit(127)


def _confine(request: dict[str, Any]) -> int:
    os.setsid()
    os.chdir(request["root"])
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _LARGEST_FILE),
        (resource.RLIMIT_CPU, request["cpu_seconds"]),
        (resource.RLIMIT_AS, request["memory_bytes"]),
    ):
        _limit(kind, value)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    kernel.renounce_privileges()
    landlock.confine([request["root"], *request["readable"]], _SYSTEM, ["/dev/null", *request["writable"]])
    return seccomp.listen()


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(kind, (value, value))


def _attend(control: socket.socket, child: int, listener: int, clerk: Clerk) -> None:
    """Answer questions until the command ends or is to be stopped."""
    poll = select.poll()
    for descriptor in (control.fileno(), child, listener):
        poll.register(descriptor, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if ready & {control.fileno(), child}:
            return
        clerk.answer()


main()
