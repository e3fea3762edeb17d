"""The frozen base: weights, tokenizer and where they are.

Invariant: no base parameter ever requires a gradient or is written to after loading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel
from transformers.utils import logging as transformers_logging

from continual_code.errors import ModelError
from continual_code.model.attention import use_long_prompts
from continual_code.model.chat import Chat
from continual_code.model.device import Placement, choose
from continual_code.model.int8 import make_int8
from continual_code.model.int8_file import load_int8, save_int8
from continual_code.model.mixed import make_mixed


@dataclass(frozen=True)
class Base:
    """A loaded model. `digest` is the sha256 identity of its weights; adapters name it as their base."""

    name: str
    directory: Path
    digest: str
    module: PreTrainedModel
    chat: Chat
    placement: Placement


def load_base(
    name: str,
    directory: Path,
    digest: str,
    *,
    device: str = "auto",
    precision: str = "auto",
    cache: Path | None = None,
    progress: Callable[[str, float | None], None] = lambda stage, fraction: None,
) -> Base:
    """Load weights from a local directory; nothing is fetched and no remote code runs.

    Args:
        cache: a directory that keeps int8 weights from one start to the next.

    Raises:
        ModelError: the directory is not a causal language model with a chat template.
    """
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    placement = choose(device, precision)
    progress(f"loading {name}", None)
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        module = _module(directory, placement, cache / f"{digest}.int8.safetensors" if cache else None)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{directory} cannot be loaded as a language model: {first_line}",
            do="Remove the directory and run `continual-code models pull` again.",
        ) from error
    if placement.device == "cpu" and placement.precision != "bfloat16":
        use_long_prompts(module)
    return Base(name, directory, digest, module, Chat(tokenizer, _stop_ids(module, tokenizer)), placement)


def _module(directory: Path, placement: Placement, int8_file: Path | None) -> PreTrainedModel:
    """The frozen weights in the placement's precision."""
    is_int8 = placement.precision == "int8"
    if is_int8 and int8_file and (ready := load_int8(directory, int8_file)):
        return ready
    module = AutoModelForCausalLM.from_pretrained(
        directory, dtype=placement.storage, local_files_only=True, use_safetensors=True
    )
    module.to(torch.device(placement.device)).eval().requires_grad_(False)  # type: ignore[arg-type]
    if placement.precision == "mixed":
        make_mixed(module)
    elif is_int8:
        make_int8(module)
        if int8_file:
            save_int8(module, int8_file)
    return module


def _stop_ids(module: PreTrainedModel, tokenizer: Any) -> frozenset[int]:
    config = module.generation_config or GenerationConfig()
    ids = config.eos_token_id if config.eos_token_id is not None else tokenizer.eos_token_id
    listed = ids if isinstance(ids, list) else [ids]
    return frozenset(int(token) for token in [*listed, tokenizer.eos_token_id] if token is not None)
