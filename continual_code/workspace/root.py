"""The directory the program was started in: the only place where it opens the person's files.

Invariant: the root comes from the launch, never from what a model wrote, and is held as an open descriptor; every
path is judged by spelling first (`names`) and then opened beneath that descriptor without following a link.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from continual_code.errors import WorkspaceError
from continual_code.workspace import beneath, names
from continual_code.workspace.content import Content, read_content
from continual_code.workspace.refusal import refusing
from continual_code.workspace.source import SourceFile, decode


class Root:
    """Files beneath one directory. `path` is absolute and has no links in it.

    Raises:
        WorkspaceError: `path` is not a directory that can be read, or lies inside git's own directory.
    """

    def __init__(self, path: Path) -> None:
        with refusing(str(path)):
            self.path = path.resolve(strict=True)
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)
        if any(map(names.is_git_directory, self.path.parts)):
            raise WorkspaceError(f"{self.path} is inside git's own directory.", do="Start in the working tree.")

    def normalise(self, path: str) -> str:
        """`./a//b.py` as `a/b.py`.

        Raises:
            WorkspaceError: the spelling alone is reason to refuse it (see `names.normalise`).
        """
        return names.normalise(path)

    def writable(self, path: str) -> str:
        """`normalise`, and refuse files that only the person may write (see `names.PERSON_ONLY`)."""
        return names.writable(path)

    @contextmanager
    def open_dir(self, path: str) -> Iterator[int]:
        """A descriptor of the directory `path` ("." for the root), closed afterwards.

        Raises:
            FileNotFoundError: a part of the path does not exist.
            WorkspaceError: a part is a link or no directory, or may not be read.
        """
        relative = "." if path == "." else names.normalise(path)
        descriptor = self._open_dir(relative)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def read_content(self, path: str) -> Content | None:
        """The bytes and status of a plain file, text or not; None when it does not exist.

        Raises:
            WorkspaceError: the path is refused, or no plain file with one name and a bounded size is there.
        """
        path = names.normalise(path)
        directory, name = names.split(path)
        try:
            with self.open_dir(directory) as descriptor, refusing(path):
                return read_content(descriptor, name, path)
        except FileNotFoundError:
            return None

    def read(self, path: str) -> SourceFile | None:
        """The text of a file; None when it does not exist.

        Raises:
            WorkspaceError: as `read_content`, and for a file that is binary or not UTF-8.
        """
        path = names.normalise(path)
        content = self.read_content(path)
        return None if content is None else decode(path, content.data, content.mode)

    def text(self, path: str) -> str | None:
        """The text of a file that can be read; None for any other: missing, a link, binary, too large."""
        try:
            source = self.read(path)
        except WorkspaceError:
            return None
        return source.text if source else None

    def missing_parents(self, path: str) -> tuple[str, ...]:
        """The directories above `path` that do not exist yet, outermost first."""
        above = names.parents(names.normalise(path))
        for index, directory in enumerate(above):
            try:
                with self.open_dir(directory):
                    continue
            except FileNotFoundError:
                return tuple(above[index:])
        return ()

    def _open_dir(self, path: str) -> int:
        try:
            return beneath.open_directory(self._descriptor, path)
        except FileNotFoundError:
            raise
        except OSError as error:
            with refusing(path):
                raise error
