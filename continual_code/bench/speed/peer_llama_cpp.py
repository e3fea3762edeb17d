"""llama.cpp on the official Q4_K_M file, without an adapter, through xllamacpp's wheels."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from continual_code.bench.party import serve

CONTEXT_TOKENS = 8192


class LlamaCpp:
    """One server object in this process; `lookup` turns its n-gram drafts on."""

    def __init__(self, gguf: str, lookup: bool) -> None:
        xllamacpp: Any = import_module("xllamacpp")  # a benchmark's own dependency
        params = xllamacpp.CommonParams()
        params.model.path = gguf
        params.n_ctx = CONTEXT_TOKENS
        params.n_parallel = 1
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        if lookup:
            params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
        self._server: Any = xllamacpp.Server(params)

    def answer(self, prompt_ids: Sequence[int], tokens: int) -> Mapping[str, Any]:
        """Exactly `tokens` greedy tokens to a prompt that is read from its beginning."""
        times: list[float] = []

        def hear(part: Any) -> None:
            if isinstance(part, dict) and "error" in part:
                raise RuntimeError(str(part["error"]))
            times.append(time.perf_counter())

        request = {
            "prompt": list(prompt_ids), "n_predict": tokens, "max_tokens": tokens, "temperature": 0,
            "ignore_eos": True, "cache_prompt": False, "stream": True,
        }  # fmt: skip
        started = time.perf_counter()
        self._server.handle_completions(request, hear)
        return {"first": times[0] - started, "seconds": time.perf_counter() - started, "count": tokens}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("gguf")
    parser.add_argument("--lookup", action="store_true")
    arguments = parser.parse_args()
    serve(lambda: {"answer": LlamaCpp(arguments.gguf, arguments.lookup).answer})
