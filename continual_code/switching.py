"""Going on with another model: the program starts anew with it and continues the same session.

A fresh process, because two models rarely fit into memory at once. What was learned stays with the model that
learned it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

from continual_code.errors import UsageError
from continual_code.model.catalog import CATALOG
from continual_code.model.provision import installed, require_known
from continual_code.port import ModelChoice, Switch
from continual_code.settings import Settings


def model_choices(settings: Settings) -> list[ModelChoice]:
    """The model that serves, and then all that have a name of their own: no key pressed too early fetches one."""
    known = [ModelChoice(card.id, card.title, _state(card.id, settings), card.hardware) for card in CATALOG]
    if settings.model not in {choice.id for choice in known}:
        known.insert(0, ModelChoice(settings.model, "a model of your own", _state(settings.model, settings), ""))
    return sorted(known, key=lambda choice: choice.id != settings.model)


def planned_switch(settings: Settings, model: str, session: str | None) -> Switch:
    """What to start anew with.

    Raises:
        ModelError: no model is called that.
        UsageError: it serves already.
    """
    require_known(model)
    if model == settings.model:
        raise UsageError(f"{model} is the model that serves.", kept="The session goes on.")
    return Switch(model, session)


def start_anew(root: Path, switch: Switch) -> NoReturn:
    """Replace this process."""
    resume = ["--resume", switch.session] if switch.session else []
    program = [sys.executable, "-P", "-m", "continual_code.cli"]
    os.execv(program[0], [*program, f"--model={switch.model}", f"--repo={root}", *resume])


def _state(model: str, settings: Settings) -> str:
    if model == settings.model:
        return "serves"
    return "installed" if installed(model, settings.models_dir) else "not installed, would be fetched"
