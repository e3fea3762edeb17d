"""How far lessons have moved the model on text that has nothing to do with any of them.

Invariant: no lesson is ever learned on this text, and what the base thinks of it is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from continual_code.learning.divergence import forward_kl
from continual_code.model.views import View

PROBES, TOKENS = 4, 24  # answers, and how much of the beginning of each

Exchange = tuple[Sequence[int], Sequence[int]]  # token ids of a prompt and of its answer


class Drift:
    """Measures a view's adapter against its base, in about a second for a small model on a CPU.

    Args:
        exchanges: the first few are used.
    """

    def __init__(self, view: View, exchanges: Sequence[Exchange]) -> None:
        self._view = view
        self._probes = [(prompt, answer[:TOKENS]) for prompt, answer in exchanges[:PROBES]]
        self._base: list[Tensor] | None = None

    def measure(self, pause: Callable[[], None]) -> float:
        """KL(base, student) with the adapter that is loaded now: the mean over tokens, nats."""
        if self._base is None:
            with self._view.adapter_off():
                self._base = [self._read(*probe, pause) for probe in self._probes]
        divergences = [
            forward_kl(self._logprobs(self._read(*probe, pause)), self._logprobs(base_T_D))
            for probe, base_T_D in zip(self._probes, self._base, strict=True)
        ]
        return torch.cat(divergences).mean().item()

    @torch.no_grad()
    def _read(self, prompt: Sequence[int], answer: Sequence[int], pause: Callable[[], None]) -> Tensor:
        """Hidden states that predict each token of the answer, [T, D]."""
        pause()
        return self._view.hidden(torch.tensor([*prompt, *answer[:-1]]))[len(prompt) - 1 :]

    @torch.no_grad()
    def _logprobs(self, hidden_T_D: Tensor) -> Tensor:
        return self._view.logits(hidden_T_D).log_softmax(dim=-1)
