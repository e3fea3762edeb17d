"""Token generation with prompt lookup: several copied tokens are verified in one pass.

Invariant: what comes out is distributed exactly as one-token-at-a-time sampling from the
same view. A draft token is kept only if the sample at its position, drawn from the
model's own distribution, happens to be that token.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from transformers import DynamicCache

from continual_code.events import FinishReason
from continual_code.model.lookup import PromptLookup
from continual_code.model.prefix import Prefix, PrefixStore
from continual_code.model.repetition import cut_loop
from continual_code.model.views import View

PLAUSIBLE = 0.1  # of the likeliest token's probability
GUIDANCE = 0.5
PREFILL_CHUNK = 256  # tokens between two looks at the stop signal while the prompt is read


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw tokens. Temperature 0 is greedy; `draft_tokens` 0 turns prompt lookup off."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    draft_tokens: int = 15
    max_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Contrast:
    """A prompt that lacks what matters in another, and for how many tokens of the answer that counts.

    Without a limit an answer that is kept away from the usual would often not find its end.
    """

    prompt_ids: Sequence[int]
    tokens: int


@dataclass(frozen=True, slots=True)
class Generation:
    """Sampled tokens, the log of the probability each was drawn with (nats), and the end's reason.

    The stop token, when the answer ended with one, is the last of `token_ids`. An answer that goes round
    in a loop ends as "length" before it reaches that. `passes` counts the forward passes
    after the prompt.
    """

    token_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: FinishReason
    passes: int


class LogitsProcessor(Protocol):
    """Changes what is drawn, by what was written so far; for one answer."""

    def process(self, logits_T_V: Tensor, draft: Sequence[int]) -> Tensor:
        """New logits; row t is the distribution after draft[:t]."""
        ...

    def extend(self, tokens: Sequence[int]) -> None:
        """Go on by what was written."""


class Generator:
    """Generates with one view. The thread that owns the view calls it."""

    def __init__(self, view: View, stop_ids: frozenset[int], prefixes: PrefixStore) -> None:
        self._view, self._stop_ids, self._prefixes = view, stop_ids, prefixes

    @torch.no_grad()
    def generate(
        self,
        prompt_ids: Sequence[int],
        sampling: Sampling,
        *,
        owner: object,
        contrast: Contrast | None = None,
        processor: LogitsProcessor | None = None,
        similar: Sequence[Sequence[int]] = (),
        on_tokens: Callable[[Sequence[int]], None] = lambda tokens: None,
        stopped: Callable[[], bool] = lambda: False,
        is_enough: Callable[[Sequence[int]], bool] = lambda tokens: False,
    ) -> Generation:
        """Sample an answer.

        Args:
            prompt_ids: at least one token.
            owner: names the weights of the view (its revision), for the prefix store.
            contrast: see `contrasted`.
            processor: fresh.
            similar: answers that this one may resemble, the likeliest last; drafts are copied from them, too.
            on_tokens: called after each pass with the tokens it produced.
            stopped: asked before each pass; True ends the answer as "interrupted".
            is_enough: asked after each pass about the answer so far; True ends it as "stop", where that first held.
        """
        prompts = [prompt_ids, *([contrast.prompt_ids] if contrast else [])]
        caches = [cache for each in prompts if (cache := self._read_prompt(each, owner, stopped)) is not None]
        if len(caches) < len(prompts):
            return Generation((), (), "interrupted", 0)
        draw = Drawer(sampling)
        lookup = PromptLookup.before_answer(prompt_ids, similar)
        tokens: list[int] = []
        logprobs: list[float] = []
        last, passes = prompt_ids[-1], 0
        while not stopped():
            draft = lookup.draft(min(sampling.draft_tokens, sampling.max_tokens - len(tokens) - 1))
            if contrast and len(tokens) >= contrast.tokens:
                caches = caches[:1]
            hidden = self._view.hidden_of_each([[last, *draft]] * len(caches), caches)
            logits_T_V, *others = [self._view.logits(each) for each in hidden]
            if processor:
                logits_T_V = processor.process(logits_T_V, draft)
            logits_T_V = contrasted(logits_T_V, *others)
            passes += 1
            new, new_logprobs = draw.verify(logits_T_V, draft, self._stop_ids)
            if surplus := len(draft) + 1 - len(new):
                for cache in caches:
                    cache.crop(-surplus)
            tokens += new
            logprobs += new_logprobs
            looped = cut_loop(tokens, logprobs, len(new), prompt_ids)
            lookup.extend(new)
            if processor:
                processor.extend(new)
            last = new[-1]
            if not looped and (end := _enough(tokens, len(new), is_enough)):
                on_tokens(new[: len(new) - len(tokens) + end])
                return Generation(tuple(tokens[:end]), tuple(logprobs[:end]), "stop", passes)
            on_tokens(new)
            if last in self._stop_ids:
                return Generation(tuple(tokens), tuple(logprobs), "stop", passes)
            if len(tokens) >= sampling.max_tokens or looped:
                return Generation(tuple(tokens), tuple(logprobs), "length", passes)
        return Generation(tuple(tokens), tuple(logprobs), "interrupted", passes)

    def _read_prompt(
        self, prompt_ids: Sequence[int], owner: object, stopped: Callable[[], bool]
    ) -> DynamicCache | None:
        """Keys and values of all prompt tokens but the last; None when stopped."""
        cache, done = self._prefixes.longest(owner, prompt_ids)
        while done < len(prompt_ids) - 1:
            if stopped():
                return None
            end = min(done + PREFILL_CHUNK, len(prompt_ids) - 1)
            self._view.hidden(torch.tensor(prompt_ids[done:end]), cache)
            done = end
        self._prefixes.put(owner, Prefix.of(prompt_ids[:done], cache))
        return cache


def _enough(tokens: Sequence[int], fresh: int, is_enough: Callable[[Sequence[int]], bool]) -> int:
    """How many of the tokens are enough, of which the last `fresh` came in one pass; 0: not even all."""
    if not is_enough(tokens):
        return 0
    return next(count for count in range(len(tokens) - fresh + 1, len(tokens) + 1) if is_enough(tokens[:count]))


class Drawer:
    """Draws tokens from logits, with a random state of its own."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = torch.Generator().manual_seed(sampling.seed)

    def verify(
        self, logits_T_V: Tensor, draft: Sequence[int], stop_ids: frozenset[int]
    ) -> tuple[list[int], list[float]]:
        """Draw at each position until a sample differs from the draft, or stops the answer.

        Args:
            logits_T_V: T = len(draft) + 1 rows; row t is the distribution after draft[:t].

        Returns:
            Between 1 and T tokens, and the log-probability each was drawn with.
        """
        logprobs_T_V = self._distribution(logits_T_V)
        greedy = logprobs_T_V.argmax(dim=-1).tolist() if self._sampling.temperature == 0 else None
        tokens: list[int] = []
        for position in range(len(draft) + 1):
            token = greedy[position] if greedy else self._draw(logprobs_T_V[position])
            tokens.append(token)
            if token in stop_ids or position == len(draft) or token != draft[position]:
                break
        rows = torch.arange(len(tokens), device=logprobs_T_V.device)
        chosen = torch.tensor(tokens, device=logprobs_T_V.device)
        return tokens, logprobs_T_V[rows, chosen].tolist()

    def _draw(self, logprobs_V: Tensor) -> int:
        return int(torch.multinomial(logprobs_V.exp().cpu(), 1, generator=self._random))

    def _distribution(self, logits_T_V: Tensor) -> Tensor:
        if self._sampling.temperature == 0:
            return logits_T_V.log_softmax(dim=-1)
        logprobs_T_V = (logits_T_V / self._sampling.temperature).log_softmax(dim=-1)
        return nucleus(logprobs_T_V, self._sampling.top_p) if self._sampling.top_p < 1 else logprobs_T_V


def contrasted(logits_T_V: Tensor, contrast_T_V: Tensor | None = None) -> Tensor:
    """Logits in which what sets one prompt apart from another counts half as much again, among plausible tokens.

    Source: contrastive decoding (Li et al. 2210.15097), with the weights of classifier-free guidance (2306.17806).

    Args:
        contrast_T_V: logits after the other prompt; none leaves everything as it is.
    """
    if contrast_T_V is None:
        return logits_T_V
    logprobs_T_V = logits_T_V.log_softmax(dim=-1)
    plausible = logprobs_T_V >= logprobs_T_V.amax(dim=-1, keepdim=True) + math.log(PLAUSIBLE)
    guided_T_V = logprobs_T_V + GUIDANCE * (logprobs_T_V - contrast_T_V.log_softmax(dim=-1))
    return guided_T_V.masked_fill(~plausible, float("-inf"))


def nucleus(logprobs_T_V: Tensor, top_p: float) -> Tensor:
    """Keep the smallest set of tokens whose probability reaches `top_p`; renormalise (nats)."""
    ordered, order = logprobs_T_V.sort(dim=-1, descending=True)
    mass_before = ordered.exp().cumsum(dim=-1) - ordered.exp()
    dropped = torch.zeros_like(logprobs_T_V, dtype=torch.bool).scatter(-1, order, mass_before >= top_p)
    return logprobs_T_V.masked_fill(dropped, float("-inf")).log_softmax(dim=-1)
