"""One frozen Settings model, and where each value came from.

Order: flag, environment (`CONTINUAL_CODE_...`, nested with `__`), project file, user file, default.
The project's file comes with the repository and is not trusted: this module never looks for it, and whoever hands
its values in has asked the person (`trust`).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from continual_code.errors import UsageError

PREFIX = "CONTINUAL_CODE_"
DEFAULT_MODEL = "qwen2.5-coder-1.5b"
Source = tuple[str, Mapping[str, Any]]  # what a source is called, and its values, nested like the model


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GenerationSettings(_Frozen):
    """How a proposal is sampled. Temperature 0 is greedy."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int = 0
    draft_tokens: int = Field(default=15, ge=0, le=64, description="copied ahead by prompt lookup; 0 turns it off")


class ContextSettings(_Frozen):
    """What goes into a prompt. Lengths are tokens unless named otherwise."""

    prompt_tokens: int = Field(default=3072, ge=256, description="budget for the whole prompt")
    whole_file_lines: int = Field(default=150, ge=1, description="above this a proposal rewrites one symbol")
    map_tokens: int = Field(default=0, ge=0, description="for a map of what other files define; 0 leaves it out")


class AdapterSettings(_Frozen):
    """The LoRA that learns. Applied to all linear layers but the output head."""

    rank: int = Field(default=16, ge=1, le=256)
    alpha: int = Field(default=32, ge=1)
    deaf_to: int = Field(
        default=16, ge=0, le=256, description="directions that all text shares and a new adapter does not read"
    )


class LearningSettings(_Frozen):
    """One self-distillation step (README, "How it learns")."""

    target: Literal["shifted_student", "base_teacher"] = "shifted_student"
    divergence: Literal["reverse_kl", "forward_kl", "jsd"] = "forward_kl"
    gradient: Literal["rollout", "full"] = "rollout"
    learning_rate: float = Field(default=6.5e-4, ge=0)
    decay: float = Field(
        default=0.5, ge=0, le=1, description="the t-th update has the rate divided by t to this power; 0: all have it"
    )
    demonstration: bool = Field(default=True, description="the teacher is also shown a corrected answer")
    learn_on: Literal["both", "rollout", "demonstration"] = Field(
        default="both", description="whose tokens are learned on: the rejected answer's, the corrected one's"
    )
    max_updates: int = Field(default=6, ge=1, le=64)
    sure: float = Field(
        default=0.9, gt=0, le=1, description="stop once the corrected answer's new tokens are at least so probable"
    )
    stop_at: float = Field(default=0.05, ge=0, le=1, description="stop when this share of the first loss is left")
    departures_only: bool = Field(default=True, description="teach only what the correction changes")
    anchors: int = Field(
        default=2,
        ge=0,
        description="edits of other files: left as they are, unless one who saw the lesson would follow it there, too",
    )
    canary_floor: float = Field(
        default=0.5, ge=0, le=1, description="no opening of a small program may become less probable; 0: none is held"
    )
    rehearse: int = Field(default=16, ge=0, description="how many earlier lessons, the newest, must hold")
    held: float = Field(
        default=0.8, ge=0, le=1, description="what should stay is rehearsed once one of its tokens is less probable"
    )
    rehearsal_weight: float = Field(default=0.25, ge=0, description="of one fading lesson beside the new one")
    drift_budget: float = Field(
        default=0.05, ge=0, description="the most that one lesson may add to the drift, nats per token"
    )
    reask: bool = Field(default=True, description="a candidate must pass the gate before it serves")
    beta: float = Field(default=1.0, ge=0)
    shift_clip: float = Field(default=20.0, gt=0, description="largest shift of one log-probability, nats")
    max_grad_norm: float = Field(default=1.0, gt=0)
    gap_floor: float = Field(default=0.03, ge=0, description="below this the comment changes nothing, nats per token")
    support_floor: float = Field(
        default=1.0, description="below this a comment does not account for the model's own correction, nats in all"
    )
    work_floor: float = Field(
        default=0.4, description="below these log odds, by the model's own judgement, a remark is small talk"
    )
    memory_floor: float = Field(
        default=1.15,
        description="below these log odds a remark that cannot be learned is not kept in the prompt",
    )
    memory: bool = Field(default=True, description="keep in the prompt what is about the code and cannot be learned")
    idle_seconds: float = Field(
        default=60.0, ge=0, description="so long nothing must be wanted before earlier lessons are looked at again"
    )
    idle_budget: float = Field(default=300.0, ge=0, description="seconds of that in one go; 0 turns it off")
    consolidate: bool = Field(default=False, description="then also study lessons again that have faded")


class SuiteSettings(_Frozen):
    """What follows an edit. A command that nobody configured is the repository's, and waits for the person."""

    command: str = Field(default="", description="runs the tests; empty: what the repository's files suggest")
    run: Literal["ask", "always", "never"] = Field(
        default="ask", description="true is always, false is never; a detected command is asked about once even then"
    )
    timeout_seconds: float = Field(default=300.0, gt=0, le=86_400, description="also of commands typed after `!`")

    @field_validator("run", mode="before")
    @classmethod
    def _as_word(cls, value: object) -> object:
        word = str(value).lower() if isinstance(value, bool | str) else value
        return {"true": "always", "false": "never"}.get(word, word) if isinstance(word, str) else word


class CommitSettings(_Frozen):
    """Commits of accepted edits. None is made before the person has seen its message and said so."""

    offer: bool = Field(default=False, description="open the message of a commit after every accepted edit")


class ScreenSettings(_Frozen):
    """How the screen behaves."""

    notify: bool = Field(
        default=True, description="ring the terminal's bell when something comes while another window has the focus"
    )


class Settings(_Frozen):
    """Everything a person can set; see `continual-code config`."""

    home: Path
    model: str = DEFAULT_MODEL
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "bfloat16", "float32", "mixed", "int8"] = "auto"
    generation: GenerationSettings = GenerationSettings()
    context: ContextSettings = ContextSettings()
    adapter: AdapterSettings = AdapterSettings()
    learning: LearningSettings = LearningSettings()
    tests: SuiteSettings = SuiteSettings()
    commits: CommitSettings = CommitSettings()
    screen: ScreenSettings = ScreenSettings()

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    @property
    def cache_dir(self) -> Path:
        """What can be made again: int8 copies of installed weights. Beside the models, for homes that share them."""
        return self.models_dir / ".int8"

    @property
    def symbols_file(self) -> Path:
        """What the files of repositories define; can be made again."""
        return self.home / "symbols.db"

    @property
    def state_dir(self) -> Path:
        """Journal, revisions, pre-images and locks; one writer at a time."""
        return self.home / "state"


def default_home(env: Mapping[str, str]) -> Path:
    """`CONTINUAL_CODE_HOME`, else the platform's data directory."""
    chosen = env.get(f"{PREFIX}HOME")
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_data_dir("continual-code"))


def load_settings(
    flags: Mapping[str, Any] | None = None,
    env: Mapping[str, str] = os.environ,
    user_file: Path | None = None,
    project: Source | None = None,
) -> tuple[Settings, dict[str, str]]:
    """Merge all sources and say where each value came from.

    Args:
        flags: values given on the command line, nested like the model; None values are ignored.
        user_file: TOML file; the default is `config.toml` in the home directory.
        project: what a trusted project file sets (see `project_values`).

    Returns:
        The settings, and a map from dotted name to "flag", "environment", the file's path
        or "default".

    Raises:
        UsageError: a source holds an unknown name or a value out of range.
    """
    home = default_home(env)
    path = user_file or home / "config.toml"
    sources: list[Source] = [
        (str(path), _read_toml(path)),
        *([project] if project else []),
        ("environment", _from_environment(env)),
        ("flag", {key: value for key, value in (flags or {}).items() if value is not None}),
    ]
    merged: dict[str, Any] = {"home": home}
    origin: dict[str, str] = {}
    for name, values in sources:
        _merge(merged, values, origin, name)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"Setting {where}: {first['msg']} (from {origin.get(where, 'unknown source')}).") from None
    return settings, {key: origin.get(key, "default") for key in dotted(settings)}


def project_values(text: str, name: str) -> dict[str, Any]:
    """What the project file called `name` sets, checked but without any effect yet.

    Raises:
        UsageError: it is not TOML, or holds an unknown name, a value out of range, or the place of all state.
    """
    try:
        values = tomllib.loads(text)
        load_settings(env={}, user_file=Path(os.devnull), project=(name, values))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} cannot be read: {error}.", do="Correct or remove it.") from None
    if "home" in values:
        raise UsageError(f"Setting home: a project cannot choose where your state is kept (from {name}).")
    return values


def dotted(settings: BaseModel | Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings, or the values of a source, as a flat map from dotted name to value, for display."""
    flat: dict[str, Any] = {}
    for key in settings if isinstance(settings, Mapping) else type(settings).model_fields:
        value = settings[key] if isinstance(settings, Mapping) else getattr(settings, key)
        nested = isinstance(value, BaseModel | Mapping)
        flat.update(dotted(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value})
    return flat


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", do="Correct or remove it.") from None


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = Settings.model_fields
    for key, value in env.items():
        parts = key.removeprefix(PREFIX).lower().split("__")
        if not key.startswith(PREFIX) or parts == ["home"] or parts[0] not in known:
            continue
        inner = values
        for part in parts[:-1]:
            inner = inner.setdefault(part, {})
        inner[parts[-1]] = value
    return values


def _merge(
    target: dict[str, Any], values: Mapping[str, Any], origin: dict[str, str], name: str, prefix: str = ""
) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping):
            _merge(target.setdefault(key, {}), value, origin, name, f"{prefix}{key}.")
        else:
            target[key] = value
            origin[f"{prefix}{key}"] = name
