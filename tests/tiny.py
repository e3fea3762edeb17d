"""A tiny random chat model, made on the spot: real code paths in milliseconds, nothing downloaded.

Invariant: the same arguments give the same weights and the same tokenizer, on every machine.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from transformers.utils import logging as transformers_logging

from continual_code.model.base import Base, load_base
from continual_code.model.views import Views

END = "<|im_end|>"
SPECIAL = ["<|endoftext|>", "<|im_start|>", END]
VOCABULARY = 512  # at most: the corpus yields about 400
CORPUS = [
    "def total(values):\n    result = 0\n    for value in values:\n        result += value\n    return result\n",
    "class Box:\n    def __init__(self, name: str) -> None:\n        self.name = name\n",
    "system user assistant Please change the function so that it returns the sum of all values.",
    "import os\nfrom pathlib import Path\n\nprint('hello', 1, 2, 3)\nif x is None:\n    raise ValueError(x)\n",
]
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tiny_model(directory: Path, *, seed: int = 0) -> Path:
    """Write a model directory that `--model <directory>` accepts; returns the directory.

    Random weights of Qwen2's shape: hidden 64, 2 layers, 4 heads of which 2 keep keys and
    values, about 400 tokens of byte-level BPE.
    """
    directory.mkdir(parents=True, exist_ok=True)
    transformers_logging.disable_progress_bar()
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(directory)
    _module(seed, tokenizer).save_pretrained(directory)
    return directory


def tiny_base(directory: Path, precision: str = "float32") -> Base:
    """Load the tiny model on the CPU, making it first where there is none."""
    torch.set_num_threads(1)  # tensors this small are slower on several threads, many times so on a busy machine
    if not (directory / "config.json").is_file():
        make_tiny_model(directory)
    return load_base("tiny", directory, "0" * 64, device="cpu", precision=precision)


def tiny_views(base: Base, *, rank: int = 4, alpha: int = 8) -> Views:
    """The serving and the learning view of `base`; call it once for each base."""
    return Views(base, rank=rank, alpha=alpha)


def spread(tensors: dict[str, torch.Tensor], scale: float = 0.2, *, seed: int = 1) -> dict[str, torch.Tensor]:
    """An adapter that does something: every tensor random with this standard deviation, B included."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(tensor.shape, generator=generator) * scale for name, tensor in tensors.items()}


def _tokenizer() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, min_frequency=1, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=END, pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"], chat_template=CHAT_TEMPLATE,
    )  # fmt: skip


def _module(seed: int, tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    eos = tokenizer.convert_tokens_to_ids(END)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=True,
        initializer_range=0.15, bos_token_id=None, eos_token_id=eos, pad_token_id=0,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = Qwen2ForCausalLM(config)
    module.generation_config.eos_token_id = eos
    return module.eval()
