"""What is installed, which device, which model, is the state sound."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
from dataclasses import dataclass

from continual_code.errors import ContinualCodeError
from continual_code.feedback.journal import Journal
from continual_code.learning.lineage import Lineage
from continual_code.model.device import choose
from continual_code.model.manifest import base_digest, is_intact
from continual_code.model.provision import installed
from continual_code.settings import Settings

PACKAGES = ("torch", "transformers", "peft", "textual", "gitpython", "pydantic")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    sound: bool
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; nothing is changed."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    free = shutil.disk_usage(settings.home if settings.home.exists() else settings.home.anchor).free
    findings = [
        Finding("program", True, f"Python {platform.python_version()}, {versions}"),
        Finding("device", True, str(choose(settings.device, settings.precision))),
        Finding(
            "git", shutil.which("git") is not None, shutil.which("git") or "not found; files are listed without it"
        ),
        Finding("home", free > 1 << 30, f"{settings.home}, {free / 1e9:.1f} GB free"),
    ]
    return [*findings, *_model(settings)]


def _model(settings: Settings) -> list[Finding]:
    directory = installed(settings.model, settings.models_dir)
    if directory is None:
        pull = f"not installed; run `continual-code models pull {settings.model}`"
        return [Finding("model", False, f"{settings.model} is {pull}")]
    sound = is_intact(directory) or not directory.is_relative_to(settings.models_dir)
    model = Finding("model", sound, f"{settings.model} in {directory}" + ("" if sound else ", damaged: pull it again"))
    try:
        return [model, *_state(settings, base_digest(directory, settings.models_dir))]
    except ContinualCodeError as error:
        return [model, Finding("state", False, str(error))]


def _state(settings: Settings, digest: str) -> list[Finding]:
    path = settings.state_dir / "journal.db"
    if not path.exists():
        return [Finding("state", True, "no lessons yet")]
    lineage = Lineage(Journal(path), settings.state_dir, settings.model, digest)
    statuses = [lesson.status for lesson in lineage.lessons()]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses)) or "no lessons"
    trouble = lineage.store.verify(lineage.head, digest) if lineage.head else None
    return [
        Finding("journal", True, f"{path}: {counts}"),
        Finding("adapter", trouble is None, trouble or f"revision {lineage.head} verifies"),
    ]
