"""The command about settings: what they are, where they come from, and whether the project's own file counts."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from continual_code.errors import UsageError
from continual_code.output import say, show
from continual_code.screen import root_of
from continual_code.settings import dotted, load_settings
from continual_code.trust import FILE, TrustStore, read_project_file, settled, shown


def config(arguments: Namespace) -> int:
    """Show every setting and where it comes from; or trust the project's file, or do so no more."""
    if arguments.action != "show":
        return _trust(arguments) if arguments.action == "trust" else _distrust(arguments)
    settings, origin = settled({"model": arguments.model}, root_of(arguments), say)
    values = dotted(settings)
    data = {key: {"value": str(value), "origin": origin[key]} for key, value in values.items()}
    return show(arguments, data, "\n".join(f"{key} = {value}  ({origin[key]})" for key, value in values.items()))


def _trust(arguments: Namespace) -> int:
    root = root_of(arguments)
    file = read_project_file(root)
    if file is None:
        raise UsageError(f"There is no {FILE} in {root}.", kept="Nothing was trusted.")
    lines = shown(file.values())
    TrustStore(_state_dir(arguments)).add(file)
    text = "\n".join([*lines, f"{file.path} counts from now on, until its content changes."])
    return show(arguments, {"path": file.path, "sha256": file.sha256, "trusted": True}, text)


def _distrust(arguments: Namespace) -> int:
    path = str(root_of(arguments).resolve() / FILE)
    TrustStore(_state_dir(arguments)).remove(path)
    return show(arguments, {"path": path, "trusted": False}, f"{path} is ignored from now on.")


def _state_dir(arguments: Namespace) -> Path:
    return load_settings({"model": arguments.model})[0].state_dir
