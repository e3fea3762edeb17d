"""An export is an ordinary PEFT adapter, and never costs the person a file."""

import json
import stat
import subprocess
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import LlamaConfig, LlamaForCausalLM

from continual_code.adapters.card import model_card
from continual_code.adapters.export import export_peft, verify_export
from continual_code.adapters.importing import read_peft
from continual_code.errors import UsageError
from continual_code.events import Lesson

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA = {"r": 4, "lora_alpha": 8, "target_modules": MODULES}
TENSORS = {"base_model.model.layer.lora_A.weight": torch.randn(4, 8)}


def tiny_llama() -> LlamaForCausalLM:
    torch.manual_seed(3)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=64, max_position_embeddings=64,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def write(directory: Path, tensors=TENSORS, card: str = "# card") -> Path:
    return export_peft(directory, tensors=tensors, lora=LORA, base_model="org/base", card=card)


def test_plain_peft_gives_the_same_logits(tmp_path: Path):
    ours = get_peft_model(tiny_llama(), LoraConfig(task_type="CAUSAL_LM", **LORA)).eval()
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.3)
    tensors = {name: tensor.clone() for name, tensor in get_peft_model_state_dict(ours).items()}
    assert len(tensors) == 2 * 2 * len(MODULES)
    directory = write(tmp_path / "adapter", tensors)

    theirs = PeftModel.from_pretrained(tiny_llama(), directory).eval()
    tokens = torch.arange(20).reshape(2, 10)
    with torch.no_grad():
        logits, expected, base = theirs(tokens).logits, ours(tokens).logits, tiny_llama()(tokens).logits
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)
    assert (expected - base).abs().max() > 0.1, "an adapter without effect would prove nothing"

    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    back = read_peft(directory, base_model="org/base", lora=LORA, shapes=shapes)
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


def test_what_peft_itself_saves_can_be_read_back(tmp_path: Path):
    model = get_peft_model(tiny_llama(), LoraConfig(task_type="CAUSAL_LM", **LORA))
    model.save_pretrained(str(tmp_path))
    config = tmp_path / "adapter_config.json"  # named only now: while saving, PEFT would look for "org/base" online
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": "org/base"}))
    tensors = get_peft_model_state_dict(model)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert read_peft(tmp_path, base_model="org/base", lora=LORA, shapes=shapes).keys() == tensors.keys()


def test_the_sums_are_what_sha256sum_expects(tmp_path: Path):
    directory = write(tmp_path / "adapter")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=directory, check=True, capture_output=True)
    assert verify_export(directory) is None


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json", "README.md", "SHA256SUMS"])
def test_a_changed_byte_is_noticed(tmp_path: Path, name: str):
    directory = write(tmp_path / "adapter")
    data = bytearray((directory / name).read_bytes())
    data[-2] ^= 1
    (directory / name).write_bytes(data)
    assert verify_export(directory) is not None


def test_an_export_is_for_this_person_alone_and_leaves_nothing_beside_it(tmp_path: Path):
    directory = write(tmp_path / "adapter")
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(item.stat().st_mode) for item in directory.iterdir()} == {0o600}
    assert [item.name for item in tmp_path.iterdir()] == ["adapter"]


def test_an_earlier_export_and_an_empty_directory_are_replaced(tmp_path: Path):
    (tmp_path / "adapter").mkdir()
    write(tmp_path / "adapter", card="# first")
    write(tmp_path / "adapter", card="# second")
    assert (tmp_path / "adapter" / "README.md").read_text() == "# second"
    assert [item.name for item in tmp_path.iterdir()] == ["adapter"]


@pytest.mark.parametrize("change", ["a file of theirs", "a changed card", "a folder", "a file there", "a link there"])
def test_nothing_else_is_overwritten(tmp_path: Path, change: str):
    directory = tmp_path / "adapter"
    if change == "a file there":
        directory.write_text("mine")
    elif change == "a link there":
        directory.symlink_to(write(tmp_path / "elsewhere"))
    else:
        write(directory)
    if change == "a file of theirs":
        (directory / "notes.md").write_text("mine")
    elif change == "a changed card":
        (directory / "README.md").write_text("mine")
    elif change == "a folder":
        (directory / "checkpoints").mkdir()
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match="in the way"):
        write(directory, card="# new")
    assert snapshot(tmp_path) == before


def snapshot(directory: Path) -> dict[Path, bytes | None]:
    return {item: item.read_bytes() if item.is_file() else None for item in directory.rglob("*")}


def test_a_failure_half_way_leaves_the_earlier_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    directory = write(tmp_path / "adapter", card="# first")
    before = snapshot(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("continual_code.adapters.export.publish_dir", fail)
    with pytest.raises(OSError, match="space"):
        write(directory, card="# second")
    assert snapshot(tmp_path) == before


def card(**changes) -> str:
    lesson = Lesson(
        "l1", "p1", "a.py", "Keep | the\norder <b>`now`</b> [x](http://e.vil)", "learned", created="2030-01-01"
    )
    values = {
        "base_model": "org/base", "base_digest": "abc123", "revision": 7, "lora": LORA, "created": "2030-01-02",
        "settings": {"learning_rate": 0.0005}, "lessons": [lesson],
    }  # fmt: skip
    return model_card(**{**values, **changes})


def test_the_card_says_what_it_is_what_taught_it_and_how_to_load_it():
    text = card()
    for part in ("org/base", "abc123", "revision 7", "rank 4", "learning&#95;rate", "0.0005", "2030-01-01", "Limits"):
        assert part in text
    code = text.split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) == 5
    compile(code, "card", "exec")


def test_a_comment_stays_in_its_cell():
    [row] = [line for line in card().splitlines() if line.startswith("| l1 ")]
    assert row.count("|") == 6
    assert not set("<>[`*") & set(row)


def test_names_from_outside_cannot_leave_the_header_or_the_code():
    hostile = 'x"\n---\n"""; import os; {0} {base}'
    text = card(base_model=hostile)
    assert text.split("---\n")[1].splitlines()[0] == f"base_model: {json.dumps(hostile)}"
    code = text.split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) == 5
    compile(code, "card", "exec")
