"""Damaged files are noticed before they are used, and the rest goes on (F8, F9)."""

import hashlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fake_learner import BASE, LORA, MODEL, Learner
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as format_tensors

from continual_code.adapters.manifest import FileEntry
from continual_code.adapters.store import AdapterStore
from continual_code.errors import StateError
from continual_code.feedback.journal import Journal, RevisionRow
from continual_code.feedback.planning import chain, plan_fallback

TENSORS = {"layer.lora_A.weight": torch.randn(8, 256), "layer.lora_B.weight": torch.randn(256, 8)}


def write(store: AdapterStore, number: int, tensors=TENSORS):
    return store.write(
        number=number, parent=number - 1, lesson_ids=(f"l{number}",), base_digest=BASE, lora=LORA, tensors=tensors,
        created="2030-01-01T00:00:00+00:00",
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> AdapterStore:
    store = AdapterStore(tmp_path / "revisions")
    write(store, 1)
    return store


def flips(data: bytes, count: int) -> Iterator[bytes]:
    places = random.Random(5)
    for _ in range(count):
        changed = bytearray(data)
        changed[places.randrange(len(data))] ^= 1 << places.randrange(8)
        yield bytes(changed)


def forge(store: AdapterStore, data: bytes, **changes) -> None:
    """Replace the tensors together with a manifest that vouches for them: only deeper checks can notice."""
    directory = store.directory / "000001"
    manifest = store.load(1, base_digest=BASE)[0]
    entry = FileEntry(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
    changed = manifest.model_copy(update={"files": {"adapter.safetensors": entry}, **changes}).sealed()
    (directory / "adapter.safetensors").write_bytes(data)
    (directory / "manifest.json").write_bytes(changed.to_bytes())


def test_f8_every_one_of_300_flipped_bits_is_noticed(store: AdapterStore):
    file = store.directory / "000001" / "adapter.safetensors"
    for damaged in flips(file.read_bytes(), 300):
        file.write_bytes(damaged)
        assert store.verify(1, BASE) is not None


def test_f8_control_safetensors_alone_loads_nearly_all_of_them(store: AdapterStore):
    def loads(data: bytes) -> bool:
        try:
            parse_tensors(data)
        except (SafetensorError, ValueError):
            return False
        return True

    sound = (store.directory / "000001" / "adapter.safetensors").read_bytes()
    assert sum(map(loads, flips(sound, 300))) >= 280


def test_f8_a_flipped_bit_in_the_manifest_never_changes_what_is_loaded(store: AdapterStore):
    file = store.directory / "000001" / "manifest.json"
    sound = store.load(1, base_digest=BASE)[0]
    noticed = 0
    for damaged in flips(file.read_bytes(), 200):
        file.write_bytes(damaged)
        if store.verify(1, BASE) is None:  # white space between the fields
            assert store.load(1, base_digest=BASE)[0] == sound
        else:
            noticed += 1
    assert noticed >= 150


@pytest.mark.parametrize("name", ["adapter.safetensors", "manifest.json"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: bytes(len(data)),
        lambda data: data + b"x",
        lambda data: data[:100] + bytes(200) + data[300:],
        lambda data: random.Random(1).randbytes(len(data)),
    ],
    ids=["one byte short", "half", "empty", "all zero", "one byte more", "zero page", "noise"],
)
def test_f8_a_damaged_file_is_noticed(store: AdapterStore, name: str, damage):
    file = store.directory / "000001" / name
    file.write_bytes(damage(file.read_bytes()))
    assert store.verify(1, BASE) is not None
    with pytest.raises(StateError, match="Revision 1 cannot be used"):
        store.load(1, base_digest=BASE)


@pytest.mark.parametrize("name", ["adapter.safetensors", "manifest.json", ""])
def test_f8_a_missing_file_is_noticed(store: AdapterStore, name: str):
    (store.directory / "000001" / name).rename(store.directory / "elsewhere")
    assert store.verify(1, BASE) is not None


def test_f8_another_base_model_is_noticed(store: AdapterStore):
    assert "another base model" in (store.verify(1, "digest-of-other-weights") or "")


def test_f8_a_revision_under_another_number_is_noticed(store: AdapterStore):
    (store.directory / "000001").rename(store.directory / "000002")
    assert store.verify(2, BASE) is not None


@pytest.mark.parametrize(
    "tensors",
    [
        {**TENSORS, "layer.lora_A.weight": torch.randn(4, 512)},
        {**TENSORS, "layer.lora_A.weight": torch.randn(8, 256).bfloat16()},
        {"layer.lora_A.weight": TENSORS["layer.lora_A.weight"]},
        {**TENSORS, "one.more": torch.zeros(1)},
    ],
    ids=["shape", "type", "missing", "extra"],
)
def test_f8_tensors_that_the_manifest_does_not_describe_are_noticed(store: AdapterStore, tensors):
    forge(store, format_tensors(tensors))
    assert "names, shapes or types" in (store.verify(1, BASE) or "")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_f8_a_number_that_is_not_finite_is_noticed_on_the_way_in_and_out(store: AdapterStore, value: float):
    broken = {name: tensor.clone() for name, tensor in TENSORS.items()}
    broken["layer.lora_B.weight"][3, 3] = value
    with pytest.raises(StateError, match="NaN or infinity"):
        write(store, 2, broken)
    assert store.numbers() == [1]
    forge(store, format_tensors(broken))
    assert "NaN or infinity" in (store.verify(1, BASE) or "")


def test_f8_the_newest_sound_ancestor_serves_and_the_lost_lessons_wait_again(tmp_path: Path):
    learner = Learner(tmp_path)
    for number in range(4):
        learner.comment(f"rule {number}")
        learner.learn_one()
    for number in (3, 4):
        (learner.store.directory / f"{number:06d}" / "adapter.safetensors").write_bytes(b"")
    journal = learner.journal
    revisions, head = journal.revisions(MODEL), journal.head(MODEL)
    sound = learner.store.newest_sound(chain(revisions, head), BASE)
    assert sound == 2
    plan = plan_fallback(sound, revisions=revisions, head=head, lessons=journal.lessons(MODEL))
    journal.rewind(MODEL, to=plan.to, requeue=plan.requeue)
    while journal.queued(MODEL):
        learner.learn_one()
    assert learner.weight()[1:5].tolist() == [1, 1, 1, 1]
    assert journal.head(MODEL) == 6
    learner.close()


def test_f8_without_a_sound_revision_only_the_base_is_left(store: AdapterStore):
    (store.directory / "000001" / "manifest.json").write_text("{}")
    assert store.newest_sound((1,), BASE) is None


# --- The journal ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_used_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    learner = Learner(home)
    for number in range(30):
        learner.comment(f"rule {number} " + random.Random(number).randbytes(400).hex())
    learner.learn_one()
    learner.close()
    return home


@pytest.fixture
def home(long_used_home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(long_used_home, tmp_path / "home")


def overwrite_page(data: bytes, page: int) -> bytes:
    return data[: page * 4096] + random.Random(page).randbytes(4096) + data[(page + 1) * 4096 :]


DAMAGES = {
    "half": lambda data: data[: len(data) // 2],
    "a page short": lambda data: data[:-4096],
    "all zero": lambda data: bytes(len(data)),
    "noise": lambda data: random.Random(1).randbytes(len(data)),
    "header": lambda data: b"not a database at all" + data[21:],
    "text": lambda data: b"hello\n" * 1000,
    **{f"page {page}": lambda data, page=page: overwrite_page(data, page) for page in range(14)},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_f9_a_damaged_journal_is_set_aside_and_the_adapter_still_serves(home: Path, damage: str):
    file = home / "journal.db"
    assert file.stat().st_size > 14 * 4096
    damaged = DAMAGES[damage](file.read_bytes())
    file.write_bytes(damaged)
    with pytest.raises(StateError, match="damaged") as raised:
        Journal(file)
    backup = home / "journal.db.damaged-1"
    assert str(backup) in raised.value.kept
    assert raised.value.do
    assert backup.read_bytes() == damaged
    assert not file.exists()
    learner = Learner(home)
    adopt_all(learner)
    assert learner.weight()[1] == 1
    learner.comment("life goes on")
    learner.learn_one()
    assert learner.store.numbers() == [1, 2]
    learner.close()


def adopt_all(learner: Learner) -> None:
    sound = [number for number in learner.store.numbers() if learner.store.verify(number, BASE) is None]
    rows = [RevisionRow(number, number - 1, f"{number:06d}", "0" * 64, ()) for number in sound]
    learner.journal.adopt(MODEL, rows, head=sound[-1])


def test_f9_a_second_damage_does_not_overwrite_the_first_backup(home: Path):
    file = home / "journal.db"
    for number in (1, 2):
        file.write_bytes(b"damage %d" % number * 100)
        with pytest.raises(StateError):
            Journal(file)
        assert (home / f"journal.db.damaged-{number}").read_bytes() == b"damage %d" % number * 100


def test_f9_a_journal_from_the_future_is_left_as_it_is(home: Path):
    file = home / "journal.db"
    change(file, "PRAGMA user_version = 99")
    before = file.read_bytes()
    with pytest.raises(StateError, match="newer"):
        Journal(file)
    assert file.read_bytes() == before
    assert [item.name for item in home.glob("journal*")] == ["journal.db"]


def test_f9_somebody_elses_database_is_left_as_it_is(tmp_path: Path):
    file = tmp_path / "journal.db"
    change(file, "CREATE TABLE photos (id INTEGER)")
    before = file.read_bytes()
    with pytest.raises(StateError, match="not a journal"):
        Journal(file)
    assert file.read_bytes() == before


def test_f9_an_empty_file_from_a_start_that_was_cut_off_becomes_a_journal(tmp_path: Path):
    (tmp_path / "journal.db").touch()
    learner = Learner(tmp_path)
    learner.comment("first")
    learner.close()


def test_f9_a_stored_proposal_with_missing_bytes_is_not_offered_as_text(home: Path):
    change(home / "journal.db", "UPDATE proposals SET content = substr(content, 1, 60) WHERE number = 3")
    journal = Journal(home / "journal.db")
    with pytest.raises(StateError, match="p3 is damaged"):
        journal.proposal("p3")
    assert journal.proposal("p4").after == "b"
    assert len(journal.lessons(MODEL)) == 30
    journal.close()


def test_f9_a_journal_out_of_reach_is_explained(tmp_path: Path):
    (tmp_path / "journal.db").mkdir()
    with pytest.raises(StateError, match="cannot be used"):
        Journal(tmp_path / "journal.db")


def change(file: Path, statement: str) -> None:
    connection = sqlite3.connect(file)
    connection.execute(statement)
    connection.commit()
    connection.close()
