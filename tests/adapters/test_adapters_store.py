"""Revisions are complete, private, immutable, and only what is left over is swept."""

import stat
from pathlib import Path

import pytest
import torch

from continual_code.adapters.store import AdapterStore, StoredRevision
from continual_code.errors import StateError

BASE, LORA = "digest-of-base", {"r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"]}


@pytest.fixture
def store(tmp_path: Path) -> AdapterStore:
    return AdapterStore(tmp_path / "state" / "revisions")


def write(store: AdapterStore, number: int, **changes) -> StoredRevision:
    values = {
        "parent": number - 1, "lesson_ids": ("l1", "l2"), "base_digest": BASE, "lora": LORA,
        "tensors": {"a": torch.full((2, 3), float(number)), "b": torch.arange(4, dtype=torch.bfloat16)},
        "created": "2030-01-01T00:00:00+00:00",
    }  # fmt: skip
    return store.write(number=number, **{**values, **changes})


def test_what_is_written_is_what_is_loaded(store: AdapterStore):
    stored = write(store, 1, parent=None)
    manifest, tensors = store.load(1, base_digest=BASE)
    assert manifest == stored.manifest
    assert (manifest.parent, manifest.lesson_ids, manifest.lora) == (0, ("l1", "l2"), LORA)
    assert torch.equal(tensors["a"], torch.ones(2, 3))
    assert tensors["b"].dtype is torch.bfloat16
    assert store.verify(1, BASE) is None


def test_any_of_twenty_revisions_comes_back_bit_for_bit(store: AdapterStore):
    written = {number: torch.randn(8, 8) for number in range(1, 21)}
    for number, tensor in written.items():
        write(store, number, tensors={"a": tensor})
    for number, tensor in written.items():
        assert torch.equal(store.load(number, base_digest=BASE)[1]["a"], tensor)


def test_the_live_weights_may_change_after_a_revision_is_written(store: AdapterStore):
    live = torch.nn.Parameter(torch.ones(3, 2).T)
    write(store, 1, tensors={"a": live})
    with torch.no_grad():
        live.add_(1)
    assert torch.equal(store.load(1, base_digest=BASE)[1]["a"], torch.ones(2, 3))


def test_a_revision_is_for_this_person_alone(store: AdapterStore):
    write(store, 1)
    for item in (store.directory, *store.directory.rglob("*")):
        assert stat.S_IMODE(item.stat().st_mode) == (0o700 if item.is_dir() else 0o600)
    assert {item.name for item in (store.directory / "000001").iterdir()} == {"adapter.safetensors", "manifest.json"}


def test_a_number_is_written_once(store: AdapterStore):
    write(store, 1)
    with pytest.raises(StateError, match="exists"):
        write(store, 1, tensors={"a": torch.zeros(1)})
    assert torch.equal(store.load(1, base_digest=BASE)[1]["a"], torch.ones(2, 3))
    assert [item.name for item in store.directory.iterdir()] == ["000001"]


def test_sweeping_removes_halves_and_unpublished_revisions_only(store: AdapterStore):
    for number in (1, 2, 3):
        write(store, number)
    (store.directory / ".writing-abc").mkdir()
    (store.directory / ".writing-abc" / "adapter.safetensors").touch()
    (store.directory / "notes.txt").write_text("mine")
    assert store.sweep({1, 3}) == [".writing-abc", "000002"]
    assert sorted(item.name for item in store.directory.iterdir()) == ["000001", "000003", "notes.txt"]
    assert store.sweep({1, 3}) == []


def test_sweeping_for_a_journal_that_knows_nothing_keeps_what_is_complete(store: AdapterStore):
    write(store, 1)
    (store.directory / ".writing-abc").mkdir()
    assert store.sweep(()) == [".writing-abc"]
    assert store.numbers() == [1]
