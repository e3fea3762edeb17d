"""A model's int8 weights on disk, so that they are quantised once and not at every start.

Invariant: the file is complete under its name or not there, and it is named after the
digest of the weights that it was made from.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import torch
from accelerate import init_empty_weights
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedModel
from transformers.initialization import no_init_weights

from continual_code.model.int8 import install
from continual_code.model.mixed import float_embeddings


def save_int8(module: PreTrainedModel, path: Path) -> None:
    """Keep a quantised model's tensors. A full or read-only disk only costs the next start its time."""
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, partial)
        partial.rename(path)
    except (OSError, SafetensorError):
        with suppress(OSError):
            partial.unlink()


def load_int8(directory: Path, path: Path) -> PreTrainedModel | None:
    """The quantised model, its configuration from `directory`; None when `path` cannot serve."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError):
        return None
    with init_empty_weights(include_buffers=False), no_init_weights():
        module = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(directory), dtype=torch.bfloat16)
    for name, child in module.named_modules():
        if type(child) is nn.Linear and f"{name}.scale" in tensors:
            install(child, tensors[f"{name}.weight"], tensors[f"{name}.scale"])
    float_embeddings(module)
    try:
        module.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError:  # written by another version, or for another architecture
        return None
    with suppress(OSError):
        module.generation_config = GenerationConfig.from_pretrained(directory)
    return module.eval().requires_grad_(False)
