"""Adapters from outside are refused quickly, in little memory, before anything of them can run (S14)."""

import json
import os
import pickle
import resource
import time
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save as format_tensors

from continual_code.adapters.export import export_peft
from continual_code.adapters.importing import read_peft
from continual_code.errors import ImportRefused

LORA = {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
NAME = "base_model.model.layer.lora_A.weight"
TENSORS = {NAME: torch.ones(2, 8)}
CONFIG, DATA = "adapter_config.json", "adapter_model.safetensors"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return export_peft(tmp_path / "adapter", tensors=TENSORS, lora=LORA, base_model="org/base", card="# card")


def read(directory: Path) -> dict[str, torch.Tensor]:
    return read_peft(directory, base_model="org/base", lora=LORA, shapes={NAME: (2, 8)})


def tensors(directory: Path, data: bytes) -> None:
    (directory / "SHA256SUMS").unlink()
    (directory / DATA).write_bytes(data)


def settings(**changes: object):
    def change(directory: Path) -> None:
        (directory / "SHA256SUMS").unlink()
        config = json.loads((directory / CONFIG).read_text())
        (directory / CONFIG).write_text(json.dumps({**config, **changes}))

    return change


class Attack:
    """Makes a directory when unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def pickled(directory: Path) -> bytes:
    return pickle.dumps(Attack(directory.parent / "ran"))


def add_pickle(directory: Path) -> None:
    (directory / "adapter_model.bin").write_bytes(pickled(directory))


def pickle_under_the_right_name(directory: Path) -> None:
    tensors(directory, pickled(directory))


def zip_with_a_climbing_member(directory: Path) -> None:
    with zipfile.ZipFile(directory / "adapter.zip", "w") as archive:
        archive.writestr("../../evil", "x")


def zip_under_the_right_name(directory: Path) -> None:
    (directory / DATA).unlink()
    with zipfile.ZipFile(directory / DATA, "w") as archive:
        archive.writestr("../../evil", "x")
    (directory / "SHA256SUMS").unlink()


def link(directory: Path) -> None:
    target = directory.parent / "elsewhere"
    (directory / DATA).rename(target)
    (directory / DATA).symlink_to(target)


def pipe(directory: Path) -> None:
    (directory / DATA).unlink()
    os.mkfifo(directory / DATA)


def huge_header(directory: Path) -> None:
    tensors(directory, (1 << 60).to_bytes(8, "little") + b"{}")


def million_tensors(directory: Path) -> None:
    entry = b'{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = b"{" + b",".join(b'"%d":%s' % (number, entry) for number in range(1_000_000)) + b"}"
    tensors(directory, len(header).to_bytes(8, "little") + header)


def deep_header(directory: Path) -> None:
    header = b"[" * 500_000
    tensors(directory, len(header).to_bytes(8, "little") + header)


def huge_shape(directory: Path) -> None:
    header = json.dumps({NAME: {"dtype": "F32", "shape": [1 << 40, 1 << 20], "data_offsets": [0, 0]}}).encode()
    tensors(directory, len(header).to_bytes(8, "little") + header)


def sparse_giant(directory: Path) -> None:
    tensors(directory, b"")
    os.truncate(directory / DATA, 1 << 40)


ATTACKS = {
    "pickle beside": add_pickle,
    "pickle inside": pickle_under_the_right_name,
    "zip beside": zip_with_a_climbing_member,
    "zip inside": zip_under_the_right_name,
    "symbolic link": link,
    "pipe": pipe,
    "header of 2^60 bytes": huge_header,
    "a million tensors": million_tensors,
    "deeply nested header": deep_header,
    "shape of 2^60": huge_shape,
    "sparse terabyte": sparse_giant,
    "empty": lambda directory: tensors(directory, b""),
    "NaN": lambda directory: tensors(directory, format_tensors({NAME: torch.full((2, 8), float("nan"))})),
    "another shape": lambda directory: tensors(directory, format_tensors({NAME: torch.ones(8, 2)})),
    "another type": lambda directory: tensors(directory, format_tensors({NAME: torch.ones(2, 8, dtype=torch.int64)})),
    "one tensor more": lambda directory: tensors(directory, format_tensors({**TENSORS, "x": torch.ones(1)})),
    "other bytes than summed": lambda directory: (directory / DATA).write_bytes(
        format_tensors({NAME: torch.zeros(2, 8)})
    ),
    "chat template": lambda directory: (directory / "chat_template.jinja").write_text("{% for i in range(10**9) %}"),
    "code": lambda directory: (directory / "modeling_evil.py").write_text("import os"),
    "auto mapping": settings(auto_mapping={"base_model_class": "Evil", "parent_library": "os"}),
    "auto map": settings(auto_map={"AutoModel": "modeling_evil.Evil"}),
    "base is a path": settings(base_model_name_or_path="../../../etc"),
    "base is missing": settings(base_model_name_or_path=None),
    "another kind": settings(peft_type="PROMPT_TUNING"),
    "base weights changed": settings(init_lora_weights="pissa"),
    "whole modules saved": settings(modules_to_save=["lm_head"]),
    "another scale": settings(lora_alpha=4000),
    "unknown setting": settings(runtime_hook="os.system"),
    "configuration is a list": lambda directory: (directory / CONFIG).write_text("[]"),
    "configuration nested": lambda directory: (directory / CONFIG).write_text("[" * 100_000),
    "configuration with a giant number": lambda directory: (directory / CONFIG).write_text("9" * 100_000),
    "configuration missing": lambda directory: (directory / CONFIG).unlink(),
}  # fmt: skip


def test_a_sound_adapter_is_read(directory: Path):
    assert torch.equal(read(directory)[NAME], TENSORS[NAME])
    settings(peft_version="0.21.2", use_dora=False, modules_to_save=None, rank_pattern={})(directory)
    assert torch.equal(read(directory)[NAME], TENSORS[NAME])


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_at_once_and_runs_nothing(directory: Path, attack: str):
    ATTACKS[attack](directory)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(ImportRefused):
        read(directory)
    assert time.perf_counter() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024
    assert not (directory.parent / "ran").exists()


def test_a_directory_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(ImportRefused):
        read(tmp_path / "nowhere")


def test_control_the_pickle_would_have_run(directory: Path):
    pickle.loads(pickled(directory))
    assert (directory.parent / "ran").exists()
