"""A whole session with a scripted model: only the sampling of tokens is replaced, everything else is real.

Invariant: a scripted answer goes through the same tokens, log-probabilities, checks and records as a sampled one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from transformers import AutoTokenizer

from continual_code.agent.commit_subject import SUBJECT_TOKENS
from continual_code.app import open_session
from continual_code.events import Event, Proposal, Proposed, Ready, Rollout, Task
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Candidate, Evidence
from continual_code.learning.scoring import BASE
from continual_code.model.generation import Generation, Generator, Sampling
from continual_code.session import LiveSession
from continual_code.settings import AdapterSettings, LearningSettings, Settings

torch.set_num_threads(1)  # matrices this small only wait for a second thread
E = TypeVar("E")
FILE, BEFORE = "tool.py", "def double(x):\n    return x + x\n"
TASK = Task("Use multiplication in double.", (FILE,))
COMMENT = "Call the parameter zebra."
SECONDS = 30.0

AFTER = {
    0: "def double(x):\n    return x * 2\n",
    1: "def double(zebra):\n    return zebra * 2\n",
    2: "def double(zebra: int) -> int:\n    return zebra * 2\n",
}
CORRECTED = "def double(zebra):\n    return 2 * zebra\n"


@dataclass
class Script:
    """What the model says, by the revision that is asked. `held` keeps an answer from ending until it is set.

    `subject` is what it says when it is asked for the subject of a commit. `prompts` are those that were asked for an
    edit on the serving side.
    """

    after: Callable[[int], str]
    subject: str = ""
    prompts: list[tuple[int, ...]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.held.set()


def by_revision(revision: int) -> str:
    """Another text for each of the first revisions, then the last one."""
    return AFTER[min(revision, max(AFTER))]


def play_script(monkeypatch: pytest.MonkeyPatch, model: Path, after: Callable[[int], str] = by_revision) -> Script:
    """From now on the model says what the script says, by revision; the learner's candidate is revision 1."""
    script, tokenizer = Script(after), AutoTokenizer.from_pretrained(model)

    def generate(
        self: Generator,
        prompt_ids: Sequence[int],
        sampling: Sampling,
        *,
        owner: object,
        on_tokens: Callable[[Sequence[int]], None] = lambda tokens: None,
        stopped: Callable[[], bool] = lambda: False,
        is_enough: Callable[[Sequence[int]], bool] = lambda tokens: False,
        **_: object,
    ) -> Generation:
        if sampling.max_tokens == SUBJECT_TOKENS:
            answer = speak(self, prompt_ids, script.subject)
            for token in answer.token_ids:
                on_tokens([token])
            return answer
        if not isinstance(owner, int):  # the learner wants a correction from the base, or the candidate's answer
            stopped()  # where the person goes first
            return say(self, prompt_ids, CORRECTED if owner == BASE else script.after(1), is_enough)
        script.prompts.append(tuple(prompt_ids))
        script.begun.set()
        while not script.held.wait(0.005):
            if stopped():
                return Generation((), (), "interrupted", 0)
        answer = say(self, prompt_ids, script.after(owner), is_enough)
        for token in answer.token_ids:
            on_tokens([token])
        return answer

    def say(
        self: Generator, prompt_ids: Sequence[int], after: str, is_enough: Callable[[Sequence[int]], bool]
    ) -> Generation:
        whole = speak(self, prompt_ids, f"```python\n{after}```")
        counts = (count for count in range(1, len(whole.token_ids)) if is_enough(whole.token_ids[:count]))
        end = next(counts, len(whole.token_ids))
        return replace(whole, token_ids=whole.token_ids[:end], logprobs=whole.logprobs[:end])

    @torch.no_grad()
    def speak(self: Generator, prompt_ids: Sequence[int], text: str) -> Generation:
        tokens = [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        hidden_T_D = self._view.hidden(torch.tensor([*prompt_ids, *tokens[:-1]]))[-len(tokens) :]
        logprobs_T_V = self._view.logits(hidden_T_D).log_softmax(dim=-1)
        return Generation(tuple(tokens), tuple(logprobs_T_V[range(len(tokens)), tokens].tolist()), "stop", len(tokens))

    monkeypatch.setattr(Generator, "generate", generate)
    return script


def watch_learning(monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    """What the learner is shown for each lesson from now on."""
    seen: list[Evidence] = []
    learn = Learner.learn

    def watched(self: Learner, lesson_id: str, rollout: Rollout, evidence: Evidence, *rest: Any) -> Candidate:
        seen.append(evidence)
        return learn(self, lesson_id, rollout, evidence, *rest)

    monkeypatch.setattr(Learner, "learn", watched)
    return seen


def tiny_settings(home: Path, model: Path, **learning: object) -> Settings:
    """A home of its own, the tiny model by its path, a small adapter; a random model judges no comment."""
    quick = LearningSettings(
        max_updates=3, reask=False, support_floor=-1e9, work_floor=-1e9, memory_floor=-1e9, memory=False
    )
    return Settings(
        home=home, model=str(model), device="cpu", precision="float32", adapter=AdapterSettings(rank=4, alpha=8),
        learning=quick.model_copy(update=learning),
    )  # fmt: skip


def plant(root: Path, text: str = BEFORE) -> Path:
    """The person's directory with its one file."""
    root.mkdir(parents=True, exist_ok=True)
    (root / FILE).write_text(text)
    return root


@dataclass
class Watch:
    """Listens to a session and waits for what it says. `react` is called with each event, on the engine's thread."""

    session: LiveSession
    react: Callable[[Event], None] = lambda event: None
    events: list[Event] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, event: Event) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()
        self.react(event)

    def wait(self, kind: type[E], which: Callable[[E], bool] = lambda event: True, *, after: int = 0) -> E:
        """The first event of this kind, also one that came already; `after` skips that many events."""
        deadline = time.monotonic() + SECONDS
        with self._news:
            while True:
                found = next((e for e in self.events[after:] if isinstance(e, kind) and which(e)), None)
                if found is not None:
                    return found
                if not self._news.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no {kind.__name__} in {SECONDS} s; there were:\n{self.told()}")

    def of(self, kind: type[E]) -> list[E]:
        with self._news:
            return [event for event in self.events if isinstance(event, kind)]

    def mark(self) -> int:
        with self._news:
            return len(self.events)

    def told(self) -> str:
        return "\n".join(str(event)[:200] for event in self.events)

    def ask(self, task: Task = TASK) -> Proposal:
        mark = self.mark()
        self.session.ask(task)
        return self.wait(Proposed, lambda event: event.proposal.retry_of is None, after=mark).proposal


@contextmanager
def playing(
    settings: Settings, root: Path, *, retries: bool = True, react: Callable[[Event], None] = lambda event: None
) -> Iterator[Watch]:
    """A started session that is closed afterwards."""
    session = open_session(settings, root, retries=retries)
    watch = Watch(session, react)
    session.start(watch)
    try:
        watch.wait(Ready)
        yield watch
    finally:
        session.close()
