"""Whatever the order of edits, undos and the person's own saves, no byte that the person wrote is lost."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from workspace_trees import plant, snapshot

from continual_code.errors import WorkspaceError
from continual_code.workspace import EditRecord, Edits, Root

PATHS = ("plain.py", "crlf.txt", "bom.txt", "run.sh", "no_newline", "untracked/u.py", "new.py", "new/dir/n.py")
BYSTANDERS = {"build/ignored.o": b"\0\1", ".gitignore": b"build/\n", "nested/.git/HEAD": b"ref: refs/heads/x\n"}
BYSTANDERS |= {"nested/inner.py": b"x\r\n", "sub/.git": b"gitdir: ../.git/modules/sub\n", "sub/file": b"\xef\xbb\xbfx"}
START = {"plain.py": b"a\nb\n", "crlf.txt": b"a\r\nb\r\n", "bom.txt": b"\xef\xbb\xbfa\r\n", "run.sh": b"#!/bin/sh\n"}
START |= {"no_newline": b"a", "untracked/u.py": b"u\n"}
BYTES = st.binary(max_size=6) | st.sampled_from([b"mine\n", b"mine\r\n", b"\xef\xbb\xbfmine", b""])
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # removing 500 trees from a disk takes its time
STEPS = st.lists(
    st.tuples(st.just("edit"), st.sampled_from(PATHS), st.text(alphabet="ab\n", max_size=5))
    | st.tuples(st.just("save"), st.sampled_from(PATHS), BYTES)
    | st.tuples(st.just("remove"), st.sampled_from(PATHS), st.none())
    | st.tuples(st.just("undo"), st.integers(0, 7), st.none()),
    max_size=12,
)


@dataclass
class Desk:
    """A tree, the edits applied to it, and what each file must hold: its bytes and its mode."""

    tree: Path
    edits: Edits
    root: Root
    expected: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    applied: list[tuple[EditRecord, tuple[bytes, int] | None, tuple[bytes, int]]] = field(default_factory=list)

    def now(self, path: str) -> tuple[bytes, int] | None:
        file = self.tree / path
        return (file.read_bytes(), file.stat().st_mode & 0o7777) if file.exists() else None

    def expect(self, path: str, held: tuple[bytes, int] | None) -> None:
        self.expected.pop(path, None)
        if held is not None:
            self.expected[path] = held

    def save(self, path: str, data: bytes) -> None:
        plant(self.tree / path, data, self.now(path)[1] if self.now(path) else 0o644)
        self.expect(path, self.now(path))

    def remove(self, path: str, _: None) -> None:
        (self.tree / path).unlink(missing_ok=True)
        self.expect(path, None)

    def edit(self, path: str, after: str) -> None:
        before = self.now(path)
        try:
            source = self.root.read(path)
            record = self.edits.prepare(path, source.text if source else None, after)
        except WorkspaceError:  # the person saved something that is no text, or nothing would change
            return
        self.edits.commit(record, after)
        left = self.now(path)
        assert left is not None
        assert before is None or left[1] == before[1]
        self.expect(path, left)
        self.applied.append((record, before, left))

    def undo(self, index: int, _: None) -> None:
        if index >= len(self.applied):
            return
        record, before, left = self.applied[index]
        holds_what_the_edit_left = self.now(record.path) is not None and self.now(record.path)[0] == left[0]
        try:
            self.edits.undo(record)
        except WorkspaceError:
            assert not holds_what_the_edit_left
            return
        assert holds_what_the_edit_left
        self.expect(record.path, before)


@settings(max_examples=500, deadline=None)
@given(STEPS)
def test_edits_undos_and_saves_in_any_order_keep_every_byte_of_the_person(steps) -> None:
    sync, os.fsync = os.fsync, lambda _: None  # this is about order, not about power cuts
    try:
        with tempfile.TemporaryDirectory(dir=MEMORY) as directory:
            desk = furnished(Path(directory))
            for kind, first, second in steps:
                getattr(desk, kind)(first, second)
                assert {path: held for path in PATHS if (held := desk.now(path))} == desk.expected
            check_bystanders(desk)
    finally:
        os.fsync = sync


def furnished(directory: Path) -> Desk:
    tree = directory / "ws"
    for path, data in (START | BYSTANDERS).items():
        plant(tree / path, data, 0o755 if path == "run.sh" else 0o644)
    root = Root(tree)
    desk = Desk(tree, Edits(root, directory / "blobs"), root)
    for path in START:
        desk.expect(path, desk.now(path))
    return desk


def check_bystanders(desk: Desk) -> None:
    for path, data in BYSTANDERS.items():
        assert desk.now(path) == (data, 0o644)
    files = {path for path, (mode, _, _) in snapshot(desk.tree).items() if mode & 0o100000}
    assert files == set(desk.expected) | set(BYSTANDERS), "a temporary file was left behind"


def test_restoring_without_looking_would_be_caught(tmp_path: Path) -> None:
    """Control: an undo that just writes the old bytes back costs the person what they saved since."""
    desk = furnished(tmp_path)
    desk.edit("plain.py", "agent\n")
    desk.save("plain.py", b"mine\n")
    plant(desk.tree / "plain.py", START["plain.py"])
    assert desk.now("plain.py") != desk.expected["plain.py"]
