"""What the serving view answers, and which revision it holds.

Invariant: the serving thread alone calls this, but for `stop`; an answer comes from one revision from its first token
to its last.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from continual_code.errors import ContinualCodeError
from continual_code.events import Listener, Proposal, Started, Streamed, Swapped, Task
from continual_code.learning.turns import Turns

if TYPE_CHECKING:  # the first frame waits for this module, and must not wait for those: torch alone costs seconds
    from torch import Tensor

    from continual_code.agent import Agent, Asked, Draft
    from continual_code.desk import Desk
    from continual_code.engine import Engine
    from continual_code.learning.head import Published
    from continual_code.settings import Settings


class Serving:
    """`revision` is the one that serves; `emit` tells the screen."""

    def __init__(self, engine: Engine, desk: Desk, settings: Settings, turns: Turns, emit: Listener) -> None:
        self.engine, self.emit, self.revision = engine, emit, engine.lineage.head
        self._desk, self._settings, self._turns = desk, settings, turns
        self._stop = threading.Event()

    def stop(self) -> None:
        """End the answer in progress; any thread may call this."""
        self._stop.set()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The person waits for answers within this block; what was stopped before does not concern them."""
        self._stop.clear()
        with self._turns.serving():
            yield

    @contextmanager
    def lent(self) -> Iterator[Callable[[Mapping[str, Tensor]], None]]:
        """Within this block the view may be loaded with other weights; it has its own again, however the block ends."""
        view = self.engine.views.serving
        own = view.tensors()
        try:
            yield view.load
        finally:
            view.load(own)

    def sample(self, agent: Agent, asked: Asked, revision: int) -> Draft:
        """The answer of `revision`, whose weights the view holds now; see `Agent.propose`."""
        return agent.propose(
            asked, revision=revision, on_text=lambda text: self.emit(Streamed(text)),
            stopped=lambda: self._stop.is_set() or self._turns.closed,
        )  # fmt: skip

    def propose(
        self, task: Task, *, asked: str | None = None, retry_of: str | None = None, known: Published | None = None
    ) -> Proposal:
        """Ask for an edit and record it.

        Args:
            asked: the task's id, where the person has just asked it.
            known: may hold the answer already: a candidate was asked again before it was published.

        Raises:
            Interrupted: it was stopped.
            ProposalError, WorkspaceError: see `Agent`.
        """
        engine = self.engine
        with self.turn():
            prepared = self._prepare(task, retry_of)
            draft = self._known_draft(prepared, known) or self.sample(engine.agent, prepared, self.revision)
        proposal = self._desk.keep(draft, task, model=engine.lineage.key, retry_of=retry_of, asked=asked)
        engine.worker.read_ahead(proposal.id)
        return proposal

    def swap(self, published: Published) -> None:
        """Serve another revision from now on."""
        started = time.perf_counter()
        self.engine.views.serving.load(published.tensors)
        self.revision = published.revision
        self.emit(Swapped(published.revision, (time.perf_counter() - started) * 1000))

    def _known_draft(self, asked: Asked, known: Published | None) -> Draft | None:
        """The candidate's own answer, if it is what would be sampled now: same prompt, same weights, greedy."""
        reasked = known.reasked if known else None
        if known is None or reasked is None or self._settings.generation.temperature > 0:
            return None
        if (known.revision, reasked.prompt_ids) != (self.revision, asked.prompt_ids):
            return None
        agent = self.engine.agent
        self.emit(Streamed(agent.text(reasked.generation)))
        return agent.read(asked, reasked.generation, revision=known.revision, seconds=0.0)

    def _prepare(self, task: Task, retry_of: str | None) -> Asked:
        budget = self._settings.context.prompt_tokens
        try:
            asked = self.engine.agent.prepare(task, self.engine.lineage.memory())
        except ContinualCodeError:
            self.emit(Started(task, 0, budget, (), retry_of))
            raise
        self.emit(Started(task, len(asked.prompt_ids), budget, asked.context.left_out, retry_of, asked.rules))
        return asked
