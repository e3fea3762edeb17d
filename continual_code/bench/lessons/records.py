"""What the benchmark has measured so far: one JSON line a record, so that a stopped run goes on where it was.

Invariant: a record that `put` returned is read again by whoever opens the file next, also after
a crash, and all records of one file were measured under one configuration.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from continual_code.disk import sync_dir
from continual_code.errors import StateError, UsageError

Record = dict[str, Any]
BEGINNING = b'{"config"'


class Records:
    """An append-only file of records, each under a key; one process writes at a time.

    Args:
        path: the file; it is created by the first `put`.
        config: what the measurements depend on, as JSON data. None takes what the file says.

    Raises:
        UsageError: the file was begun with another configuration.
        StateError: it is another kind of file, or a line other than the last cannot be read.
    """

    def __init__(self, path: Path, config: Mapping[str, Any] | None = None) -> None:
        self.path = path
        data = path.read_bytes() if path.exists() else b""
        lines = _whole_lines(path, data)
        self._end = sum(len(line) for line in lines)
        self._torn = self._end < len(data)
        header, *records = [json.loads(line) for line in lines] or [{"config": _as_stored(config or {})}]
        self.config: Record = header["config"]
        if config is not None:
            self._refuse_another(_as_stored(config))
        self._records: dict[str, Record] = {record.pop("key"): record for record in records}

    def get(self, key: str) -> Record | None:
        """The record last put under `key`."""
        return self._records.get(key)

    def put(self, key: str, record: Mapping[str, Any]) -> Record:
        """Append durably and return the record as `get` will.

        Raises:
            ValueError: a value is not JSON data; NaN and infinity are not.
        """
        if not self._end:
            self._append({"config": self.config})
            sync_dir(self.path.parent)
        self._append({"key": key, **record})
        self._records[key] = _as_stored(record)
        return self._records[key]

    def all(self) -> list[Record]:
        """One record a key, in the order in which the keys were first put."""
        return list(self._records.values())

    def of(self, kind: str, **fields: Any) -> list[Record]:
        """The records of one kind whose fields have these values."""
        wanted = {"kind": kind, **fields}
        return [record for record in self.all() if all(record.get(name) == value for name, value in wanted.items())]

    def _append(self, value: Mapping[str, Any]) -> None:
        line = json.dumps(value, allow_nan=False).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as stream:
            if self._torn:  # only now: a reader must not cut off what a running benchmark is writing
                stream.truncate(self._end)
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
        self._torn = False
        self._end += len(line)

    def _refuse_another(self, config: Record) -> None:
        names = [name for name in {**self.config, **config} if self.config.get(name) != config.get(name)]
        if not names:
            return
        differences = "; ".join(f"{name} was {_shown(self.config, name)}, now {_shown(config, name)}" for name in names)
        raise UsageError(
            f"{self.path} was measured with another configuration: {differences}.",
            kept="It is unchanged.",
            do="Choose another --out, or delete it to measure again.",
        )


def _whole_lines(path: Path, data: bytes) -> list[bytes]:
    """The lines that were written to their end; a crash can only have torn the last one."""
    if not data.startswith(BEGINNING[: len(data)]):
        raise StateError(
            f"{path} holds no records of this benchmark.", kept="It is unchanged.", do="Choose another --out."
        )
    lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
    unreadable = [number for number, line in enumerate(lines, 1) if not _is_record(line, number)]
    if any(number < len(lines) for number in unreadable):
        raise StateError(
            f"Line {unreadable[0]} of {path} cannot be read.",
            kept="The file is unchanged.",
            do="Remove that line to have it measured again, or choose another --out.",
        )
    return lines[:-1] if unreadable else lines


def _is_record(line: bytes, number: int) -> bool:
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and ("config" if number == 1 else "key") in value


def _as_stored(value: Mapping[str, Any]) -> Record:
    """As it is after writing and reading: tuples are lists, numbers used as names are text."""
    return json.loads(json.dumps(value, allow_nan=False))


def _shown(config: Record, name: str) -> str:
    return json.dumps(config[name]) if name in config else "not set"
