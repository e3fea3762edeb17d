"""The model that is taught and asked: the product's own agent and learner, without threads and screen.

Invariant: an answer is asked for exactly as in a session (same prompts, formats, checks), and
two adapter states never share a prompt cache.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from torch import Tensor

from continual_code.agent import Agent
from continual_code.agent.bringing import is_importable, with_imports_like
from continual_code.agent.formats import asked_for
from continual_code.agent.repository import Repository
from continual_code.agent.symbol_index import SymbolIndex
from continual_code.agent.symbol_map import SymbolMap
from continual_code.bench.lessons.rules import Exercise
from continual_code.errors import ContinualCodeError
from continual_code.events import Message, Reminder, Rollout, Task
from continual_code.learning import answering, teacher
from continual_code.learning.common_text import CommonText
from continual_code.learning.drift import Drift
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Earlier
from continual_code.learning.scoring import BASE, Scorer
from continual_code.model.base import Base
from continual_code.model.generation import Generation, Generator, Sampling
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import Views
from continual_code.settings import ContextSettings, LearningSettings, Settings
from continual_code.workspace import Root

Tensors = Mapping[str, Tensor]
PROBES = (
    "Explain in three sentences why the sky is blue.",
    "Write a SQL query that counts the orders of each customer.",
    "What is the difference between a list and a tuple in Python?",
    "Write a JavaScript function that reverses a string.",
    "Give three tips for a good commit message.",
    "Write a bash one-liner that finds the largest file in a directory.",
)
PROBE_TOKENS = 96
CHAT_TOKENS = 384


@dataclass(frozen=True)
class State:
    """What an arm has made of the model so far: adapter tensors, lines that stay in the prompt, what to rehearse.

    `lines` are what the lessons would have left that became lines of the prompt. `made_by` is the lesson that made it
    of the state `before`; None where that is not known.
    """

    number: int
    tensors: Tensors
    memory: tuple[Reminder, ...] = ()
    taught: tuple[Earlier, ...] = ()
    lines: tuple[Earlier, ...] = ()
    made_by: Lesson | None = None
    before: State | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A proposal, or why there is none. `after` equals `before` in that case."""

    before: str
    after: str
    status: str
    rollout: Rollout | None
    seconds: float

    @property
    def offered(self) -> bool:
        return self.status == "proposed"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One rejection. `edit` is an answer that follows the comment, as the person would have written it.

    `names` are what the task asks for (see `asked_for`), `files` the project's, `after` the file as the answer has it.
    """

    rollout: Rollout
    comment: str
    edit: str | None
    path: str
    id: str
    names: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    after: str = ""

    @classmethod
    def on(
        cls, exercise: Exercise, answer: Answer, rollout: Rollout, comment: str, edit: str | None, id: str
    ) -> Lesson:
        """What is said about an answer to an exercise; `rollout` is the answer's."""
        names = asked_for(exercise.task, answer.before, answer.after, exercise.file, comment)
        return cls(rollout, comment, edit, exercise.file, id, names, exercise.files, answer.after)

    def is_importable(self, answer: str) -> bool:
        """See `Evidence`."""
        return is_importable(answer, self.path, self._repository)

    def bare(self, answer: str, rejected: str) -> str:
        """See `Evidence`."""
        return with_imports_like(answer, rejected, self.comment, self.path, self.after, self._repository)

    def _repository(self) -> Repository:
        return Repository(sorted(self.files), self.files.get)


class Subject:
    """One loaded base with its two views. Single-threaded."""

    def __init__(self, base: Base, settings: Settings) -> None:
        self.base, self.settings = base, settings
        self.views = Views(base, rank=settings.adapter.rank, alpha=settings.adapter.alpha)
        self._common = CommonText(self.views.learning, base.chat, settings.adapter.deaf_to)
        self._numbers = itertools.count(1)
        self._prefixes = PrefixStore()
        self._generator = Generator(self.views.serving, base.chat.stop_ids, self._prefixes)
        self._loaded = self.untaught = State(0, self.views.initial)

    def state(
        self, tensors: Tensors, memory: Sequence[Reminder] = (), taught: Sequence[Earlier] = (),
        lines: Sequence[Earlier] = (),
    ) -> State:  # fmt: skip
        """A new state; its number is nobody else's."""
        return State(next(self._numbers), tensors, tuple(memory), tuple(taught), tuple(lines))

    def answer(
        self, exercise: Exercise, state: State, *, told: str = "", context: ContextSettings | None = None
    ) -> Answer:
        """Ask for one edit in a fresh directory that holds the exercise's files.

        Args:
            told: a comment to show in the prompt, as the teacher sees it.
            context: instead of that of the settings.
        """
        self._serve(state)
        with tempfile.TemporaryDirectory(prefix="continual-code-bench-") as scratch:
            root = _plant(Path(scratch, "repository"), exercise.files)
            settings = self.settings
            context = context or settings.context
            agent = Agent(
                root, self.base.chat, self._generator, context=context, generation=settings.generation,
                symbol_map=_symbol_map(root, Path(scratch, "symbols.db")) if context.map_tokens else None,
            )  # fmt: skip
            reminders = [*state.memory, *([Reminder(told, exercise.file)] if told else [])]
            return self._propose(agent, exercise, reminders, state.number)

    def chat(self, messages: Sequence[Message], state: State) -> str:
        """A greedy answer to a plain conversation."""
        self._serve(state)
        prompt_ids = self.base.chat.render(messages)
        answer = self._generator.generate(prompt_ids, Sampling(max_tokens=CHAT_TOKENS), owner=state.number)
        return self.base.chat.decode(answer.token_ids)

    def told(self, lesson: Lesson, state: State) -> Generation:
        """The teacher's answer: greedy, to the lesson's prompt with the comment in it."""
        self._serve(state)
        prompt_ids = self.base.chat.render(teacher.told(lesson.rollout.messages, lesson.comment, None))
        return answering.answer(self._generator, prompt_ids, lesson.rollout, owner=state.number, pause=_go_on)

    def learner(self, learning: LearningSettings) -> Learner:
        """The product's learner on this subject's learning view."""
        return Learner(
            self.views.learning, self.base.chat, self._prefixes, learning,
            common=self._common, pause=_go_on, stage=lambda stage: None, credit=lambda tokens, gaps: None,
        )  # fmt: skip

    def drift(self, state: State) -> float:
        """KL(base, student) on the base's own answers to unrelated questions, nats per token."""
        self._serve(state)
        return self._drift.of(Scorer(self.views.serving, self._prefixes, _go_on), state.number)

    def _serve(self, state: State) -> None:
        if state is not self._loaded:
            self.views.serving.load(state.tensors)
            self._loaded = state

    def _propose(self, agent: Agent, exercise: Exercise, reminders: Sequence[Reminder], owner: int) -> Answer:
        before = exercise.files.get(exercise.file, "")
        try:
            draft = agent.propose(agent.prepare(Task(exercise.task, (exercise.file,)), reminders), revision=owner)
        except ContinualCodeError as error:
            return Answer(before, before, f"no_edit: {error.what}", None, 0.0)
        return Answer(before, draft.after, "proposed", draft.rollout, draft.seconds)

    @cached_property
    def _drift(self) -> Drift:
        """On the base's greedy answers."""
        prompts = [self.base.chat.render([Message("user", question)]) for question in PROBES]
        sampling = Sampling(max_tokens=PROBE_TOKENS)
        with self.views.serving.adapter_off():
            answers = [self._generator.generate(prompt_ids, sampling, owner=BASE).token_ids for prompt_ids in prompts]
        return Drift(list(zip(prompts, answers, strict=True)))


def _symbol_map(root: Root, file: Path) -> SymbolMap:
    """With everything read: in a session the index is filled while the person types."""
    index = SymbolIndex(root, file)
    index.fill(lambda: False)
    return SymbolMap(root, index)


def _plant(directory: Path, files: Mapping[str, str]) -> Root:
    directory.mkdir()
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Root(directory)


def _go_on() -> None:
    return None
