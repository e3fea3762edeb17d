"""How far lessons have moved the model on text that has nothing to do with any of them.

Invariant: what the base thinks of the text is read once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from continual_code.learning.divergence import forward_kl
from continual_code.learning.scoring import BASE, Exchange, Scorer, chunks


class Drift:
    """Measures adapters against their base on answers to a few prompts; at least one."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._exchanges = exchanges
        self._base: list[Tensor] | None = None

    def read_base(self, scorer: Scorer) -> list[Tensor]:
        """What is needed of the base, [T, D] for each answer; may be called ahead."""
        if self._base is None:
            self._base = scorer.hidden_of_each(BASE, self._exchanges)
        return self._base

    @torch.no_grad()
    def of(self, scorer: Scorer, owner: object) -> float:
        """KL(base, student), the mean over all tokens, nats; the student is what the scorer's view holds, `owner`."""
        base_T_D = torch.cat(self.read_base(scorer))
        student_T_D = torch.cat(scorer.hidden_of_each(owner, self._exchanges))
        divergences = [
            forward_kl(scorer.logprobs(student_T_D[part]), scorer.logprobs(base_T_D[part]))
            for part in chunks(len(base_T_D))
        ]
        return torch.cat(divergences).mean().item()
