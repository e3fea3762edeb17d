"""An adapter as a directory that plain PEFT loads.

Invariant: the directory appears whole or not at all, and nothing is overwritten but an
earlier export that nobody has changed since.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as format_tensors

from continual_code.disk import publish_dir, scratch_dir, write_synced
from continual_code.errors import UsageError

TENSORS, CONFIG, CARD, SUMS = "adapter_model.safetensors", "adapter_config.json", "README.md", "SHA256SUMS"
_SUMMED = (TENSORS, CONFIG, CARD)


def export_peft(
    directory: Path, *, tensors: Mapping[str, torch.Tensor], lora: Mapping[str, Any], base_model: str, card: str
) -> Path:
    """Write `adapter_model.safetensors`, `adapter_config.json`, `README.md` and `SHA256SUMS`.

    Args:
        tensors: named as in PEFT: `base_model.model.<module>.lora_A.weight` [rank, in], `lora_B` [out, rank].
        lora: `r`, `lora_alpha` and `target_modules`, in PEFT's sense.
        base_model: what `AutoModelForCausalLM.from_pretrained` takes.

    Returns:
        The directory, absolute.

    Raises:
        UsageError: the directory holds something else than an unchanged earlier export. Nothing was changed.
    """
    directory = directory.absolute()
    _refuse_foreign(directory)
    files = {
        TENSORS: format_tensors(
            {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()},
            {"format": "pt"},
        ),
        CONFIG: json.dumps(peft_config(lora, base_model), indent=2).encode() + b"\n",
        CARD: card.encode("utf-8", "replace"),
    }
    files[SUMS] = "".join(f"{_sha256(files[name])}  {name}\n" for name in _SUMMED).encode()
    with scratch_dir(directory.parent, ".export-") as scratch:
        (new := scratch / "new").mkdir(mode=0o700)
        for name, data in files.items():
            write_synced(new / name, data)
        _replace(new, directory, scratch / "old")
    return directory


def peft_config(lora: Mapping[str, Any], base_model: str) -> dict[str, Any]:
    """The content of `adapter_config.json`."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base_model,
        "r": lora["r"],
        "lora_alpha": lora["lora_alpha"],
        "target_modules": sorted(lora["target_modules"]),
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }


def verify_export(directory: Path) -> str | None:
    """None when the directory holds exactly an export with the right sums, else the reason why not."""
    try:
        names = {entry.name for entry in os.scandir(directory) if entry.is_file(follow_symlinks=False)}
        if len(os.listdir(directory)) != len(names) or names != {*_SUMMED, SUMS}:
            return "its files are not those of an export"
        sums = dict(re.findall(r"^([0-9a-f]{64})  (.+)$", (directory / SUMS).read_text("ascii"), re.MULTILINE))
        changed = [name for name in _SUMMED if sums.get(_sha256((directory / name).read_bytes())) != name]
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})"
    return f"{changed[0]} was changed" if changed else None


def _refuse_foreign(directory: Path) -> None:
    if not os.path.lexists(directory):
        return
    if directory.is_dir() and not directory.is_symlink() and not any(directory.iterdir()):
        return
    why = "it is a symbolic link" if directory.is_symlink() else verify_export(directory)
    if why is not None:
        raise UsageError(
            f"{directory} is in the way: {why}.", kept="Nothing was changed.", do="Choose another directory."
        )


def _replace(new: Path, directory: Path, old: Path) -> None:
    existed = directory.exists()
    if existed:
        os.rename(directory, old)
    try:
        publish_dir(new, directory)
    except BaseException:
        if existed and not directory.exists():
            os.rename(old, directory)
        raise


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
