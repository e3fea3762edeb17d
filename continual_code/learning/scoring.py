"""Log-probabilities of a rollout under one view, with the prompt read at most once.

Invariant: nothing here needs or leaves a gradient, and the base is scored with the adapter
off: the owner "base" and the adapter switch always go together. The base never changes, so what
it thought of an answer a moment ago it thinks still.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from continual_code.model.generation import PREFILL_CHUNK
from continual_code.model.prefix import Prefix, PrefixStore
from continual_code.model.views import View

BASE = "base"
Exchange = tuple[Sequence[int], Sequence[int]]  # token ids of a prompt and of its answer
REMEMBERED = 8  # readings, the newest; each holds a few thousand bytes for every token
HEAD_CHUNK = 32  # positions whose logits exist at once: 32 x 152k float32 is 20 MB, and there are ten such tensors


@dataclass(frozen=True)
class Reading:
    """What the base thinks of an answer of T tokens; `Scorer.logprobs` of `hidden` says more.

    `own` are the log-probabilities of the answer's own tokens, nats; `likeliest` are token ids.
    """

    hidden: Tensor  # [T, D]
    own: Tensor  # [T]
    likeliest: Tensor  # [T]


class Scorer:
    """Scores rollouts with a view.

    Args:
        prefixes: shared with generation, so a prompt that was just answered is not read again.
        pause: called between pieces of work; may block (the person goes first) or raise.
    """

    def __init__(self, view: View, prefixes: PrefixStore, pause: Callable[[], None]) -> None:
        self._view, self._prefixes, self._pause = view, prefixes, pause
        self._readings: dict[Exchange, Reading] = {}

    def apart(self, known_ids: Sequence[int] = ()) -> Scorer:
        """For other prompts: they neither push out this scorer's prefixes nor depend on what is kept.

        What `known_ids` begins with is an exception: the base reads it here, if it has not yet.
        """
        prefixes = PrefixStore()
        if known_ids:
            prefixes.put(BASE, self.prefix(BASE, known_ids))
        return Scorer(self._view, prefixes, self._pause)

    def hidden(self, owner: object, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Tensor:
        """Hidden states that predict each token of the rollout, shape [T, D]."""
        return self.hidden_of_each(owner, [(prompt_ids, token_ids)])[0]

    @torch.no_grad()
    def hidden_of_each(self, owner: object, exchanges: Sequence[Exchange]) -> list[Tensor]:
        """The same for several rollouts, in one pass; at least one."""
        caches = [self.prefix(owner, prompt_ids).cache() for prompt_ids, _ in exchanges]
        texts = [[prompt_ids[-1], *token_ids[:-1]] for prompt_ids, token_ids in exchanges]
        self._pause()
        with self._weights_of(owner):
            return self._view.hidden_of_each(texts, caches)

    def read(self, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Reading:
        """What the base thinks of an answer, with the distributions of only a few tokens in memory at once."""
        return self.read_each([(prompt_ids, token_ids)])[0]

    def read_each(self, exchanges: Sequence[Exchange]) -> list[Reading]:
        """The same of several answers, in one pass, less those that it has just read."""
        asked = [(tuple(prompt_ids), tuple(token_ids)) for prompt_ids, token_ids in exchanges]
        if new := [each for each in dict.fromkeys(asked) if each not in self._readings]:
            hidden = self.hidden_of_each(BASE, new)
            read = (self._reading(token_ids, each) for (_, token_ids), each in zip(new, hidden, strict=True))
            self._readings.update(zip(new, read, strict=True))
        found = {each: self._readings.pop(each) for each in dict.fromkeys(asked)}
        self._readings = dict([*self._readings.items(), *found.items()][-REMEMBERED:])  # the newest last
        return [found[each] for each in asked]

    def _reading(self, token_ids: Sequence[int], hidden_T_D: Tensor) -> Reading:
        own, likeliest = [], []
        for part in chunks(len(token_ids)):
            logprobs_C_V = self.logprobs(hidden_T_D[part])
            own.append(of_tokens(logprobs_C_V, token_ids[part]))
            likeliest.append(logprobs_C_V.argmax(dim=-1))
        return Reading(hidden_T_D, torch.cat(own), torch.cat(likeliest))

    @torch.no_grad()
    def prefix(self, owner: object, prompt_ids: Sequence[int]) -> Prefix:
        """Keys and values of all prompt tokens but the last."""
        cache, done = self._prefixes.longest(owner, prompt_ids)
        try:
            with self._weights_of(owner):
                while done < len(prompt_ids) - 1:
                    self._pause()
                    end = min(done + PREFILL_CHUNK, len(prompt_ids) - 1)
                    self._view.hidden(torch.tensor(prompt_ids[done:end]), cache)
                    done = end
        finally:  # what was read before an interruption need not be read again
            prefix = Prefix.of(prompt_ids[:done], cache)
            self._prefixes.put(owner, prefix)
        return prefix

    @torch.no_grad()
    def logprobs(self, hidden_T_D: Tensor) -> Tensor:
        """Log-probabilities over the vocabulary, shape [T, V], float32; no adapter has a say in this last step."""
        chunks = []
        for part_C_D in hidden_T_D.split(HEAD_CHUNK):
            self._pause()
            chunks.append(self._view.logits(part_C_D).log_softmax(dim=-1))
        return torch.cat(chunks)

    def _weights_of(self, owner: object) -> AbstractContextManager[None]:
        return self._view.adapter_off() if owner == BASE else nullcontext()


def chunks(positions: int) -> list[slice]:
    """So many positions in parts whose logits may exist at once."""
    return [slice(start, start + HEAD_CHUNK) for start in range(0, positions, HEAD_CHUNK)]


def of_tokens(logprobs_T_V: Tensor, token_ids: Sequence[int]) -> Tensor:
    """The log-probability of each rollout token, shape [T]."""
    index_T_1 = torch.tensor(token_ids, device=logprobs_T_V.device)[:, None]
    return logprobs_T_V.gather(1, index_T_1)[:, 0]


def objection(told_T: Tensor, untold_T: Tensor) -> float:
    """How much the comment argues against the rollout: mean of max(0, untold - told), nats per token."""
    return (untold_T - told_T).clamp(min=0).mean().item()
