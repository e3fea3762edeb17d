"""What a stored revision says about itself.

Invariant: a manifest carries a digest over all its other fields, so a changed byte that
changes its meaning is noticed even where the journal is lost.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(_Frozen):
    """Size in bytes and digest of one file of the revision."""

    sha256: str = Sha256
    size: int = Field(ge=0)


class TensorEntry(_Frozen):
    """`dtype` is torch's name without the prefix: "float32"."""

    shape: tuple[int, ...]
    dtype: str


class Manifest(_Frozen):
    """The content of `manifest.json`. `base_digest` names the weights that the adapter belongs to."""

    version: Literal[1] = 1
    number: int = Field(ge=1)
    parent: int = Field(ge=0)
    lesson_ids: tuple[str, ...]
    base_digest: str
    lora: dict[str, Any]
    created: str
    files: dict[str, FileEntry]
    tensors: dict[str, TensorEntry]
    digest: str = ""

    def sealed(self) -> Manifest:
        """The same manifest with its digest filled in."""
        return self.model_copy(update={"digest": self._digest()})

    @property
    def intact(self) -> bool:
        return self.digest == self._digest()

    def to_bytes(self) -> bytes:
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True).encode("ascii")

    def _digest(self) -> str:
        content = self.model_dump(mode="json", exclude={"digest"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()
