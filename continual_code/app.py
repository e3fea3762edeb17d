"""The one composition root: builds the parts and connects them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from continual_code.desk import Desk
from continual_code.disk import private_dir
from continual_code.errors import ModelError
from continual_code.feedback.journal import Journal
from continual_code.feedback.rows import PendingLesson
from continual_code.model.manifest import base_digest
from continual_code.model.provision import installed, provision
from continual_code.session import Engine, LiveSession
from continual_code.settings import Settings

if TYPE_CHECKING:  # torch costs seconds; it is imported on the serving thread
    from continual_code.learning.lineage import Lineage


def open_desk(settings: Settings, root: Path) -> Desk:
    """Journal and workspace, without a model."""
    private_dir(settings.home)
    journal = Journal(private_dir(settings.state_dir) / "journal.db")
    return Desk(root, settings.state_dir, journal)


def open_session(settings: Settings, root: Path, *, retries: bool = True) -> LiveSession:
    """The whole engine; nothing is loaded until `start`."""
    desk = open_desk(settings, root)
    return LiveSession(settings, desk, lambda session: load_engine(settings, desk, session), retries=retries)


def open_lineage(settings: Settings, journal: Journal) -> Lineage:
    """The revisions of the chosen model, without loading it.

    Raises:
        ModelError: the model is not installed.
    """
    from continual_code.learning.lineage import Lineage

    directory = installed(settings.model, settings.models_dir)
    if directory is None:
        raise ModelError(
            f"{settings.model} is not installed.", do=f"Run `continual-code models pull {settings.model}`."
        )
    digest = base_digest(directory, settings.models_dir)
    return Lineage(journal, settings.state_dir, settings.model, digest)


def load_engine(settings: Settings, desk: Desk, session: LiveSession) -> Engine:
    """Fetch what is missing, load the model and build everything that needs it."""
    directory = provision(settings.model, settings.models_dir, session.progress)
    lineage = open_lineage(settings, desk.journal)
    try:
        if lineage.lock.try_acquire() and (trouble := lineage.recover()):
            session.warn(trouble)
        return _build_engine(settings, desk, session, directory, lineage)
    except BaseException:
        lineage.lock.release()
        raise


def _build_engine(settings: Settings, desk: Desk, session: LiveSession, directory: Path, lineage: Lineage) -> Engine:
    from continual_code.agent import Agent
    from continual_code.agent.prompts import fenced
    from continual_code.learning.learner import Evidence, Learner
    from continual_code.learning.worker import Worker
    from continual_code.model.base import load_base
    from continual_code.model.generation import Generator
    from continual_code.model.prefix import PrefixStore
    from continual_code.model.views import Views

    session.progress(f"loading {settings.model}", None)
    base = load_base(
        settings.model, directory, lineage.base_digest, device=settings.device, precision=settings.precision
    )
    views = Views(base, rank=settings.adapter.rank, alpha=settings.adapter.alpha)
    if head := lineage.load_head():
        views.serving.load(head)
    prefixes = PrefixStore()
    generator = Generator(views.serving, base.chat.stop_ids, prefixes)
    agent = Agent(desk.root, base.chat, generator, context=settings.context, generation=settings.generation)

    def evidence(pending: PendingLesson) -> Evidence:
        edited = pending.verdict.edited
        return Evidence(pending.verdict.comment, fenced(edited, pending.proposal.path) if edited else None)

    worker = Worker(
        lineage,
        lambda stage: Learner(
            views.learning, base.chat, prefixes, settings.learning, pause=session.turns.pause, stage=stage
        ),
        session.turns, initial=views.initial, lora=views.lora, evidence=evidence, publish=session.publish,
        emit=session.emit,
    )  # fmt: skip
    return Engine(settings.model, str(base.placement), views, agent, lineage, worker)
