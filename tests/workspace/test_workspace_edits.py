"""An accepted edit changes one file as a whole, keeps the person's conventions, and can be taken back exactly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace_trees import plant, snapshot

from continual_code.errors import WorkspaceError
from continual_code.workspace import Edits, Root, match_conventions
from continual_code.workspace.source import decode, encode

BOM = b"\xef\xbb\xbf"


def apply(edits: Edits, path: str, before: str | None, after: str):
    record = edits.prepare(path, before, after)
    edits.commit(record, after)
    return record


@pytest.mark.parametrize(
    ("raw", "text", "after", "written"),
    [
        (b"a\nb\n", "a\nb\n", "a\nc\n", b"a\nc\n"),
        (b"a\r\nb\r\n", "a\nb\n", "a\nc\nd\n", b"a\r\nc\r\nd\r\n"),
        (BOM + b"a\n", "a\n", "b\n", BOM + b"b\n"),
        (BOM + b"a\r\nb", "a\nb", "a\nc", BOM + b"a\r\nc"),
        (b"a\nb", "a\nb", "a\nc", b"a\nc"),
        (b"a\r\nb\nc\r\n", "a\r\nb\nc\r\n", "a\r\nB\nc\r\n", b"a\r\nB\nc\r\n"),
        (b"a\rb\r", "a\rb\r", "a\rc\r", b"a\rc\r"),
        (b"", "", "x\n", b"x\n"),
        ("日本\n".encode(), "日本\n", "日本語\n", "日本語\n".encode()),
    ],
    ids="LF CRLF BOM BOM+CRLF no-final-newline mixed old-Mac empty unicode".split(),  # noqa: SIM905 - reads as a row
)
@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o664])
def test_an_edit_keeps_newlines_order_mark_and_mode_and_undo_brings_every_byte_back(
    raw: bytes, text: str, after: str, written: bytes, mode: int, root: Root, edits: Edits, tree: Path
) -> None:
    file = plant(tree / "f", raw, mode)
    before = snapshot(tree)
    source = root.read("f")
    assert source is not None
    assert (source.text, source.bom, source.mode) == (text, raw.startswith(BOM), mode)
    record = apply(edits, "f", text, after)
    assert file.read_bytes() == written
    assert file.stat().st_mode & 0o7777 == mode
    edits.undo(record)
    assert snapshot(tree) == before


@given(st.text(alphabet="ab\r\n\ufeffé", max_size=12), st.booleans())
def test_reading_and_writing_a_text_again_gives_the_same_bytes(text: str, bom: bool) -> None:
    raw = (BOM if bom else b"") + text.encode()
    source = decode("f", raw, 0o644)
    assert encode("f", source.text, source) == raw


def test_a_new_file_gets_its_directories_and_the_usual_mode(edits: Edits, tree: Path) -> None:
    before = snapshot(tree)
    old = os.umask(0o027)
    try:
        record = apply(edits, "x/y/z.py", None, "new\n")
    finally:
        os.umask(old)
    assert record.created_dirs == ("x", "x/y")
    assert (tree / "x/y/z.py").stat().st_mode & 0o777 == 0o640
    edits.undo(record)
    assert snapshot(tree) == before


def test_undo_keeps_a_directory_in_which_the_person_put_something(edits: Edits, tree: Path) -> None:
    record = apply(edits, "x/y/z.py", None, "new\n")
    plant(tree / "x/notes.txt", "mine\n")
    edits.undo(record)
    assert not (tree / "x/y").exists()
    assert (tree / "x/notes.txt").read_text() == "mine\n"


def test_preparing_changes_nothing_in_the_tree_and_keeps_the_bytes_of_before(
    edits: Edits, tree: Path, tmp_path: Path
) -> None:
    before = snapshot(tree)
    record = edits.prepare("a.py", "one\n", "two\n")
    assert snapshot(tree) == before
    blob = tmp_path / "state/blobs" / str(record.before_sha)
    assert blob.read_bytes() == b"one\n"
    assert blob.stat().st_mode & 0o777 == 0o600
    assert blob.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("path", "before"), [("a.py", "other\n"), ("a.py", None), ("new.py", "one\n"), ("a.py", "one")]
)
def test_a_file_that_is_not_what_the_proposal_saw_is_left_alone(
    path: str, before: str | None, edits: Edits, tree: Path
) -> None:
    seen = snapshot(tree)
    with pytest.raises(WorkspaceError, match="changed since the proposal"):
        edits.prepare(path, before, "two\n")
    assert snapshot(tree) == seen


def test_an_edit_that_changes_nothing_is_no_edit(edits: Edits) -> None:
    with pytest.raises(WorkspaceError, match="would not change"):
        edits.prepare("a.py", "one\n", "one\n")


@pytest.mark.parametrize("after", ["a\0b", "half \ud83d", "x" * 1_000_001])
def test_a_text_that_could_not_be_read_back_is_refused(after: str, edits: Edits, tree: Path) -> None:
    seen = snapshot(tree)
    with pytest.raises(WorkspaceError):
        edits.prepare("a.py", "one\n", after)
    assert snapshot(tree) == seen


def test_a_commit_with_another_text_than_was_prepared_is_refused(edits: Edits, tree: Path) -> None:
    record = edits.prepare("a.py", "one\n", "two\n")
    with pytest.raises(WorkspaceError, match="prepared with another text"):
        edits.commit(record, "three\n")
    assert (tree / "a.py").read_text() == "one\n"


@pytest.mark.parametrize("path", ["a.py", "new.py"])
def test_what_the_person_saves_between_prepare_and_commit_wins(path: str, edits: Edits, tree: Path) -> None:
    record = edits.prepare(path, "one\n" if path == "a.py" else None, "two\n")
    plant(tree / path, "mine\n")
    seen = snapshot(tree)
    with pytest.raises(WorkspaceError, match="changed in the meantime"):
        edits.commit(record, "two\n")
    assert snapshot(tree) == seen


@pytest.mark.parametrize("path", ["a.py", "new.py"])
def test_what_the_person_saves_while_the_new_bytes_are_being_written_wins(
    path: str, edits: Edits, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = edits.prepare(path, "one\n" if path == "a.py" else None, "two\n")
    sync = os.fsync

    def save_meanwhile(descriptor: int) -> None:
        plant(tree / path, "mine\n")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", save_meanwhile)
    with pytest.raises(WorkspaceError, match="changed in the meantime"):
        edits.commit(record, "two\n")
    assert (tree / path).read_text() == "mine\n"
    assert not list(tree.rglob(".continual-code*"))


def test_undo_leaves_a_file_alone_that_the_person_edited_since(edits: Edits, tree: Path) -> None:
    changed, created = apply(edits, "a.py", "one\n", "two\n"), apply(edits, "x/new.py", None, "new\n")
    plant(tree / "a.py", "two\nmine\n")
    plant(tree / "x/new.py", "new\nmine\n")
    seen = snapshot(tree)
    for record in (changed, created):
        assert edits.state(record) == "other"
        with pytest.raises(WorkspaceError, match="changed in the meantime"):
            edits.undo(record)
    assert snapshot(tree) == seen


def test_undo_does_not_bring_back_a_file_that_the_person_removed(edits: Edits, tree: Path) -> None:
    record = apply(edits, "a.py", "one\n", "two\n")
    (tree / "a.py").unlink()
    with pytest.raises(WorkspaceError):
        edits.undo(record)
    assert not (tree / "a.py").exists()


@pytest.mark.parametrize("damage", [lambda blob: blob.write_bytes(b"oneX"), lambda blob: blob.unlink()])
def test_undo_never_restores_a_damaged_copy(damage, edits: Edits, tree: Path, tmp_path: Path) -> None:
    record = apply(edits, "a.py", "one\n", "two\n")
    damage(tmp_path / "state/blobs" / str(record.before_sha))
    with pytest.raises(WorkspaceError, match="missing or damaged"):
        edits.undo(record)
    assert (tree / "a.py").read_text() == "two\n"


def test_a_damaged_copy_is_written_anew_when_the_same_bytes_are_kept_again(
    edits: Edits, tree: Path, tmp_path: Path
) -> None:
    record = edits.prepare("a.py", "one\n", "two\n")
    (tmp_path / "state/blobs" / str(record.before_sha)).write_bytes(b"")
    record = apply(edits, "a.py", "one\n", "two\n")
    edits.undo(record)
    assert (tree / "a.py").read_text() == "one\n"


def test_the_state_follows_the_edit(edits: Edits, tree: Path) -> None:
    record = edits.prepare("new.py", None, "new\n")
    assert edits.state(record) == "before"
    edits.commit(record, "new\n")
    assert edits.state(record) == "after"
    plant(tree / "new.py", b"\0")
    assert edits.state(record) == "other"


def test_edits_of_one_file_are_undone_newest_first(edits: Edits, tree: Path) -> None:
    first, second = apply(edits, "a.py", "one\n", "two\n"), apply(edits, "a.py", "two\n", "three\n")
    with pytest.raises(WorkspaceError):
        edits.undo(first)
    edits.undo(second)
    edits.undo(first)
    assert (tree / "a.py").read_text() == "one\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_the_file_keeps_its_owner(edits: Edits, tree: Path) -> None:
    os.chown(tree / "a.py", 1234, 5678)
    record = apply(edits, "a.py", "one\n", "two\n")
    edits.undo(record)
    status = (tree / "a.py").stat()
    assert (status.st_uid, status.st_gid) == (1234, 5678)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\n", "b", "b\n"),
        ("a\n", "b\n", "b\n"),
        ("a\n", "b\n\n", "b\n\n"),
        ("a", "b\n", "b"),
        ("a", "b\n\n", "b"),
        ("a", "b", "b"),
        (None, "b", "b\n"),
        (None, "b\n\n\n", "b\n"),
        ("", "b", "b\n"),
        ("a\n", "", ""),
    ],
)
def test_the_last_line_ends_as_it_did_before(before: str | None, after: str, expected: str) -> None:
    assert match_conventions(before, after) == expected
