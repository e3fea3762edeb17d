"""What an installed directory holds, and the identity of its weights.

Invariant: a directory with a manifest is ours, and counts only while every file on the manifest is
there with its size; the same weights have the same identity wherever they lie.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from continual_code.disk import private_dir, write_synced
from continual_code.errors import ModelError
from continual_code.model.catalog import ModelCard

MANIFEST = "model.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a directory's weights came from; `sha256` is that of the converted file, if any."""

    source: str
    sha256: str = ""
    converter: str = ""


def write_manifest(directory: Path, card: ModelCard, origin: Origin) -> None:
    """Put every file that lies in `directory` on record, with its sha256 and size in bytes."""
    files = [file for file in sorted(directory.iterdir()) if file.is_file()]
    manifest = {
        "format": FORMAT,
        "model": card.id,
        "source": origin.source,
        "source_sha256": origin.sha256,
        "converter": origin.converter,
        "files": {file.name: {"sha256": _sha256(file), "bytes": file.stat().st_size} for file in files},
    }
    write_synced(directory / MANIFEST, json.dumps(manifest, indent=2).encode())


def has_manifest(directory: Path) -> bool:
    """Whether `directory` is one of ours, intact or not."""
    return (directory / MANIFEST).is_file()


def is_intact(directory: Path) -> bool:
    """Whether every file on the manifest is there with its size; False without a manifest."""
    try:
        files = _read_manifest(directory)
        return all((directory / name).stat().st_size == entry["bytes"] for name, entry in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def base_digest(directory: Path, models_dir: Path | None = None) -> str:
    """The sha256 identity of the weights in `directory`, 64 hex digits.

    It covers names and contents of the safetensors files. Our own directories have their digests
    on file. Others are hashed, once per path, sizes and times when `models_dir` can remember it.

    Raises:
        ModelError: there are no weights, or they are not those that were installed.
    """
    if has_manifest(directory):
        if not is_intact(directory):
            what = f"The weights in {directory} are not those that were installed."
            raise ModelError(what, do="Run `continual-code models pull` again to replace them.")
        return _identity({name: entry["sha256"] for name, entry in _read_manifest(directory).items()})
    if not _weights(directory):
        raise ModelError(f"{directory} has no safetensors weights.")
    return _remembered(directory, models_dir / ".digests") if models_dir else _hashed(directory)


def journal_key(model: str, digest: str) -> str:
    """Under which name the journal keeps what was taught to `model`, whose weights have this digest."""
    return f"{model}@{digest[:12]}"


def _read_manifest(directory: Path) -> dict[str, Any]:
    return json.loads((directory / MANIFEST).read_bytes())["files"]


def _identity(digests: dict[str, str]) -> str:
    weights = sorted((name, digest) for name, digest in digests.items() if name.endswith(".safetensors"))
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in weights).encode()).hexdigest()


def _remembered(directory: Path, memory: Path) -> str:
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in _weights(directory)]
    key = hashlib.sha256(repr((str(directory.resolve()), stamps)).encode()).hexdigest()
    note = private_dir(memory) / key
    if not note.is_file():
        write_synced(note, _hashed(directory).encode())
    return note.read_text()


def _hashed(directory: Path) -> str:
    return _identity({file.name: _sha256(file) for file in _weights(directory)})


def _weights(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.safetensors"))


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
