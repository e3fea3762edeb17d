"""One task, one draft: build the prompt, generate, read the answer, check it.

Invariant: what is returned can be offered as it is; everything else is a ProposalError
that says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass

from continual_code.agent.bringing import is_importable, with_forgotten_imports, with_imports_like
from continual_code.agent.context import Context, build_context
from continual_code.agent.formats import (
    adds_nothing,
    check,
    fit,
    keep_spacing,
    read_answer,
    splice,
    through_code,
    up_to_its_examples,
    with_addition,
    with_what_it_lost,
)
from continual_code.agent.languages import language_of
from continual_code.agent.prompts import build_messages, fenced
from continual_code.agent.repository import Repository, is_like
from continual_code.agent.showing import Shown
from continual_code.agent.symbol_map import SymbolMap
from continual_code.agent.targets import asks_to_add
from continual_code.errors import Interrupted, ProposalError
from continual_code.events import Message, Reminder, Rollout, Task
from continual_code.model.chat import Chat
from continual_code.model.generation import Generation, Generator, LogitsProcessor, Sampling
from continual_code.model.reopening import reopened
from continual_code.settings import ContextSettings, GenerationSettings
from continual_code.workspace import Root, list_files

LONGEST_TASK = 32_000  # characters; the budget of the prompt is for files, so nothing else would bound it
ANSWER_FACTOR, ANSWER_EXTRA = 1.5, 512  # an answer may be this much longer than what it rewrites, tokens


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt that is ready to be sampled from; `rules` are the comments that it repeats."""

    task: Task
    context: Context
    messages: tuple[Message, ...]
    prompt_ids: tuple[int, ...]
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit that passed all checks, not yet recorded. `rollout` holds the tokens behind it."""

    path: str
    before: str | None
    after: str
    rollout: Rollout
    seconds: float
    left_out: tuple[str, ...]


class Agent:
    """Proposes edits beneath one root with one generator."""

    def __init__(
        self,
        root: Root,
        chat: Chat,
        generator: Generator,
        *,
        context: ContextSettings,
        generation: GenerationSettings,
        symbol_map: SymbolMap | None = None,
    ) -> None:
        self._root, self._chat, self._generator = root, chat, generator
        self._context, self._generation, self._map = context, generation, symbol_map
        self._past: dict[str, str | None] = {}

    def greedy(self) -> Agent:
        """The same agent, taking the likeliest token each time."""
        agent = copy(self)
        agent._generation = self._generation.model_copy(update={"temperature": 0.0})
        return agent

    def as_it_was(self, path: str, text: str | None) -> Agent:
        """The same agent, to which one file has another text than it has now; None: it did not exist."""
        agent = copy(self)
        agent._past = {**self._past, path: text}
        return agent

    def prepare(self, task: Task, reminders: Sequence[Reminder] = ()) -> Asked:
        """Choose what the model sees.

        Args:
            reminders: those that were made on a file like the target are lines of the prompt, each once.

        Raises:
            ProposalError: no file to work on, or it does not fit, or the task is too long.
            WorkspaceError: the target cannot be read, or is one that only the person may write.
        """
        settings, files, symbol_map = self._context, list_files(self._root.path), self._map
        if len(task.text) > LONGEST_TASK:
            raise ProposalError(
                f"The task has {len(task.text):,} characters; it may have {LONGEST_TASK:,}.",
                kept="Nothing was changed.",
                do="Leave out what does not matter, of a log say.",
            )
        context = build_context(
            task, files, self._text, self._chat.count,
            settings.prompt_tokens - sum(self._chat.count(each.comment) for each in reminders),
            settings.whole_file_lines,
            lambda target, shown: symbol_map.lines(task.text, target, files, shown) if symbol_map else (),
            settings.map_tokens,
        )  # fmt: skip
        self._root.writable(context.target)
        if context.before is None:
            self._root.read(context.target)  # what is there and no text is no new file
        like = [each.comment for each in reminders if is_like(each.path, context.target)]
        rules = tuple(dict.fromkeys(like))
        messages = build_messages(task, context, rules)
        return Asked(task, context, messages, tuple(self._chat.render(messages)), rules)

    def propose(
        self,
        asked: Asked,
        *,
        revision: int,
        on_text: Callable[[str], None] = lambda text: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Draft:
        """Sample an answer and read it.

        Args:
            revision: the one that the generator's view holds now.
            on_text: receives the answer piece by piece.
            stopped: asked between passes; True ends the answer.

        Raises:
            Interrupted: the person stopped it.
            ProposalError: the answer is not an edit that can be offered.
        """
        started, shown = time.monotonic(), Shown(self._chat, on_text)
        generation = self._write(asked, revision, shown, stopped)
        shown.close()
        if generation.finish == "interrupted":
            raise Interrupted("The answer was stopped.", kept="Nothing was changed.")
        return self.read(asked, generation, revision=revision, seconds=time.monotonic() - started)

    def read(self, asked: Asked, generation: Generation, *, revision: int, seconds: float) -> Draft:
        """Take an answer to the prompt for an edit.

        Args:
            revision: the one that the answer was sampled from.
            seconds: how long that took.

        Raises:
            ProposalError: the answer is not an edit that can be offered.
        """
        after, settings, context = self._read_edit(asked, generation), self._generation, asked.context
        rollout = Rollout(
            asked.messages, asked.prompt_ids, generation.token_ids, generation.logprobs,
            settings.temperature, settings.top_p, settings.seed, revision, generation.finish,
        )  # fmt: skip
        return Draft(context.target, context.before, after, rollout, seconds, context.left_out)

    def with_imports_like(self, answer: str, rejected: str, comment: str, path: str, known: str) -> str:
        """See `bringing.with_imports_like`; left out is what `read` would add, unless the text `known` has it."""
        return with_imports_like(answer, rejected, comment, path, known, self._repository)

    def is_importable(self, answer: str, path: str) -> bool:
        """Whether the files of the repository have what an answer imports from them."""
        return is_importable(answer, path, self._repository)

    def _write(self, asked: Asked, revision: int, shown: Shown, stopped: Callable[[], bool]) -> Generation:
        """An answer; one that ends without what the task asks to add goes on, if anything comes of that."""

        def write(begun: Sequence[int], processor: LogitsProcessor | None) -> Generation:
            def is_enough(token_ids: Sequence[int]) -> bool:
                answer = [*begun, *token_ids]
                return self._is_whole(asked, answer) or self._adds_nothing(asked, answer)

            return self._generator.generate(
                [*asked.prompt_ids, *begun], self._sampling(asked, len(begun)), owner=revision, processor=processor,
                on_tokens=shown.feed, stopped=stopped, is_enough=is_enough,
            )  # fmt: skip

        first = write((), None)
        if first.finish != "stop" or not self._adds_nothing(asked, first.token_ids):
            return first
        shown.reopen()
        again = reopened(self._chat, first, write)
        if again is None or again.finish == "length" or self._adds_nothing(asked, again.token_ids):
            return first
        return again if again.finish == "interrupted" or self._is_whole(asked, again.token_ids) else first

    def _repository(self) -> Repository:
        return Repository(list_files(self._root.path), self._text)

    def _text(self, path: str) -> str | None:
        return self._past[path] if path in self._past else self._root.text(path)

    def text(self, generation: Generation | Rollout) -> str:
        """An answer as the model wrote it."""
        return self._chat.decode(generation.token_ids)

    def _sampling(self, asked: Asked, begun: int) -> Sampling:
        shown = sum(self._chat.count(block.text) for block in asked.context.blocks if block.kind == "target")
        settings = self._generation
        return Sampling(
            settings.temperature, settings.top_p, settings.seed, settings.draft_tokens,
            max_tokens=int(ANSWER_FACTOR * shown) + ANSWER_EXTRA - begun,
        )  # fmt: skip

    def _is_whole(self, asked: Asked, token_ids: Sequence[int]) -> bool:
        """Whether an answer can be offered as it is: for what a model would still say to it, nobody waits."""
        closed = through_code(self._chat.decode(token_ids), asked.context.target)
        if closed is None:
            return False
        try:
            self._edit_in(asked, closed)
        except ProposalError:
            return False
        return True

    def _adds_nothing(self, asked: Asked, token_ids: Sequence[int]) -> bool:
        """See `adds_nothing`; an answer that has not closed its code may still add something."""
        context = asked.context
        closed = through_code(self._chat.decode(token_ids), context.target)
        if closed is None:
            return False
        try:
            code = read_answer(closed, context.target, _shown(context)).code
        except ProposalError:
            return False
        return adds_nothing(asked.task.text, context.before, code, context.target)

    def _read_edit(self, asked: Asked, generation: Generation) -> str:
        context, text = asked.context, self._chat.decode(generation.token_ids)
        if generation.finish == "length":
            code = up_to_its_examples(text, context.target, context.before or "", _shown(context))
            if code is None:
                raise ProposalError("The answer did not come to an end.", do="Ask for a smaller change.")
            text = fenced(code, context.target)
        after = self._edit_in(asked, text)
        return with_forgotten_imports(context.before or "", after, context.target, self._repository, _shown(context))

    def _edit_in(self, asked: Asked, text: str) -> str:
        context = asked.context
        answer = read_answer(text, context.target, _shown(context))
        if answer.path != context.target:
            raise ProposalError(f"The answer is about {answer.path}, not {context.target}.", do="Name the file with @.")
        if not answer.complete:
            raise ProposalError("The answer was cut off.", do="Ask for a smaller change.")
        after = keep_spacing(context.before or "", _place(asked.task, context, answer.code), asked.task.text)
        check(context.before, after, context.target, task=asked.task.text)
        return after


def _shown(context: Context) -> list[str]:
    return [block.path for block in context.blocks if block.path]


def _place(task: Task, context: Context, code: str) -> str:
    language = language_of(context.target)
    if context.symbol and language:
        return splice(context.before or "", context.symbol, code, language.name)
    before, target = context.before, context.target
    added = with_addition(before, code, target) if before and asks_to_add(task.text) else None
    return added or with_what_it_lost(before or "", fit(before, code, target), target, task.text)
