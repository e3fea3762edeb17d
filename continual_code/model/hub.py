"""Weights from the model hub: look, fetch with resume, check.

Invariant: only safetensors, tokenizer and configuration files of the repository's root are
fetched, never pickles or code, and each weights file has the sha256 that the hub states for it.
"""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import os
import queue
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from continual_code.errors import ModelError
from continual_code.model.catalog import Progress, Unavailable

ALLOW = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.tiktoken", "tokenizer.model")
IGNORE = ("*/*", "consolidated*")  # subdirectories and second copies of the weights
PROBE_SECONDS = 3.0
LOOK_SECONDS = 10.0
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
KEPT = "What was fetched is kept; the next try goes on from there."


@dataclass(frozen=True, slots=True)
class _Listing:
    """What the hub says about a repository: the commit, and size and sha256 (large files only) by name."""

    commit: str
    files: dict[str, tuple[int, str | None]]

    @property
    def size(self) -> int:
        return sum(size for size, _ in self.files.values())


def fetch(repo: str, into: Path, progress: Progress, reserve: Callable[[int], None]) -> str:
    """Fetch the newest commit of `repo` ("org/name") into the directory `into` and return its sha.

    Args:
        reserve: called with the number of bytes still to come before they are fetched; it raises
            when there is no room for them.

    Raises:
        Unavailable: the hub is switched off or cannot be reached, has no such repository for this
            person, or cut the download. What was fetched is kept for the next try.
        ModelError: the repository holds no safetensors, or a file is not what the hub promised.
    """
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    progress("looking for the model hub", None)
    _require_reachable(endpoint)
    listing = _look(endpoint, repo)
    reserve(listing.size - sum(file.stat().st_size for file in into.rglob("*") if file.is_file()))
    _download(endpoint, repo, listing, into, progress)
    progress("checking the download", None)
    _check(listing, into)
    shutil.rmtree(into / ".cache", ignore_errors=True)
    return listing.commit


def _require_reachable(endpoint: str) -> None:
    """Decide within seconds, also where looking up the name alone would hang."""
    if any(os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE") for name in OFFLINE):
        raise Unavailable("The model hub is switched off (HF_HUB_OFFLINE).", do="Unset it, or name a local directory.")
    answer: queue.SimpleQueue[bool] = queue.SimpleQueue()
    threading.Thread(target=lambda: answer.put(_answers(endpoint)), daemon=True).start()
    try:
        reached = answer.get(timeout=PROBE_SECONDS)
    except queue.Empty:
        reached = False
    if not reached:
        what = f"The model hub {urlsplit(endpoint).hostname} cannot be reached."
        raise Unavailable(what, do="Check the network, or name a local directory.")


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=PROBE_SECONDS).close()
    except urllib.error.HTTPError:
        return True  # an answer all the same
    except (OSError, ValueError):
        return False
    return True


def _look(endpoint: str, repo: str) -> _Listing:
    from huggingface_hub import HfApi

    try:
        info = HfApi(endpoint=endpoint).model_info(repo, files_metadata=True, timeout=LOOK_SECONDS)
    except Exception as error:  # httpx, OSError, ValueError: the library's failures have no common base
        raise Unavailable(
            f"The model hub does not hand out {repo} ({type(error).__name__}).",
            do="Check the name; private and gated models need HF_TOKEN.",
        ) from error
    files = {
        file.rfilename: (file.size or 0, file.lfs.sha256 if file.lfs else None)
        for file in info.siblings or ()
        if _wanted(file.rfilename)
    }
    if info.sha is None or not any(name.endswith(".safetensors") for name in files):
        raise ModelError(f"{repo} holds no safetensors weights.", do="Choose one that does; pickles are not loaded.")
    return _Listing(info.sha, files)


def _wanted(name: str) -> bool:
    return _matches(name, ALLOW) and not _matches(name, IGNORE)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _download(endpoint: str, repo: str, listing: _Listing, into: Path, progress: Progress) -> None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()
    try:
        snapshot_download(
            repo,
            revision=listing.commit,
            endpoint=endpoint,
            local_dir=into,
            allow_patterns=list(ALLOW),
            ignore_patterns=list(IGNORE),
            tqdm_class=_bar(progress, listing.size),
        )
    except Exception as error:  # as above, and RuntimeError where the transfer library gives up
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        what = f"The download of {repo} was cut ({type(error).__name__})."
        raise Unavailable(what, kept=KEPT, do="Run the same command again.") from error


def _bar(progress: Progress, size: int) -> Any:
    """A class that the hub library takes for tqdm; it paints nothing and reports bytes."""
    from tqdm import tqdm

    class Bar(tqdm):
        # tqdm's own lock starts a helper process, which fails where the screen owns stderr.
        _lock = threading.RLock()
        most = 0

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.counts_bytes = kwargs.get("unit") == "B"
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            if self.counts_bytes and self.n > Bar.most:
                Bar.most = self.n
                progress("downloading from the model hub", min(1.0, self.n / max(size, 1)))

    return Bar


def _check(listing: _Listing, into: Path) -> None:
    """Every promised file and no other, each as promised."""
    for stray in [file for file in into.iterdir() if file.is_file() and file.name not in listing.files]:
        stray.unlink()
    for name, (size, sha256) in listing.files.items():
        file = into / name
        if not file.is_file() or file.stat().st_size != size:
            raise Unavailable(f"The download of {name} was cut.", kept=KEPT, do="Run the same command again.")
        if sha256 and _sha256(file) != sha256:
            file.unlink()
            what = f"{name} is not the file that the model hub promised: its sha256 differs."
            raise ModelError(what, kept="It was deleted and nothing was installed.", do="Run the same command again.")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
