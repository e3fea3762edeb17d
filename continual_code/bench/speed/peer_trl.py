"""TRL's `SDFTTrainer` doing one step on a given prompt, comment and rollout: adapter-off teacher, full logits."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from continual_code.bench.speed.party import serve
from continual_code.model.provision import require_installed
from continual_code.model.views import lora_config
from continual_code.settings import load_settings
from continual_code.templates import fill

TEACHER = fill("told", prompt="{prompt}", comment="{privileged_context}")


def step(model: str, text: str, comment: str, token_ids: Sequence[int]) -> Mapping[str, Any]:
    """Seconds of one whole training step, the model being loaded already.

    Args:
        text: the prompt, one message of the person.
        token_ids: the rollout; nothing is sampled.
    """
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    datasets, sdft = import_module("datasets"), import_module("trl.experimental.sdft")  # a benchmark's own dependencies

    class Given(sdft.SDFTTrainer):
        def _generate(self, prompt_ids: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
            return prompt_ids, [list(token_ids)]

    settings, _ = load_settings({"model": model})
    directory = require_installed(model, settings.models_dir)
    with tempfile.TemporaryDirectory(prefix="continual-code-bench-") as scratch:
        config = sdft.SDFTConfig(
            output_dir=scratch, use_cpu=not torch.cuda.is_available(), bf16=False, max_steps=1, report_to="none",
            save_strategy="no", disable_tqdm=True, per_device_train_batch_size=1, gradient_accumulation_steps=1,
            num_generations=1, max_prompt_length=None, max_completion_length=len(token_ids),
            learning_rate=settings.learning.learning_rate, distillation_mode="full_logits", distillation_alpha=0.0,
            teacher_model_kind="base", teacher_prompt_template=TEACHER,
        )  # fmt: skip
        lora = lora_config(settings.adapter.rank, settings.adapter.alpha)
        data = datasets.Dataset.from_list(
            [{"prompt": [{"role": "user", "content": text}], "privileged_context": comment}]
        )
        trainer = Given(
            model=AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16), args=config,
            train_dataset=data, processing_class=AutoTokenizer.from_pretrained(directory), peft_config=lora,
        )  # fmt: skip
        started, compute = time.perf_counter(), time.process_time()
        result = trainer.train()
        seconds, compute = time.perf_counter() - started, time.process_time() - compute
    return {"seconds": seconds, "compute": compute, "loss": result.training_loss}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    arguments = parser.parse_args()
    serve(lambda: {"step": lambda **details: step(arguments.model, **details)})
