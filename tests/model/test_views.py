"""Two views on one base: shared weights, adapters of their own, and a base that is the base."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import spread, tiny_base, tiny_views
from torch import Tensor
from transformers import AutoModelForCausalLM

from continual_code.errors import Interrupted, StateError
from continual_code.model.views import View, Views

IDS = torch.tensor([7, 120, 33, 260, 9, 301, 44])


@pytest.fixture
def views(tiny_model: Path) -> Views:
    return tiny_views(tiny_base(tiny_model))


@torch.no_grad()
def logits(view: View) -> Tensor:
    return view.logits(view.hidden(IDS))


def plain_logits(directory: Path) -> Tensor:
    module = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    with torch.no_grad():
        return module(input_ids=IDS[None]).logits[0]


def all_tensors(view: View) -> list[Tensor]:
    return [*view._peft.parameters(), *view._peft.buffers()]


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_both_views_stand_on_the_same_base_memory(views: Views) -> None:
    pairs = zip(views.serving._peft.named_parameters(), views.learning._peft.named_parameters(), strict=True)
    kinds = {("lora_" in name, a.data_ptr() == b.data_ptr()) for (name, a), (_, b) in pairs}
    buffers = zip(views.serving._peft.buffers(), views.learning._peft.buffers(), strict=True)
    assert kinds == {(False, True), (True, False)}, "base shared, LoRA not, and nothing else"
    assert all(a.data_ptr() == b.data_ptr() for a, b in buffers)


def test_the_second_view_costs_its_lora_and_nothing_more(views: Views) -> None:
    def storage(tensors: list[Tensor]) -> int:
        unique = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
        return sum(unique.values())

    one = storage(all_tensors(views.serving))
    both = storage([*all_tensors(views.serving), *all_tensors(views.learning)])
    lora = sum(tensor.nbytes for tensor in views.learning.tensors().values())
    assert both == one + lora
    assert lora < one / 2


def test_only_what_a_lora_adds_learns_and_not_what_it_reads(views: Views) -> None:
    def count(kind: str) -> int:
        return sum(tensor.numel() for name, tensor in views.initial.items() if kind in name)

    def learning() -> int:
        return sum(parameter.numel() for parameter in views.learning.parameters())

    assert learning() == count(".lora_B.") > 0
    with views.learning.adapter_off():
        pass
    assert learning() == count(".lora_B."), "turning the adapter on again lets nothing else learn"
    with views.learning.whole_lora():
        assert learning() == count(".lora_A.") + count(".lora_B.")
    assert learning() == count(".lora_B.")


def test_a_listener_hears_what_every_lora_reads_and_only_while_it_listens(views: Views) -> None:
    heard: dict[str, tuple[int, ...]] = {}
    with views.learning.listening(lambda name, x: heard.update({name: tuple(x.shape)})):
        views.learning.hidden(IDS)
    expected = {name: (len(IDS), tensor.shape[1]) for name, tensor in views.initial.items() if ".lora_A." in name}
    assert heard == expected
    heard.clear()
    views.learning.hidden(IDS)
    assert not heard


def test_a_fresh_view_answers_like_the_base(views: Views, tiny_model: Path) -> None:
    assert torch.allclose(logits(views.serving), plain_logits(tiny_model), atol=1e-4)


def test_with_the_adapter_off_the_view_is_the_base_and_with_it_on_it_is_not(views: Views, tiny_model: Path) -> None:
    """Scoring the base with the adapter on would make every comparison with it zero for ever."""
    views.learning.load(spread(views.initial))
    expected = plain_logits(tiny_model)
    with views.learning.adapter_off():
        off = logits(views.learning)
    on = logits(views.learning)
    assert torch.allclose(off, expected, atol=1e-4)
    assert (on - expected).abs().max() > 0.1
    assert torch.equal(logits(views.learning), on), "the adapter is on again after the block"


def test_the_adapter_stays_off_in_a_block_when_a_block_within_it_ends(views: Views, tiny_model: Path) -> None:
    views.learning.load(spread(views.initial))
    with views.learning.adapter_off():
        with views.learning.adapter_off():
            pass
        off = logits(views.learning)
    assert torch.allclose(off, plain_logits(tiny_model), atol=1e-4)
    assert not torch.allclose(logits(views.learning), off, atol=1e-4)


def test_the_adapter_is_on_and_learns_again_even_after_an_error_in_the_block(views: Views) -> None:
    views.learning.load(spread(views.initial))
    on, learnable = logits(views.learning), len(views.learning.parameters())

    def fail() -> None:
        with views.learning.adapter_off():
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert torch.equal(logits(views.learning), on)
    assert len(views.learning.parameters()) == learnable


def test_what_one_view_does_leaves_the_other_as_it_was(views: Views) -> None:
    before = logits(views.serving)
    views.learning.load(spread(views.initial))
    assert torch.equal(logits(views.serving), before)
    with views.learning.adapter_off():
        views.serving.load(spread(views.initial, seed=2))
        assert not torch.allclose(logits(views.serving), before, atol=1e-2), "its own adapter stays on"


def test_tensors_come_back_as_they_were_loaded_and_are_copies(views: Views) -> None:
    adapter = spread(views.initial)
    views.serving.load(adapter)
    taken = views.serving.tensors()
    assert same(taken, adapter)
    views.serving.load(views.initial)
    assert same(taken, adapter)


def damaged(adapter: dict[str, Tensor], damage: str) -> dict[str, Tensor]:
    *_, last = adapter
    if damage == "wrong shape":
        return {**adapter, last: torch.zeros(1, *adapter[last].shape)}
    if damage == "would broadcast":
        return {**adapter, last: torch.zeros(1, 1)}
    if damage == "missing":
        return {name: tensor for name, tensor in adapter.items() if name != last}
    return {**adapter, "base_model.model.surprise.lora_A.weight": torch.zeros(4, 64)}


@pytest.mark.parametrize("damage", ["wrong shape", "would broadcast", "missing", "one too many"])
def test_an_adapter_that_does_not_fit_is_refused_and_changes_nothing(views: Views, damage: str) -> None:
    views.serving.load(spread(views.initial))
    before = views.serving.tensors()
    with pytest.raises(StateError, match="does not fit"):
        views.serving.load(damaged(spread(views.initial, seed=2), damage))
    assert same(views.serving.tensors(), before)


def test_revision_0_is_the_same_in_every_process_whatever_was_drawn_before(tiny_model: Path) -> None:
    torch.manual_seed(1)
    first = tiny_views(tiny_base(tiny_model)).initial
    torch.manual_seed(2)
    torch.rand(100)
    state = torch.random.get_rng_state()
    second = tiny_views(tiny_base(tiny_model)).initial
    assert same(first, second)
    assert torch.equal(torch.random.get_rng_state(), state), "nobody else's random numbers are disturbed"


def test_the_lora_record_names_what_the_file_needs(views: Views) -> None:
    assert (views.lora["r"], views.lora["lora_alpha"]) == (4, 8)
    layers = {name.rsplit(".", 1)[-1] for name in views.lora["target_modules"]}
    assert layers == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def test_a_pass_pauses_at_every_layer_and_changes_nothing_by_it(views: Views) -> None:
    view, pauses = views.learning, []
    view.load(spread(views.initial, 0.1))
    before = logits(view)
    view.pause_in_layers(lambda: pytest.fail("this one was replaced"))
    view.pause_in_layers(lambda: pauses.append(1))
    assert torch.equal(logits(view), before)
    layers = len(view._body.layers)
    assert len(pauses) == layers
    view.logits(view.hidden(IDS)).sum().backward()
    assert len(pauses) == 3 * layers, "forward again, and backward"


def test_a_pass_is_left_in_the_middle_when_the_pause_raises(views: Views) -> None:
    view, stopped = views.learning, False

    def pause() -> None:
        if stopped:
            raise Interrupted("stopped")

    view.load(spread(views.initial, 0.1))
    view.pause_in_layers(pause)
    loss = view.logits(view.hidden(IDS)).sum()
    stopped = True
    with pytest.raises(Interrupted):
        loss.backward()
    with pytest.raises(Interrupted):
        view.hidden(IDS)
