"""Two module trees over one set of frozen tensors: the serving view and the learning view.

Invariant: base tensors exist once in memory and are shared by both views; each view has
LoRA tensors of its own, and only the thread that owns a view switches its adapter.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor
from torch.utils.hooks import RemovableHandle
from transformers import DynamicCache

from continual_code.errors import ModelError, StateError
from continual_code.model import attention
from continual_code.model.attention import Parts
from continual_code.model.base import Base

ROWS = 512  # of several texts in one pass; more are hardly faster, and a person would wait for the end of a layer
INIT_SEED = 20260130  # Revision 0 must be the same on every machine and after every restart.


class View:
    """One module tree with its LoRA. Not thread-safe: one thread owns it."""

    def __init__(self, module: PeftModel) -> None:
        self._peft = module
        self._causal: Any = module.get_base_model()
        self._body = self._causal.get_decoder()
        self._head = self._causal.get_output_embeddings()
        self._packs = self._causal.config._attn_implementation == attention.NAME
        self._a = [parameter for name, parameter in module.named_parameters() if ".lora_A." in name]
        self._lora = get_peft_model_state_dict(module)  # the parameters' own storage; finding them takes 20 ms
        self._adapted = [layer for layer in module.modules() if isinstance(layer, BaseTunerLayer)]
        self._pauses: list[RemovableHandle] = []
        self._learn_a(False)

    @property
    def device(self) -> torch.device:
        return self._head.weight.device

    def hidden(self, ids: Tensor, cache: DynamicCache | None = None) -> Tensor:
        """Last hidden states.

        Args:
            ids: token ids, shape [T].
            cache: keys and values of the tokens before `ids`; extended in place.

        Returns:
            Shape [T, D], in the dtype of the weights.
        """
        output = self._body(input_ids=ids[None].to(self.device), past_key_values=cache, use_cache=cache is not None)
        return output.last_hidden_state[0]

    def hidden_of_each(self, texts: Sequence[Sequence[int]], caches: Sequence[DynamicCache | None]) -> list[Tensor]:
        """Last hidden states of several texts, several in one pass where the model's attention can; see `hidden`.

        Args:
            texts: token ids; at least one each.
            caches: of what comes before each of them, if anything; extended in place. The others are nothing to it.
        """
        found: list[Tensor] = []
        while len(found) < len(texts):
            start = end = len(found)
            rows = 0
            while end < len(texts) and (end == start or (self._packs and rows + len(texts[end]) <= ROWS)):
                rows += len(texts[end])
                end += 1
            found += self._together(texts[start:end], caches[start:end])
        return found

    def _together(self, texts: Sequence[Sequence[int]], caches: Sequence[DynamicCache | None]) -> list[Tensor]:
        """See `hidden_of_each`; in one pass."""
        if len(texts) == 1:
            return [self.hidden(torch.tensor(texts[0]), caches[0])]
        lengths = [len(ids) for ids in texts]
        begins = [each.get_seq_length() if each is not None else 0 for each in caches]
        places = [torch.arange(length) + begin for length, begin in zip(lengths, begins, strict=True)]
        ids_T, places_T = torch.tensor([token for ids in texts for token in ids]), torch.cat(places)
        output = self._body(
            input_ids=ids_T[None], position_ids=places_T[None], use_cache=False, parts=Parts(lengths, caches)
        )
        return list(output.last_hidden_state[0].split(lengths))

    def logits(self, hidden_T_D: Tensor) -> Tensor:
        """Next-token logits in float32, shape [T, V]."""
        return self._head(hidden_T_D).float()

    def parameters(self) -> list[torch.nn.Parameter]:
        """What learns: every LoRA's B. What an adapter reads, its A, stays as it was made."""
        return [parameter for parameter in self._peft.parameters() if parameter.requires_grad]

    @contextmanager
    def whole_lora(self) -> Iterator[None]:
        """Within this block A learns as well."""
        self._learn_a(True)
        try:
            yield
        finally:
            self._learn_a(False)

    @contextmanager
    def listening(self, listen: Callable[[str, Tensor], None]) -> Iterator[None]:
        """Within this block `listen` gets what every LoRA reads: its A's name in `tensors`, and x, shape [T, D]."""
        hooks = []
        for name, module in self._peft.named_modules():
            if name.endswith(".lora_A.default"):
                heard = partial(_hear, listen, f"{name.removesuffix('.default')}.weight")
                hooks.append(module.register_forward_hook(heard))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def pause_in_layers(self, pause: Callable[[], None]) -> None:
        """From now on `pause` is called at every layer, forward and backward; it may block or raise."""
        for hook in self._pauses:
            hook.remove()
        self._pauses = [layer.register_forward_hook(partial(_pause_both_ways, pause)) for layer in self._body.layers]

    def tensors(self) -> dict[str, Tensor]:
        """A copy of the LoRA tensors on the CPU, named as PEFT names them in a file."""
        return {name: tensor.to("cpu", copy=True).contiguous() for name, tensor in self._lora.items()}

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Overwrite the LoRA tensors in place.

        Raises:
            StateError: names or shapes differ from this view's; nothing was changed.
        """
        own = self._lora
        if own.keys() != tensors.keys() or any(own[name].shape != tensors[name].shape for name in own):
            raise StateError("The adapter does not fit this model.", kept="The current adapter stays in use.")
        for name, tensor in tensors.items():
            own[name].copy_(tensor)

    @contextmanager
    def adapter_off(self) -> Iterator[None]:
        """Within this block the view is the plain base model.

        peft's own way looks at every parameter, and a lesson goes in and out a hundred times.
        """
        were_off = [layer.disable_adapters for layer in self._adapted]  # as a block within such a block finds them
        self._switch([True] * len(were_off))
        try:
            yield
        finally:
            self._switch(were_off)

    def _switch(self, off: Sequence[bool]) -> None:
        for layer, is_off in zip(self._adapted, off, strict=True):
            layer._disable_adapters = is_off

    def _learn_a(self, learns: bool) -> None:
        for parameter in self._a:
            parameter.requires_grad_(learns)


class Views:
    """The serving and the learning view of one base.

    Args:
        rank, alpha: of the LoRA on every linear layer but the output head.
    """

    def __init__(self, base: Base, *, rank: int, alpha: int) -> None:
        config = lora_config(rank, alpha)
        shared = {id(tensor): tensor for tensor in (*base.module.parameters(), *base.module.buffers())}
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an older name
            torch.manual_seed(INIT_SEED)
            serving = get_peft_model(base.module, config)
        if not isinstance(serving, PeftModel):
            raise ModelError("This architecture cannot carry a LoRA adapter.")
        serving.eval()
        self.serving = View(serving)
        self.learning = View(copy.deepcopy(serving, dict(shared)))
        self.lora = _config_record(serving)
        self.initial = self.serving.tensors()


def lora_config(rank: int, alpha: int) -> LoraConfig:
    """A LoRA on every linear layer but the output head."""
    return LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", lora_dropout=0.0, bias="none", task_type="CAUSAL_LM"
    )


def _hear(
    listen: Callable[[str, Tensor], None], name: str, module: torch.nn.Module, inputs: tuple[Tensor, ...], out: Tensor
) -> None:
    listen(name, inputs[0].reshape(-1, inputs[0].shape[-1]))


def _pause_both_ways(pause: Callable[[], None], module: torch.nn.Module, inputs: tuple[Any, ...], out: Any) -> None:
    pause()
    hidden = out[0] if isinstance(out, tuple) else out
    if hidden.requires_grad:
        hidden.register_hook(lambda gradient: pause())


def _config_record(module: PeftModel) -> dict[str, Any]:
    """The facts about the LoRA that a reader of the adapter file needs."""
    config = module.peft_config["default"]
    targets = sorted(config.target_modules or ())  # type: ignore[arg-type]
    return {"r": config.r, "lora_alpha": config.lora_alpha, "target_modules": targets}  # type: ignore[attr-defined]
