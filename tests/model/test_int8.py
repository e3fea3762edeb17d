"""int8 products: close to the float ones, the same for a row in any batch, differentiable, and kept on disk."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from tiny import tiny_base, tiny_views
from torch import nn

from continual_code.model import int8
from continual_code.model.base import load_base
from continual_code.model.device import choose
from continual_code.model.int8 import FEW_ROWS, Int8Linear, make_int8, pack, quantise
from continual_code.model.int8_file import load_int8

WIDTH = 896  # of a small model's hidden states
IDS = torch.tensor([5, 9, 200, 17, 40, 3, 77, 120])


@pytest.fixture(autouse=True, params=["by AVX2", "by units"])
def units(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether rows are multiplied as on a CPU with int8 units; one that has them can also do without."""
    wanted = request.param == "by units"
    if wanted and not int8.HAS_UNITS:
        pytest.skip("this CPU has no int8 units")
    monkeypatch.setattr(int8, "HAS_UNITS", wanted)
    monkeypatch.setattr(int8, "STEPS", int8.BY_UNITS if wanted else int8.BY_AVX2)
    return wanted


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(48, WIDTH, generator=torch.Generator().manual_seed(1)).bfloat16()


@pytest.fixture
def rows() -> torch.Tensor:
    rows = torch.randn(FEW_ROWS + 4, WIDTH, generator=torch.Generator().manual_seed(2))
    rows[0] *= 500  # the first token of a prompt is like that in real models
    return rows


def layer_of(weight: torch.Tensor) -> Int8Linear:
    layer = nn.Linear(WIDTH, 48, bias=True, dtype=torch.bfloat16)
    layer.weight = nn.Parameter(weight.clone(), requires_grad=False)
    layer.bias = nn.Parameter(torch.linspace(-1, 1, 48))
    holder = nn.Sequential(layer).requires_grad_(False)
    make_int8(holder)
    assert isinstance(holder[0], Int8Linear)
    return holder[0]


def relative_error(found: torch.Tensor, exact: torch.Tensor) -> float:
    return ((found - exact).norm(dim=1) / exact.norm(dim=1)).max().item()


@pytest.mark.parametrize("packed", [False, True])
def test_every_row_is_within_two_percent_beside_a_row_five_hundred_times_larger(weight, rows, packed):
    layer = layer_of(weight)
    if packed:
        pack(layer)
    exact = rows @ weight.float().T + layer.bias
    few, many = rows[:FEW_ROWS], rows
    assert relative_error(layer(few), exact[:FEW_ROWS]) < 0.02
    assert relative_error(layer(many), exact) < 0.02


@pytest.mark.parametrize("packed", [False, True])
def test_a_row_gives_the_same_product_alone_and_in_any_batch(weight, rows, packed):
    layer = layer_of(weight)
    if packed:
        pack(layer)
    together = layer(rows[:FEW_ROWS])
    alone = torch.cat([layer(row[None]) for row in rows[:FEW_ROWS]])
    assert torch.equal(together, alone)


def test_what_is_not_packed_yet_gives_the_same_product(weight, rows):
    early, packed = layer_of(weight), layer_of(weight)
    pack(packed)
    assert packed.packed.product is not None
    torch.testing.assert_close(packed(rows[:FEW_ROWS]), early(rows[:FEW_ROWS]), rtol=1e-5, atol=1e-5)


def test_a_few_values_far_above_all_others_do_not_coarsen_the_rest_by_avx2(weight, rows, units):
    if units:
        pytest.skip("units round to more steps")
    rows[:, [3, 70, 500, 895]] *= 300
    assert relative_error(layer_of(weight)(rows), rows @ weight.float().T + torch.linspace(-1, 1, 48)) < 0.02


def test_a_row_of_zeros_gives_zeros(weight):
    layer = layer_of(weight)
    assert torch.equal(layer(torch.zeros(2, WIDTH)), layer.bias.expand(2, 48))


def test_the_gradient_is_that_of_the_quantised_weight_and_the_weight_gets_none(weight, rows):
    layer = layer_of(weight)
    integers, scale = quantise(weight)
    inputs, upstream = rows.clone().requires_grad_(), torch.randn(len(rows), 48)
    layer(inputs).backward(upstream)
    assert inputs.grad is not None
    assert relative_error(inputs.grad, upstream @ (integers.float() * scale[:, None])) < 0.02
    assert layer.weight.grad is None


def test_a_copy_shares_the_packed_weight(weight):
    layer = layer_of(weight)
    twin = copy.deepcopy(layer, {id(layer.weight): layer.weight})
    pack(layer)
    assert twin.packed.product is layer.packed.product is not None


def test_an_int8_model_predicts_almost_what_the_float_one_does(tiny_model: Path):
    rounded, exact = (tiny_views(tiny_base(tiny_model, name)).serving for name in ("int8", "float32"))
    with torch.no_grad():
        found, wanted = (view.logits(view.hidden(IDS)).log_softmax(-1) for view in (rounded, exact))
    divergence = (wanted.exp() * (wanted - found)).sum(-1).mean()
    assert 0 < divergence < 0.01  # 0 would mean that nothing was quantised


def test_learning_through_int8_reaches_every_lora_and_no_weight(tiny_model: Path):
    views = tiny_views(tiny_base(tiny_model, "int8"))
    frozen = {name: tensor.clone() for name, tensor in views.learning._peft.named_parameters() if "lora" not in name}
    optimizer = torch.optim.SGD(views.learning.parameters(), lr=1.0)
    for _ in range(2):  # B starts at zero, so the first pass gives A no gradient
        views.learning.logits(views.learning.hidden(IDS)).square().sum().backward()
        optimizer.step()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in views.learning.parameters()
    )
    after = dict(views.learning._peft.named_parameters())
    assert all(torch.equal(frozen[name], after[name]) for name in frozen)


def test_the_second_start_reads_the_kept_weights_and_gives_the_same_logits(tiny_model: Path, tmp_path: Path):
    first, second = (load_base("tiny", tiny_model, "d", precision="int8", cache=tmp_path / "kept") for _ in range(2))
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["d.int8.safetensors"]
    assert load_int8(tiny_model, tmp_path / "kept" / "d.int8.safetensors") is not None
    with torch.no_grad():
        logits = [base.module(IDS[None]).logits for base in (first, second)]
    assert torch.equal(*logits)
    assert first.chat.stop_ids == second.chat.stop_ids


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign"])
def test_kept_weights_that_cannot_be_read_are_made_again(tiny_model: Path, tmp_path: Path, damage: str):
    kept = tmp_path / "d.int8.safetensors"
    load_base("tiny", tiny_model, "d", precision="int8", cache=tmp_path)
    whole = kept.read_bytes()
    kept.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "foreign": b"\x00" * 64}[damage])
    base = load_base("tiny", tiny_model, "d", precision="int8", cache=tmp_path)
    assert any(isinstance(child, Int8Linear) for child in base.module.modules())
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_only_costs_time(tiny_model: Path, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    base = load_base("tiny", tiny_model, "d", precision="int8", cache=tmp_path / "file")
    assert base.placement.precision == "int8"


def test_a_cpu_that_multiplies_int8_well_does_and_another_one_does_not(monkeypatch: pytest.MonkeyPatch):
    for capabilities, precision in (
        ({"avx512_vnni": True, "avx512_bf16": True}, "int8"),
        ({"avx2": True}, "int8"),
        ({"neon": True}, "mixed"),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found)
        assert choose("cpu").precision == precision
