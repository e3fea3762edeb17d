"""Adapters from outside, checked before any of them reaches a parser that trusts its input.

Invariant: nothing is unpickled, unpacked, followed or executed, and no more memory is used
than an adapter of the expected shapes needs.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors

from continual_code.adapters.export import CARD, CONFIG, SUMS, TENSORS, verify_export
from continual_code.errors import ImportRefused

MAX_TEXT, MAX_HEADER = 1 << 20, 4 << 20
_DTYPES = ("F32", "F16", "BF16")

# Settings that change nothing here. Any other one must be off: None, False, 0, "" or empty.
_HARMLESS = {
    "peft_type", "task_type", "base_model_name_or_path", "r", "lora_alpha", "target_modules", "bias", "inference_mode",
    "lora_dropout", "peft_version", "megatron_core", "qalora_group_size",
}  # fmt: skip


def read_peft(
    directory: Path, *, base_model: str, lora: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]
) -> dict[str, torch.Tensor]:
    """The tensors of an exported adapter, float32 on the CPU.

    Args:
        base_model: what the adapter must name as its base.
        lora: `r` and `lora_alpha` that it must have.
        shapes: the name and shape of every tensor that it must hold, no more and no fewer.

    Raises:
        ImportRefused: it fails a check; the message says which.
    """
    files = _listing(directory)
    _check_config(_read(directory, CONFIG, MAX_TEXT), base_model, lora)
    room = 8 + MAX_HEADER + sum(4 * math.prod(shape) for shape in shapes.values())
    data = _read(directory, TENSORS, room)
    _check_header(data, shapes)
    if SUMS in files and (reason := verify_export(directory)):
        raise _refused(reason)
    try:
        tensors = {name: tensor.float() for name, tensor in parse_tensors(data).items()}
    except (SafetensorError, ValueError) as error:
        raise _refused(f"{TENSORS} cannot be parsed ({error})") from None
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise _refused(f"{name} holds NaN or infinity")
    return tensors


def _listing(directory: Path) -> set[str]:
    allowed, found = {TENSORS, CONFIG, CARD, SUMS}, set()
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name not in allowed or not entry.is_file(follow_symlinks=False):
                    raise _refused(f"it holds {entry.name!r}; only the regular files {sorted(allowed)} are read")
                found.add(entry.name)
    except OSError as error:
        raise _refused(f"it is not a directory that can be read ({error.strerror})") from None
    return found


def _read(directory: Path, name: str, limit: int) -> bytes:
    try:
        descriptor = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _refused(f"{name} cannot be read ({error.strerror})") from None
    with os.fdopen(descriptor, "rb") as stream:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > limit:
            raise _refused(f"{name} is not a regular file of at most {limit:,} bytes")
        return stream.read(limit)


def _check_config(data: bytes, base_model: str, lora: Mapping[str, Any]) -> None:
    config = _json_object(data, CONFIG)
    expected = {
        "peft_type": "LORA", "base_model_name_or_path": base_model, "bias": "none",
        "r": lora["r"], "lora_alpha": lora["lora_alpha"],
    }  # fmt: skip
    for key, value in expected.items():
        if config.get(key) != value:
            raise _refused(f"its {key} is {_shown(config.get(key))}, not {value!r}")
    for key, value in config.items():
        # Named initialisations ("pissa", "olora") change the base weights when PEFT loads them.
        plain_start = key == "init_lora_weights" and value is True
        if value and key not in _HARMLESS and not plain_start:
            raise _refused(f"it sets {_shown(key)}, which is not supported")


def _check_header(data: bytes, shapes: Mapping[str, Sequence[int]]) -> None:
    """Bound what the parser will allocate: exactly the expected tensors, in a header of modest size."""
    length = int.from_bytes(data[:8], "little")
    if not 2 <= length <= min(MAX_HEADER, len(data) - 8):
        raise _refused(f"{TENSORS} announces a header of {length:,} bytes")
    header = _json_object(data[8 : 8 + length], f"the header of {TENSORS}")
    header.pop("__metadata__", None)
    if header.keys() != shapes.keys():
        name = next(iter(header.keys() ^ shapes.keys()))
        raise _refused(f"its tensors are not those of this model (for instance {_shown(name)})")
    for name, entry in header.items():
        if not isinstance(entry, dict) or entry.get("shape") != list(shapes[name]) or entry.get("dtype") not in _DTYPES:
            raise _refused(f"{name} has another shape or type than this model needs")


def _json_object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise _refused(f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise _refused(f"{what} is not a JSON object")
    return value


def _shown(value: object) -> str:
    return repr(value)[:80]


def _refused(why: str) -> ImportRefused:
    return ImportRefused(f"The adapter was refused: {why}.", kept="Nothing of it was loaded.")
