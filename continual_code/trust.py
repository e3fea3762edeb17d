"""Whether the configuration file of a project counts.

Invariant: nothing in it has an effect before the person trusted exactly this content at exactly this path, and what
they were shown is what counts then, whatever the file becomes meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from continual_code.disk import private_dir, write_synced
from continual_code.errors import ContinualCodeError, UsageError
from continual_code.port import TrustAnswer, TrustQuestion
from continual_code.settings import Settings, dotted, load_settings, project_values
from continual_code.workspace import Root
from continual_code.workspace.content import sha256

FILE = ".continual-code.toml"
LARGEST = 16_000  # bytes; the person is asked to read all of it
Flags = Mapping[str, Any]
Loaded = tuple[Settings, dict[str, str]]


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """The file as it was read. `path` is absolute, `sha256` that of its bytes."""

    path: str
    text: str
    sha256: str

    def values(self) -> dict[str, Any]:
        """See `project_values`."""
        return project_values(self.text, self.path)


def read_project_file(root: Path) -> ProjectFile | None:
    """The project's file in `root`; None without one.

    Raises:
        WorkspaceError: it is a link or no plain file, or not UTF-8 text.
        UsageError: it is larger than `LARGEST`.
    """
    opened = Root(root)
    path, source = str(opened.path / FILE), opened.read(FILE)
    if source is None:
        return None
    if len(source.text) > LARGEST:
        raise UsageError(f"{path} is larger than {LARGEST // 1000} kB, more than anyone would read.")
    return ProjectFile(path, source.text, source.sha256)


class TrustStore:
    """What the person trusts: a file for each pair of path and content, named after both; it holds the path."""

    def __init__(self, state_dir: Path) -> None:
        self._directory = state_dir / "trusted"

    def holds(self, file: ProjectFile) -> bool:
        return self._entry(file).is_file()

    def add(self, file: ProjectFile) -> None:
        """Trust this content at this path, durably."""
        private_dir(self._directory)
        write_synced(self._entry(file), os.fsencode(file.path))

    def remove(self, path: str) -> int:
        """Trust no content at `path` any more; returns how many were trusted."""
        entries = self._directory.iterdir() if self._directory.is_dir() else ()
        found = [entry for entry in entries if entry.read_bytes() == os.fsencode(path)]
        for entry in found:
            entry.unlink()
        return len(found)

    def _entry(self, file: ProjectFile) -> Path:
        return self._directory / sha256(os.fsencode(file.path) + b"\0" + file.sha256.encode())


def settled(flags: Flags, root: Path, say: Callable[[str], None]) -> Loaded:
    """The settings of a command that asks nothing: a file that is not trusted is ignored, and `say` is told so.

    Raises:
        UsageError: as `load_settings`; what is wrong with an ignored file does not matter.
    """
    settings, origin = load_settings(flags)
    try:
        file = read_project_file(root)
    except ContinualCodeError as error:
        say(f"The project's settings are ignored: {error.what}")
        return settings, origin
    if file is None:
        return settings, origin
    if not TrustStore(settings.state_dir).holds(file):
        say(f"{file.path} is ignored until you trust it: `continual-code config trust` shows it and does so.")
        return settings, origin
    return load_settings(flags, project=(file.path, file.values()))


class ProjectTrust:
    """See `port.Gate`."""

    def __init__(self, root: Path, flags: Flags) -> None:
        self._root, self._flags = root, flags
        self._file: ProjectFile | None = None
        self._counts = False

    def question(self) -> TrustQuestion | None:
        store = TrustStore(load_settings(self._flags)[0].state_dir)
        try:
            self._file = read_project_file(self._root)
            if self._file is None:
                return None
            self._counts = store.holds(self._file)
            values = self._file.values()
        except ContinualCodeError as error:
            if self._counts:  # the person trusted it: a fault in it is theirs to know, as with their own file
                raise
            return TrustQuestion(str(self._root / FILE), fault=error.what)
        return None if self._counts else TrustQuestion(self._file.path, shown(values))

    def answer(self, answer: TrustAnswer) -> None:
        self._counts = answer != "ignore"
        if answer == "always" and self._file:
            TrustStore(load_settings(self._flags)[0].state_dir).add(self._file)

    def settings(self) -> Settings:
        """With the project's file, if it counts."""
        project = (self._file.path, self._file.values()) if self._file and self._counts else None
        return load_settings(self._flags, project=project)[0]


def shown(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What a file sets, a line for each name."""
    return tuple(f"{name} = {value!r}" for name, value in dotted(values).items())
