"""The obvious way to serve a LoRA: transformers' `generate` with PEFT's adapter active."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from peft import get_peft_model
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList

from continual_code.bench.loading import peer_dtype
from continual_code.bench.party import serve
from continual_code.model.provision import require_installed
from continual_code.model.views import lora_config
from continual_code.settings import load_settings

LOOKUP_TOKENS = 10  # transformers' documentation uses it


class _FirstToken(StoppingCriteria):
    """Notes when it was first asked; stops nothing."""

    def __init__(self) -> None:
        self.at: float | None = None

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:  # type: ignore[override]
        self.at = self.at or time.perf_counter()
        return torch.zeros(len(input_ids), dtype=torch.bool)


class Transformers:
    """A model as its documentation loads it."""

    def __init__(self, model: str) -> None:
        settings, _ = load_settings({"model": model})
        directory = require_installed(model, settings.models_dir)
        module: Any = AutoModelForCausalLM.from_pretrained(directory, dtype=peer_dtype())
        config = lora_config(settings.adapter.rank, settings.adapter.alpha)
        self._model: Any = get_peft_model(module, config).eval()

    def answer(self, prompt_ids: Sequence[int], tokens: int, lookup: bool) -> Mapping[str, Any]:
        """Exactly `tokens` greedy tokens."""
        first = _FirstToken()
        ids = torch.tensor([list(prompt_ids)])
        started = time.perf_counter()
        with torch.no_grad():
            out = self._model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=tokens,
                temperature=None, top_p=None, top_k=None, repetition_penalty=1.0, eos_token_id=None, pad_token_id=0,
                stopping_criteria=StoppingCriteriaList([first]),
                **({"prompt_lookup_num_tokens": LOOKUP_TOKENS} if lookup else {}),
            )  # fmt: skip
        seconds = time.perf_counter() - started
        return {"first": (first.at or 0) - started, "seconds": seconds, "count": out.shape[1] - len(prompt_ids)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    arguments = parser.parse_args()
    serve(lambda: {"answer": Transformers(arguments.model).answer})
