"""What every benchmark begins with: the installed model as the program loads it, and its memory at the end."""

from __future__ import annotations

import resource
import sys

import torch

from continual_code.model.base import Base, load_base
from continual_code.model.device import multiplies_bfloat16
from continual_code.model.manifest import base_digest
from continual_code.model.provision import require_installed
from continual_code.settings import Settings


def load_installed(settings: Settings) -> Base:
    """The base of the settings' model; ModelError when it is not installed."""
    directory = require_installed(settings.model, settings.models_dir)
    digest = base_digest(directory, settings.models_dir)
    return load_base(
        settings.model, directory, digest, device=settings.device, precision=settings.precision,
        cache=settings.cache_dir,
    )  # fmt: skip


def peer_dtype() -> torch.dtype:
    """In what others' code computes fastest here: bfloat16 where that is multiplied natively."""
    return torch.bfloat16 if torch.cuda.is_available() or multiplies_bfloat16() else torch.float32


def peak_bytes() -> int:
    """The most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
