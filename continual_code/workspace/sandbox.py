"""Run a command that nobody has read: code that a model wrote, or the tests of a repository that it changed.

Invariant: the command changes nothing but what is beneath `writable` and a private folder that is gone afterwards,
reaches no network and no process outside, takes no more time, memory or output than it is given, and leaves no
process behind. Where the kernel cannot promise that, nothing is run.
"""

from __future__ import annotations

import codecs
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from shutil import rmtree
from typing import IO, Any

from continual_code.errors import ContinualCodeError

_JAIL = Path(__file__).with_name("jail")
_GRACE = 10.0  # seconds that the supervisor has to end everything, once told
_CHUNK = 1 << 16
_TICK = 0.1  # seconds between two calls of whoever attends a command


class SandboxUnavailable(ContinualCodeError):
    """This system cannot confine a command, so it was not run."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended: `returncode` as in `subprocess` (127: it could not be started), `seconds` of wall time.

    It was killed if it was `timed_out`, `stopped` by whoever attended it, or `flooded` one of its outputs.
    """

    returncode: int
    stdout: str
    stderr: str
    timed_out: bool
    seconds: float
    stopped: bool = False
    flooded: bool = False


def run_sandboxed(
    argv: Sequence[str],
    *,
    root: Path,
    writable: Sequence[Path] = (),
    seconds: float,
    memory_bytes: int = 1 << 30,
    output_bytes: int = 1_000_000,
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    attend: Callable[[str], bool] | None = None,
) -> Finished:
    """Run `argv`, without a shell, and wait for it and everything that it started to end.

    It may read the system's programs, this interpreter, `root` and `writable`; nothing of the home directory. What
    still runs when the command itself ends is killed.

    Args:
        root: its working directory; never take it from what a model wrote.
        writable: existing directories (or files) that it may change, with all beneath them.
        seconds: of wall time; afterwards everything is killed.
        memory_bytes: of address space, for each process.
        output_bytes: kept of each of its two outputs; a command that writes more is killed.
        stdin: what it can read.
        env: added to a minimal environment; nothing else is inherited.
        attend: called about ten times a second with what was written to either output since; False ends the command.

    Raises:
        SandboxUnavailable: this system cannot confine it, or `root` or `writable` do not exist. Nothing was run.
        ContinualCodeError: the supervisor was killed, or could not end the command.
    """
    if sys.platform != "linux" or os.uname().machine not in ("x86_64", "aarch64"):
        raise _unavailable("this system is another one")
    with _private_folder() as home:
        request = {
            "argv": list(argv),
            "root": os.path.realpath(root),
            "readable": sorted({sys.prefix, sys.base_prefix}),
            "writable": [home, *map(os.path.realpath, writable)],
            "cpu_seconds": (ceil(seconds) + 1) * (os.cpu_count() or 1),
            "memory_bytes": memory_bytes,
            "env": _environment(home) | dict(env or {}),
        }
        return _Run(seconds, output_bytes, attend).finish(request, stdin)


@cache
def sandbox_available() -> str | None:
    """Why commands cannot be confined on this system, found out by trying; None when they can."""
    try:
        run_sandboxed([sys.executable, "-I", "-S", "-c", ""], root=Path(sys.base_prefix), seconds=60)
    except SandboxUnavailable as error:
        return error.what
    return None


def _unavailable(reason: str) -> SandboxUnavailable:
    return SandboxUnavailable(
        f"The command cannot be confined here: {reason}.",
        kept="It was not run.",
        do="Linux 5.13 or newer with Landlock and seccomp is needed (x86-64 or aarch64).",
    )


def _environment(home: str) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}


@contextmanager
def _private_folder() -> Iterator[str]:
    """A folder that only this user can enter, gone afterwards."""
    path = os.path.realpath(tempfile.mkdtemp(prefix="sandbox-"))
    try:
        yield path
    finally:
        _remove(path)


def _remove(path: str) -> None:
    try:
        rmtree(path)
    except (OSError, RecursionError):  # folders that it made unreadable, or nested a thousand deep
        subprocess.run(["chmod", "-R", "u+rwx", path], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["rm", "-rf", path], stderr=subprocess.DEVNULL, check=False)


class _Run:
    """One command between its start and its end."""

    def __init__(self, seconds: float, output_bytes: int, attend: Callable[[str], bool] | None) -> None:
        self._started = time.monotonic()
        self._deadline = self._started + seconds
        self._output_bytes = output_bytes
        self._listening = _Listening(attend) if attend else None
        self._stdout, self._stderr, self._report = bytearray(), bytearray(), bytearray()
        self._stopped = self._timed_out = self._told_to_stop = self._flooded = False

    def finish(self, request: dict[str, Any], stdin: str) -> Finished:
        """Start the supervisor, wait for its report, and leave nothing behind."""
        control, theirs = socket.socketpair()
        with control, theirs, _file_with(stdin) as file, _supervisor(theirs, file) as supervisor:
            theirs.close()
            try:
                with suppress(OSError):  # it died at once; the missing report says so
                    control.sendall(json.dumps(request).encode() + b"\n")
                self._gather(control, supervisor)
            finally:
                self._stop(control)
        return self._finished()

    def _gather(self, control: socket.socket, supervisor: subprocess.Popen[bytes]) -> None:
        """Read both outputs and the report until all three end."""
        assert supervisor.stdout is not None
        assert supervisor.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(control, selectors.EVENT_READ, self._report)
            selector.register(supervisor.stdout, selectors.EVENT_READ, self._stdout)
            selector.register(supervisor.stderr, selectors.EVENT_READ, self._stderr)
            while selector.get_map():
                rest = max(0.0, self._deadline - time.monotonic())
                for key, _ in selector.select(min(rest, _TICK) if self._listening else rest):
                    self._read(selector, key)
                self._enforce(control)
        if self._listening:
            self._listening.tell(final=True)

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        piece = os.read(key.fd, _CHUNK)
        if not piece:
            selector.unregister(key.fileobj)
        if key.data is self._report:
            key.data.extend(piece)
            return
        kept = piece[: max(0, self._output_bytes + 1 - len(key.data))]
        key.data.extend(kept)
        if self._listening:
            self._listening.hear(key.fd, kept)

    def _enforce(self, control: socket.socket) -> None:
        """Stop the command when its time is over or it writes too much."""
        late = time.monotonic() >= self._deadline
        if late and self._stopped:
            raise ContinualCodeError("A confined command could not be ended.", do="Look for processes that hang.")
        unwanted = self._listening is not None and not self._listening.tell()
        flooded = max(len(self._stdout), len(self._stderr)) > self._output_bytes
        if not self._stopped and (late or unwanted or flooded):
            if not self._report:
                self._timed_out, self._told_to_stop, self._flooded = late, unwanted and not late, flooded and not late
            self._deadline = time.monotonic() + _GRACE
            self._stop(control)

    def _stop(self, control: socket.socket) -> None:
        self._stopped = True
        with suppress(OSError):
            control.shutdown(socket.SHUT_WR)

    def _finished(self) -> Finished:
        if not self._report:
            raise ContinualCodeError("A confined command was lost.", do="See whether the system is out of memory.")
        report = json.loads(self._report)
        if "unavailable" in report:
            raise _unavailable(report["unavailable"])
        stdout, stderr = (kept[: self._output_bytes].decode(errors="replace") for kept in (self._stdout, self._stderr))
        return Finished(
            report["returncode"], stdout, stderr, self._timed_out, time.monotonic() - self._started,
            self._told_to_stop, self._flooded,
        )  # fmt: skip


class _Listening:
    """Hands on what both outputs say, in the order in which it was read, ten times a second at most."""

    def __init__(self, attend: Callable[[str], bool]) -> None:
        self._attend, self._wanted = attend, True
        self._decoders: defaultdict[int, codecs.IncrementalDecoder] = defaultdict(
            lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
        )
        self._news: list[str] = []
        self._due = time.monotonic()

    def hear(self, output: int, piece: bytes) -> None:
        self._news.append(self._decoders[output].decode(piece, final=not piece))

    def tell(self, *, final: bool = False) -> bool:
        """Whether the command may go on."""
        now = time.monotonic()
        if final or now >= self._due:
            news, self._news, self._due = "".join(self._news), [], now + _TICK
            self._wanted = self._attend(news) and self._wanted
        return self._wanted


@contextmanager
def _file_with(text: str) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(text.encode(errors="replace"))
        file.seek(0)
        yield file


@contextmanager
def _supervisor(control: socket.socket, stdin: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process that confines the command; it is waited for, and killed should it hang."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_JAIL), str(control.fileno())],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={},
        pass_fds=[control.fileno()],
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            _await(process)


def _await(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
