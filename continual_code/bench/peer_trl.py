"""TRL's `SDFTTrainer` on a given prompt, comment and rollout: one step to be timed, or a whole lesson.

Invariant: nothing is sampled, and the teacher is the model without its adapter, told the comment in our words.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from peft import PeftMixedModel, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from continual_code.bench.loading import load_installed, peer_dtype
from continual_code.bench.party import serve
from continual_code.model.provision import require_installed
from continual_code.model.views import lora_config
from continual_code.settings import Settings, load_settings
from continual_code.templates import fill

TEACHER = fill("told", prompt="{prompt}", comment="{privileged_context}")


def step(model: str, text: str, comment: str, token_ids: Sequence[int]) -> Mapping[str, Any]:
    """One step over the whole vocabulary, on the weights as they are published.

    Args:
        text: the prompt, one message of the person.
    """
    settings, _ = load_settings({"model": model})
    directory = require_installed(model, settings.models_dir)
    causal = AutoModelForCausalLM.from_pretrained(directory, dtype=peer_dtype())
    return _train(
        get_peft_model(causal, lora_config(settings.adapter.rank, settings.adapter.alpha)), directory,
        [{"role": "user", "content": text}], comment, token_ids,
        use_cpu=not torch.cuda.is_available(), max_steps=1, learning_rate=settings.learning.learning_rate,
        distillation_mode="full_logits", distillation_alpha=0.0,
    )  # fmt: skip


def lesson(
    settings: Mapping[str, Any],
    adapter: str,
    messages: Sequence[Mapping[str, str]],
    comment: str,
    token_ids: Sequence[int],
    updates: int,
    learning_rate: float,
) -> Mapping[str, Any]:
    """The updates of a lesson at the trainer's usual settings, on the frozen weights as the program serves them.

    Args:
        adapter: a file of LoRA tensors to start from; it is overwritten by what was learned.
        updates: how often the one rollout is used; from the second time on it is weighed by importance.
    """
    ours = Settings.model_validate(settings)
    base = load_installed(ours)
    model = get_peft_model(base.module, lora_config(ours.adapter.rank, ours.adapter.alpha))
    set_peft_model_state_dict(model, load_file(adapter))
    figures = _train(
        model, base.directory, messages, comment, token_ids,
        use_cpu=base.placement.device == "cpu", max_steps=updates, num_iterations=updates, learning_rate=learning_rate,
    )  # fmt: skip
    learned = get_peft_model_state_dict(model)
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in learned.items()}, adapter)
    return figures


def _train(
    model: PeftModel | PeftMixedModel,
    directory: Path,
    messages: Sequence[Mapping[str, str]],
    comment: str,
    token_ids: Sequence[int],
    **chosen: Any,
) -> dict[str, Any]:
    """Train in place; seconds of the training alone, the model being loaded already.

    Args:
        directory: of the tokenizer.
        chosen: settings of the trainer beside those that one given rollout asks for.
    """
    os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
    datasets, sdft = import_module("datasets"), import_module("trl.experimental.sdft")  # a benchmark's own dependencies

    class Given(sdft.SDFTTrainer):
        def _generate(self, prompt_ids: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
            return prompt_ids, [list(token_ids)]

    with tempfile.TemporaryDirectory(prefix="continual-code-bench-") as scratch:
        config = sdft.SDFTConfig(
            output_dir=scratch, bf16=False, report_to="none", save_strategy="no", disable_tqdm=True,
            per_device_train_batch_size=1, gradient_accumulation_steps=1, num_generations=1, max_prompt_length=None,
            max_completion_length=len(token_ids), teacher_model_kind="base", teacher_prompt_template=TEACHER, **chosen,
        )  # fmt: skip
        data = datasets.Dataset.from_list([{"prompt": list(messages), "privileged_context": comment}])
        trainer = Given(
            model=model, args=config, train_dataset=data, processing_class=AutoTokenizer.from_pretrained(directory)
        )
        started, compute = time.perf_counter(), time.process_time()
        result = trainer.train()
        seconds, compute = time.perf_counter() - started, time.process_time() - compute
    return {"seconds": seconds, "compute": compute, "loss": result.training_loss}


if __name__ == "__main__":
    serve(lambda: {"step": step, "lesson": lesson})
