"""Everything that needs a loaded model, put together; importing this imports torch.

Invariant: the base is loaded once, and both views, the agent and the learner share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from continual_code.agent import Agent
from continual_code.agent.commit_subject import SubjectWriter
from continual_code.agent.formats import Wanted, asked_for, excerpt
from continual_code.agent.prompts import fenced
from continual_code.agent.symbol_index import SymbolIndex
from continual_code.agent.symbol_map import SymbolMap
from continual_code.desk import Desk
from continual_code.feedback.rows import PendingLesson
from continual_code.learning.common_text import CommonText
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Evidence
from continual_code.learning.lineage import Lineage
from continual_code.learning.worker import Worker
from continual_code.model.base import Base, load_base
from continual_code.model.generation import Generator
from continual_code.model.int8 import pack
from continual_code.model.prefix import PrefixStore
from continual_code.model.threads import dismiss_helpers
from continual_code.model.views import Views
from continual_code.session import LiveSession
from continual_code.settings import Settings


@dataclass(frozen=True)
class Engine:
    """What exists once a model is loaded."""

    model: str
    placement: str
    views: Views
    agent: Agent
    subjects: SubjectWriter
    lineage: Lineage
    worker: Worker


def build_engine(settings: Settings, desk: Desk, session: LiveSession, directory: Path, lineage: Lineage) -> Engine:
    """Load the model in `directory` and build what serves it and what teaches it.

    Raises:
        ModelError: the directory is not a language model that can be used.
        StateError: the revision that should serve cannot be read.
    """
    base = load_base(
        settings.model, directory, lineage.base_digest, device=settings.device, precision=settings.precision,
        cache=settings.cache_dir,
    )  # fmt: skip
    views = Views(base, rank=settings.adapter.rank, alpha=settings.adapter.alpha)
    if head := lineage.load_head():
        views.serving.load(head)
    prefixes = PrefixStore()
    generator = Generator(views.serving, base.chat.stop_ids, prefixes)
    agent = Agent(
        desk.root, base.chat, generator, context=settings.context, generation=settings.generation,
        symbol_map=_symbol_map(settings, desk, session),
    )  # fmt: skip
    subjects = SubjectWriter(views.serving, base.chat)
    worker = _worker(settings, session, lineage, base, views, prefixes, agent)
    session.chores.start("packing", partial(pack, base.module))
    dismiss_helpers()
    return Engine(settings.model, str(base.placement), views, agent, subjects, lineage, worker)


def _symbol_map(settings: Settings, desk: Desk, session: LiveSession) -> SymbolMap | None:
    """A map whose index is filled in the background; None where the prompt has no room for one."""
    if not settings.context.map_tokens:
        return None
    index = SymbolIndex(desk.root, settings.symbols_file)
    session.chores.start("indexing", index.fill)
    return SymbolMap(desk.root, index)


def _worker(
    settings: Settings, session: LiveSession, lineage: Lineage, base: Base, views: Views, prefixes: PrefixStore,
    agent: Agent,
) -> Worker:  # fmt: skip
    common = CommonText(views.learning, base.chat, settings.adapter.deaf_to)
    return Worker(
        lineage,
        lambda stage, credit: Learner(
            views.learning, base.chat, prefixes, settings.learning,
            common=common, pause=session.turns.pause, stage=stage, credit=credit,
        ),
        session.turns, initial=views.initial, lora=views.lora, evidence=partial(_evidence, agent),
        publish=session.publish, remind=session.remind, emit=session.emit, settings=settings.learning,
    )  # fmt: skip


def _evidence(agent: Agent, pending: PendingLesson) -> Evidence:
    comment, example = pending.verdict.comment, _own_version(agent, pending)
    proposal, path, hunks = pending.proposal, pending.proposal.path, pending.proposal.hunks
    against = [hunks[index].new_lines for index in pending.verdict.unwanted]
    names = asked_for(proposal.task.text, proposal.before, proposal.after, path, comment)
    wanted, is_importable = Wanted(path, names), partial(agent.is_importable, path=path)
    bare = partial(agent.with_imports_like, comment=comment, path=path, known=proposal.after)
    return Evidence(comment, example, wanted.is_sound, wanted.is_whole, wanted.resumed, bare, is_importable, against)


def _own_version(agent: Agent, pending: PendingLesson) -> str | None:
    """What the person made of the proposal, as an answer: as much of the file as the model was shown of it."""
    edited, before, path = pending.verdict.edited, pending.proposal.before or "", pending.proposal.path
    if not edited:
        return None
    shown = any(_plain(before) in _plain(message.content) for message in pending.rollout.messages)
    return fenced(edited if shown else excerpt(edited, before, agent.text(pending.rollout), path), path)


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").strip()
