"""Stand-ins for the hub and the conversion, and a directory that looks like a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from continual_code.model.catalog import Progress, Unavailable


def quiet(stage: str, fraction: float | None) -> None:
    pass


def write_model(directory: Path, weights: bytes = b"weights", template: bool = True) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text("{}")
    (directory / "tokenizer.json").write_text("{}")
    (directory / "model.safetensors").write_bytes(weights)
    if template:
        (directory / "chat_template.jinja").write_text("{{ messages }}")
    return directory


def no_hub(repo: str, into: Path, progress: Progress, reserve: Callable[[int], None]) -> str:
    raise Unavailable("The model hub cannot be reached.")


def hub_with(weights: bytes, template: bool = True) -> Callable[..., str]:
    def fetch(repo: str, into: Path, progress: Progress, reserve: Callable[[int], None]) -> str:
        reserve(len(weights))
        write_model(into, weights, template)
        return "c0ffee"

    return fetch


def convert(gguf: Path, out: Path, progress: Progress, *, tied: bool) -> None:
    write_model(out, b"converted " + gguf.read_bytes())
