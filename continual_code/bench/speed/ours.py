"""Our side of each comparison: the program's own agent, generator and learner, in a process of its own."""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from continual_code.agent import Agent
from continual_code.bench.loading import load_installed
from continual_code.bench.party import serve
from continual_code.errors import Interrupted
from continual_code.events import Message, Rollout, Task
from continual_code.learning.common_text import CommonText
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Evidence
from continual_code.learning.scoring import Scorer, of_tokens
from continual_code.learning.turns import Turns
from continual_code.model.generation import Generator, Sampling
from continual_code.model.int8 import pack
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import Views
from continual_code.settings import LearningSettings, load_settings
from continual_code.workspace import Root

ONE_STEP = {
    "demonstration": False, "reask": False, "anchors": 0, "max_updates": 1, "gap_floor": 0.0, "support_floor": -1e9,
    "work_floor": -1e9,
}  # fmt: skip
"""What a trainer's step does: the given rollout, the comment, one update."""
COMMENT = "Always add type hints to every parameter and the return value."
REVISION = 1


class Ours:
    """The parts of a session, without screen and journal."""

    def __init__(self, model: str) -> None:
        self.settings, _ = load_settings({"model": model})
        base = load_installed(self.settings)
        self.chat, self.placement = base.chat, base.placement
        self.views = Views(base, rank=self.settings.adapter.rank, alpha=self.settings.adapter.alpha)
        self._common = CommonText(self.views.learning, base.chat, self.settings.adapter.deaf_to)
        self._module = base.module

    def pack(self) -> Mapping[str, Any]:
        """What the program does on a thread after the start."""
        pack(self._module)
        return {"placement": str(self.placement)}

    def prepare(self, file: str, text: str, task: str) -> Mapping[str, Any]:
        """The prompt of an edit, as the agent makes it."""
        with tempfile.TemporaryDirectory(prefix="continual-code-bench-") as scratch:
            (Path(scratch) / file).write_text(text, encoding="utf-8")
            settings = self.settings
            generator = Generator(self.views.serving, self.chat.stop_ids, PrefixStore())
            agent = Agent(
                Root(Path(scratch)), self.chat, generator, context=settings.context, generation=settings.generation
            )
            asked = agent.prepare(Task(task, (file,)))
            return {"prompt_ids": asked.prompt_ids, "format": "symbol" if asked.context.symbol else "file"}

    def answer(self, prompt_ids: Sequence[int], max_tokens: int = 2048, plain: bool = False) -> Mapping[str, Any]:
        """A greedy answer to a prompt that was never read before; `plain`: one token in each pass."""
        return self._answer(PrefixStore(), prompt_ids, max_tokens, 0 if plain else None)

    def _answer(
        self, prefixes: PrefixStore, prompt_ids: Sequence[int], max_tokens: int, draft_tokens: int | None = None
    ) -> dict[str, Any]:
        if draft_tokens is None:
            draft_tokens = self.settings.generation.draft_tokens
        generator = Generator(self.views.serving, self.chat.stop_ids, prefixes)
        sampling = Sampling(max_tokens=max_tokens, draft_tokens=draft_tokens)
        times: list[float] = []
        started = time.perf_counter()
        generation = generator.generate(
            prompt_ids, sampling, owner=REVISION, on_tokens=lambda _: times.append(time.perf_counter())
        )
        seconds = time.perf_counter() - started
        first = times[0] - started
        return {
            "first": first, "seconds": seconds, "token_ids": generation.token_ids, "passes": generation.passes,
            "logprobs": generation.logprobs,
        }  # fmt: skip

    def tokens(self, text: str) -> Mapping[str, Any]:
        """A text in tokens."""
        return {"ids": self.chat.encode(text)}

    def turns(self, prompt_ids: Sequence[int], more_ids: Sequence[int]) -> Mapping[str, Any]:
        """Seconds to the first token: of a cold prompt, and of one that goes on from it."""
        prefixes = PrefixStore()
        cold = self._answer(prefixes, prompt_ids, 1)["first"]
        return {"cold": cold, "second": self._answer(prefixes, [*prompt_ids, *more_ids], 1)["first"]}

    def swap(self) -> Mapping[str, Any]:
        """Seconds to put another adapter into the serving view."""
        tensors = self.views.learning.tensors()
        started = time.perf_counter()
        self.views.serving.load(tensors)
        return {"seconds": time.perf_counter() - started}

    def agreement(self, prompt_ids: Sequence[int]) -> Mapping[str, Any]:
        """The largest difference between a token's log-probability when sampled and when scored for a lesson, nats."""
        answer = self._answer(PrefixStore(), prompt_ids, 256)
        scorer = Scorer(self.views.learning, PrefixStore(), _go_on)
        self.views.learning.load(self.views.serving.tensors())
        hidden_T_D = scorer.hidden(REVISION, prompt_ids, answer["token_ids"])
        scored_T = of_tokens(scorer.logprobs(hidden_T_D), answer["token_ids"]).tolist()
        return {"nats": max(abs(a - b) for a, b in zip(scored_T, answer["logprobs"], strict=True))}

    def lesson(
        self, text: str, prompt_tokens: int, rollout_tokens: int, full: bool = False, ahead: bool = True
    ) -> Mapping[str, Any]:
        """One update on a rollout whose prompt was read when it was sampled: from the verdict to the swap.

        Args:
            full: with gradients through the prompt too.
            ahead: what the program reads while the person looks at the diff has been read.
        """
        learning = self.settings.learning.model_copy(update={**ONE_STEP, "gradient": "full" if full else "rollout"})
        prefixes = PrefixStore()
        rollout = self._rollout(text, prompt_tokens, rollout_tokens)
        Scorer(self.views.serving, prefixes, _go_on).prefix(REVISION, rollout.prompt_ids)  # as generation leaves it
        learner = self._learner(learning, prefixes, _go_on)
        learner.prepare(self.views.initial)
        started, compute = time.perf_counter(), time.process_time()
        if ahead:
            learner.read_ahead(rollout)
        compute_ahead = time.process_time() - compute
        verdict = time.perf_counter()
        candidate = learner.learn("l1", rollout, Evidence(COMMENT), self.views.initial, REVISION)
        assert candidate.tensors is not None, candidate.report.reason
        self.views.serving.load(candidate.tensors)
        return {
            "seconds": time.perf_counter() - verdict, "compute": time.process_time() - compute,
            "ahead": verdict - started, "compute_ahead": compute_ahead, "loss": candidate.report.loss_before,
            "text": rollout.messages[0].content, "comment": COMMENT, "token_ids": rollout.token_ids,
        }  # fmt: skip

    def contention(self, prompt_ids: Sequence[int], text: str) -> Mapping[str, Any]:
        """Seconds for the same answer alone, and with a lesson running on its own thread."""
        turns = Turns()
        learning = self.settings.learning.model_copy(update={**ONE_STEP, "max_updates": 64, "stop_at": 0.0})
        learner = self._learner(learning, PrefixStore(), turns.pause)
        rollout = self._rollout(text, 512, 128)
        alone = self._answer(PrefixStore(), prompt_ids, 128)["seconds"]
        thread = threading.Thread(target=_until_stopped, args=(learner, rollout, self.views.initial), daemon=True)
        thread.start()
        time.sleep(3)
        with turns.serving():
            beside = self._answer(PrefixStore(), prompt_ids, 128)["seconds"]
        turns.close()
        thread.join()
        return {"alone": alone, "beside": beside}

    def _learner(self, learning: LearningSettings, prefixes: PrefixStore, pause: Any) -> Learner:
        return Learner(
            self.views.learning, self.chat, prefixes, learning, common=self._common, pause=pause, stage=_nowhere,
            credit=_nowhere,
        )  # fmt: skip

    def _rollout(self, text: str, prompt_tokens: int, rollout_tokens: int) -> Rollout:
        """A prompt of so many tokens of source text, and the source text after it as the answer."""
        ids = self.chat.encode(text)
        cut = prompt_tokens - len(self.chat.render([Message("user", "")]))
        messages = (Message("user", self.chat.decode(ids[:cut])),)
        token_ids = tuple(ids[cut : cut + rollout_tokens])
        return Rollout(
            messages, tuple(self.chat.render(messages)), token_ids, (0.0,) * rollout_tokens, 0.0, 1.0, 0, REVISION,
            "stop",
        )  # fmt: skip


def _until_stopped(learner: Learner, rollout: Rollout, adapter: Mapping[str, Any]) -> None:
    try:
        learner.learn("l1", rollout, Evidence(COMMENT), adapter, REVISION)
    except Interrupted:
        return


def _go_on() -> None:
    return None


def _nowhere(*_: object) -> None:
    return None


def _begin(model: str) -> Mapping[str, Any]:
    ours = Ours(model)
    names = ("pack", "prepare", "tokens", "answer", "turns", "swap", "agreement", "lesson", "contention")
    return {name: getattr(ours, name) for name in names}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    arguments = parser.parse_args()
    serve(lambda: _begin(arguments.model))
