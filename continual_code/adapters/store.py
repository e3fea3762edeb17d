"""Immutable revisions on disk: one directory each, checked in full before use.

Invariant: a numbered directory is complete and never changes; nothing of it is parsed,
let alone served, before every byte has been checked against the manifest.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors

from continual_code.adapters.manifest import FileEntry, Manifest, TensorEntry
from continual_code.disk import private_dir, publish_dir, scratch_dir, sync_dir, write_synced
from continual_code.errors import StateError

TENSORS, MANIFEST = "adapter.safetensors", "manifest.json"
_SCRATCH = ".writing-"


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision that is durable but not yet published; `sha256` is the manifest's, `path` the directory's name."""

    number: int
    path: str
    sha256: str
    manifest: Manifest


class AdapterStore:
    """All revisions of one base model. Reading is safe beside a writer; only one may write at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = private_dir(directory)

    def write(
        self,
        *,
        number: int,
        parent: int | None,
        lesson_ids: tuple[str, ...],
        base_digest: str,
        lora: Mapping[str, Any],
        tensors: Mapping[str, torch.Tensor],
        created: str,
    ) -> StoredRevision:
        """Store a revision durably; it counts only once the journal has published it.

        Raises:
            StateError: a tensor holds NaN or infinity, or the number is taken. Nothing was stored.
        """
        own = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
        if broken := _non_finite(own):
            raise StateError(f"Revision {number} was not stored: {broken} holds NaN or infinity.", kept=_KEPT)
        data = format_tensors(own)
        manifest = Manifest(
            number=number,
            parent=parent or 0,
            lesson_ids=lesson_ids,
            base_digest=base_digest,
            lora=dict(lora),
            created=created,
            files={TENSORS: FileEntry(sha256=_sha256(data), size=len(data))},
            tensors=_entries(own),
        ).sealed()
        final = self._path(number)
        if final.exists():
            raise StateError(f"Revision {number} was not stored: {final} exists.", kept=_KEPT)
        with scratch_dir(self.directory, _SCRATCH) as scratch:
            write_synced(scratch / TENSORS, data)
            write_synced(scratch / MANIFEST, manifest.to_bytes())
            publish_dir(scratch, final)
        return StoredRevision(number, final.name, _sha256(manifest.to_bytes()), manifest)

    def load(self, number: int, *, base_digest: str) -> tuple[Manifest, dict[str, torch.Tensor]]:
        """The manifest and the tensors of a revision, on the CPU.

        Raises:
            StateError: any fault, and which.
        """
        manifest = self._manifest(number)
        if manifest.base_digest != base_digest:
            raise _unsound(number, "it belongs to another base model")
        data = self._read(number, TENSORS)
        entry = manifest.files.get(TENSORS)
        if entry is None or (len(data), _sha256(data)) != (entry.size, entry.sha256):
            raise _unsound(number, f"{TENSORS} is not what was written (sha256 differs)")
        try:
            tensors = parse_tensors(data)
        except (SafetensorError, ValueError) as error:
            raise _unsound(number, f"{TENSORS} cannot be parsed ({error})") from None
        if _entries(tensors) != manifest.tensors:
            raise _unsound(number, "names, shapes or types of its tensors are not those in the manifest")
        if broken := _non_finite(tensors):
            raise _unsound(number, f"{broken} holds NaN or infinity")
        return manifest, tensors

    def verify(self, number: int, base_digest: str) -> str | None:
        """None when the revision can serve, else the reason why not."""
        try:
            self.load(number, base_digest=base_digest)
        except StateError as error:
            return error.what
        return None

    def newest_sound(self, chain: Sequence[int], base_digest: str) -> int | None:
        """The first revision of `chain` (newest first) that can serve; None leaves only the base."""
        return next((number for number in chain if self.verify(number, base_digest) is None), None)

    def numbers(self) -> list[int]:
        """The revisions on disk, published or not, oldest first."""
        return sorted(int(item.name) for item in self.directory.iterdir() if re.fullmatch(r"\d{6,}", item.name))

    def sweep(self, known: Collection[int]) -> list[str]:
        """Remove what a killed writer left behind: half-written directories and unpublished revisions.

        Call it with the journal's revisions, while nobody writes. An empty `known` may mean that the
        journal was lost, so then complete revisions stay.

        Returns:
            The names of the removed directories.
        """
        orphans = [self._path(number).name for number in self.numbers() if known and number not in known]
        halves = [item.name for item in self.directory.iterdir() if item.name.startswith(_SCRATCH)]
        for name in (*halves, *orphans):
            shutil.rmtree(self.directory / name)
        sync_dir(self.directory)
        return sorted((*halves, *orphans))

    def _path(self, number: int) -> Path:
        return self.directory / f"{number:06d}"

    def _read(self, number: int, name: str) -> bytes:
        try:
            return (self._path(number) / name).read_bytes()
        except OSError as error:
            raise _unsound(number, f"{name} cannot be read ({error.strerror})") from None

    def _manifest(self, number: int) -> Manifest:
        try:
            manifest = Manifest.model_validate_json(self._read(number, MANIFEST))
        except ValidationError:
            raise _unsound(number, f"{MANIFEST} is not a manifest") from None
        if not manifest.intact or manifest.number != number:
            raise _unsound(number, f"{MANIFEST} is not what was written")
        return manifest


_KEPT = "The revision before it still serves."


def _unsound(number: int, why: str) -> StateError:
    return StateError(
        f"Revision {number} cannot be used: {why}.",
        kept="Nothing of it was loaded.",
        do="An earlier revision can serve; the lessons after it are learned again.",
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _entries(tensors: Mapping[str, torch.Tensor]) -> dict[str, TensorEntry]:
    return {
        name: TensorEntry(shape=tuple(tensor.shape), dtype=str(tensor.dtype).removeprefix("torch."))
        for name, tensor in tensors.items()
    }


def _non_finite(tensors: Mapping[str, torch.Tensor]) -> str | None:
    return next((name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()), None)
