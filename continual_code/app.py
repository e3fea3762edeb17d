"""The one composition root: builds the parts and connects them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from continual_code.collector import at_rest
from continual_code.desk import Desk
from continual_code.disk import private_dir
from continual_code.errors import keep_tracebacks
from continual_code.feedback.journal import Journal
from continual_code.logbook import Logbook
from continual_code.model.manifest import base_digest
from continual_code.model.provision import provision, require_installed, require_known
from continual_code.runs import LiveRuns
from continual_code.session import LiveSession
from continual_code.settings import Settings

if TYPE_CHECKING:  # torch costs seconds; it is imported on the serving thread
    from continual_code.engine import Engine
    from continual_code.learning.lineage import Lineage


@dataclass(frozen=True)
class Work:
    """What a session works on; `load` builds the engine, on the serving thread, `runs` what runs commands."""

    settings: Settings
    desk: Desk
    log: Logbook
    load: Callable[[LiveSession], Engine]
    runs: Callable[[LiveSession], LiveRuns]


def open_desk(settings: Settings, root: Path) -> Desk:
    """Journal and workspace, without a model."""
    keep_tracebacks(private_dir(settings.home) / "errors.log")
    journal = Journal(private_dir(settings.state_dir) / "journal.db")
    return Desk(root, settings.state_dir, journal)


def open_work(settings: Settings, root: Path, resume: str | None = None) -> Work:
    """The desk, and how to load the engine that works at it; for `resume` see `Logbook`.

    Raises:
        ContinualCodeError: no model is called that, or the root, the state or the session cannot be used.
    """
    require_known(settings.model)
    desk = open_desk(settings, root)
    log = Logbook(desk.journal.sessions, desk.key, resume)
    return Work(
        settings, desk, log, partial(load_engine, settings, desk),
        lambda session: LiveRuns(desk, settings.tests, session.emit, session.ask),
    )  # fmt: skip


def open_session(settings: Settings, root: Path, *, retries: bool = True, resume: str | None = None) -> LiveSession:
    """The whole engine; nothing is loaded until `start`."""
    work = open_work(settings, root, resume)
    return LiveSession(root, lambda: work, retries=retries)


def open_lineage(settings: Settings, journal: Journal) -> Lineage:
    """The revisions of the chosen model, without loading it.

    Raises:
        ModelError: the model is not installed.
    """
    from continual_code.learning.lineage import Lineage

    directory = require_installed(settings.model, settings.models_dir)
    digest = base_digest(directory, settings.models_dir)
    return Lineage(journal, settings.state_dir, settings.model, digest, str(directory))


def load_engine(settings: Settings, desk: Desk, session: LiveSession) -> Engine:
    """Fetch what is missing, load the model and build everything that needs it."""
    directory = provision(settings.model, settings.models_dir, session.progress)
    session.progress(f"loading {settings.model}", None)
    with at_rest():
        from continual_code.engine import build_engine

        lineage = open_lineage(settings, desk.journal)
        try:
            if lineage.lock.try_acquire() and (trouble := lineage.recover()):
                session.warn(trouble)
            return build_engine(settings, desk, session, directory, lineage)
        except BaseException:
            lineage.lock.release()
            raise
