"""The subject of a commit in the model's words.

Invariant: the base weights write it, so that nothing which lessons taught about code shows in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from continual_code.agent.prompts import fenced
from continual_code.events import Message
from continual_code.model.chat import Chat
from continual_code.model.generation import Generator, Sampling
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import View
from continual_code.templates import fill

TASK_TOKENS, CHANGE_TOKENS = 128, 512  # of the prompt; 1.5B reads about 100 a second on two CPU cores
SUBJECT_TOKENS = 40
CHARACTERS = 16  # of a token, at most on average: what is beyond them need not be counted


@dataclass(frozen=True, slots=True)
class Written:
    """What the model wrote, unread; `left_out` says in words what it did not see, empty when it saw all."""

    answer: str
    left_out: str


class SubjectWriter:
    """Writes with a view that the calling thread owns, its adapter off meanwhile."""

    def __init__(self, view: View, chat: Chat) -> None:
        self._view, self._chat = view, chat
        self._generator = Generator(view, chat.stop_ids, PrefixStore(1))  # a lesson's prefixes stay where they are

    def write(
        self,
        path: str,
        task: str,
        diff: str,
        *,
        on_text: Callable[[str], None] = lambda text: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Written:
        """Ask for a subject.

        Args:
            on_text: receives all of the answer so far, again and again.
            stopped: asked between passes; True ends the answer.
        """
        shown_task, _ = self._opening(task, TASK_TOKENS)
        shown, left_out = self._opening(diff, CHANGE_TOKENS)
        prompt = fill("commit_subject", path=path, task=shown_task, change=fenced(shown, "change.diff"))
        stream, text = self._chat.stream(), ""

        def show(tokens: Sequence[int]) -> None:
            nonlocal text
            text += stream.feed(tokens)
            on_text(text)

        with self._view.adapter_off():
            generation = self._generator.generate(
                self._chat.render([Message("user", prompt)]), Sampling(max_tokens=SUBJECT_TOKENS), owner="base",
                on_tokens=show, stopped=stopped,
            )  # fmt: skip
        answer = self._chat.decode(generation.token_ids)
        if generation.finish == "length":  # in the middle of a word, maybe
            answer = answer.rpartition(" ")[0]
        return Written(answer, left_out)

    def _opening(self, text: str, tokens: int) -> tuple[str, str]:
        """As much of the beginning as `tokens` hold, and in words how much that is, unless it is all."""
        text = text.strip()
        ids = self._chat.encode(text[: tokens * CHARACTERS])
        if len(ids) <= tokens and len(text) <= tokens * CHARACTERS:
            return text, ""
        shown = self._chat.decode(ids[:tokens]).rstrip("\N{REPLACEMENT CHARACTER}")
        return f"{shown}\n…", f"the first {len(shown):,} of {len(text):,} characters"
