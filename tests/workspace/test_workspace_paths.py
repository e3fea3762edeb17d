"""Nothing outside the root is read or written, whatever path is asked for; odd but honest names work."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from workspace_trees import SECRET, plant, snapshot

from continual_code.errors import WorkspaceError
from continual_code.workspace import Edits, Root

UP = ["..", "../", "../ws2/secret.txt", "a/../../ws2/secret.txt", "./../ws2/secret.txt", "pkg/..", "pkg/../a.py"]
UP += ["pkg/./../../ws2/secret.txt", "..//ws2/secret.txt", "a/b/../../../ws2/secret.txt", "../" * 40 + "etc/passwd"]
UP += [
    ".. /ws2/secret.txt",
    "../ws2/secret.txt ",
    "..\u200b/x",
    "... /x",
    ".../x",
    ". ./x",
    "'..'/x",
    '".."/x',
    "`..`/x",
]
UP += ["..\u2024/x", "\u2024\u2024/ws2/x", "\u2025/ws2/x", "\u2026/x", "\uff0e\uff0e/ws2/x", "\uff0e./x", ". . /x"]
ABSOLUTE = ["/", "//", "/etc/passwd", "//etc/passwd", "///etc/passwd", "/proc/self/root/etc/passwd", "/dev/stdin"]
ABSOLUTE += ["/proc/self/cwd/a.py", "/dev/fd/0", "file:///etc/passwd", "http://x/y", "C:/Windows/x", "c:/x", "/./a.py"]
HOME = ["~", "~/x", "~root/x", "~/.ssh/authorized_keys", "./~/x", ".//~root/x"]
SLASHES = ["..\\x", "..\\..\\ws2\\secret.txt", "pkg\\b.py", "\\\\server\\share", "C:\\Windows\\x", "a\\..\\..\\x"]
SLASHES += ["..\uff0fws2\uff0fx", "..\u2215ws2\u2215x", "..\u2044x", "..\u29f8x", "..\u2571x", "a\uff3cb", "\ufe68x"]
UNSEEN = ["a\0.py", "\0", "a.py\0.txt", "../\0", "a\n.py", "a.py\n", "a\r.py", "a\tb", "\x1b[2Ja", "a\x7f", "a\x85b"]
UNSEEN += ["a\x9b31m", "a\u202epy.exe", "a\u2066b", "a\u2069b", "a\u200eb", "a\u200fb", "a\u061cb", "a\ufeffb"]
UNSEEN += ["a\u2028b", "a\u2029b", "a\u2060b", "a\u00adb", "a\ud800b", "\udce9.txt", "a\u200bb", "a\x08b", "a\x07b"]
SIZES = ["a" * 256, "é" * 128, "a/" * 2048 + "x", ("b" * 200 + "/") * 21 + "x", "/".join("d" * 300), "x" * 4097]
NOT_FILES = ["", ".", "./", "./.", "a.py/", "pkg/", "pkg/.", "newdir/", " ", "'", '"', "``", "  /x", "a.py/."]
GIT = [".git", ".git/config", ".git/hooks/pre-commit", "pkg/.git/config", ".GIT/config", ".Git/x", ".gIt"]
GIT += [".git./config", ".git /config", ".git. ./x", ".git../x", "git~1/config", "GIT~1", "git~2/x", "sub/.GIT/config"]
GIT += [".g\u200cit/config", ".gi\u200dt/x", "\u200c.git/x", ".git\u200d/config", "\uff0egit/config", ".ｇit/config"]
GIT += [
    ".git::$INDEX_ALLOCATION/config",
    ".git:x/config",
    "'.git'/config",
    '".git"',
    "./.git/x",
    ".//.git//x",
    ".gⅰt/x",
]
REFUSED = UP + ABSOLUTE + HOME + SLASHES + UNSEEN + SIZES + NOT_FILES + GIT

HONEST = ["a b.py", " leading", "trailing ", "-rf", "--output=x", "-", "a.py.", "..foo", "...foo", "a..b", "a...", ".a"]
HONEST += [
    "..a/..b",
    "%2e%2e",
    "%2e%2e/x",
    "%00",
    "$HOME",
    "${x}",
    "$(id)",
    "`id`.txt",
    "a;b",
    "a|b",
    "a&b",
    "a>b",
    "a*b",
]
HONEST += [
    "a?b",
    "[x].py",
    "{y}",
    "!x",
    "#x",
    "@x",
    "a@{-1}",
    ":(exclude)x",
    "a:b",
    "a=b",
    "it's",
    'say "x"',
    "a,b",
    "x~",
]
HONEST += [
    "naïve.py",
    "e\u0301.py",
    "日本語/ファイル.py",
    "файл.txt",
    "قلم.txt",
    "می\u200cروم.txt",
    "🙂.md",
    "👩\u200d💻.md",
    "½.txt",
]
HONEST += [
    "git",
    "git.py",
    "dot.git",
    "x.git",
    "gitlab.yml",
    "CON",
    "nul.txt",
    "a" * 255,
    "d/" * 99 + "x",
    "^x",
    "(1)",
    "+x",
]
HONEST += [
    "node_modules/x.js",
    "Makefile",
    ".env.example",
    ".config/x",
    "wait….txt",
    "a%b",
    "~x~".lstrip("~"),
    "\u00a0x",
]


def test_the_tables_are_as_long_as_promised() -> None:
    assert len(set(REFUSED)) >= 100
    assert len(set(HONEST)) >= 40


@pytest.mark.parametrize("path", REFUSED, ids=ascii)
def test_a_path_that_is_no_plain_name_beneath_the_root_is_refused(
    path: str, root: Root, edits: Edits, tmp_path: Path, outside: Path
) -> None:
    before = snapshot(tmp_path)
    for ask in (root.normalise, root.writable, root.read, lambda path: edits.prepare(path, None, "x\n")):
        with pytest.raises(WorkspaceError) as caught:
            ask(path)
        assert str(caught.value).isprintable()
    assert snapshot(tmp_path) == before


def test_the_same_paths_escape_from_a_naive_join(tree: Path, outside: Path) -> None:
    """Control: joined as they are, these lead out on this very file system.

    The rest of the table is for other file systems (case, streams, look-alikes), for terminals, or names no file.
    """
    escaped = 0
    for path in REFUSED:
        try:
            reached = Path(os.path.realpath(tree / path))
        except (ValueError, OSError):
            continue
        escaped += not reached.is_relative_to(tree)
    assert escaped >= 20
    assert (tree / "../ws2/secret.txt").read_text() == SECRET


@pytest.mark.parametrize("path", HONEST, ids=ascii)
def test_an_odd_but_honest_name_is_created_read_and_undone(path: str, root: Root, edits: Edits, tree: Path) -> None:
    before = snapshot(tree)
    record = edits.prepare(path, None, "x\n")
    edits.commit(record, "x\n")
    source = root.read(path)
    assert source is not None
    assert source.text == "x\n"
    edits.undo(record)
    assert snapshot(tree) == before


@pytest.mark.parametrize(("path", "normal"), [("./a//b.py", "a/b.py"), ("a/./b", "a/b"), (".//.//x", "x"), ("a", "a")])
def test_a_path_is_brought_to_one_spelling(path: str, normal: str, root: Root) -> None:
    assert root.normalise(path) == normal
    assert root.normalise(normal) == normal


def symlink(target: str):
    return lambda place, outside: place.symlink_to(target.format(outside=outside))


def bound_socket(place: Path, _: Path) -> None:
    here = os.getcwd()
    os.chdir(place.parent)  # the address of a socket holds 108 bytes
    try:
        socket.socket(socket.AF_UNIX).bind(place.name)
    finally:
        os.chdir(here)


PLANTED = {
    "absolute link": ("f", symlink("{outside}/secret.txt")),
    "relative link": ("f", symlink("../ws2/secret.txt")),
    "link to a link": (
        "f",
        lambda place, _: (place.symlink_to("g"), place.with_name("g").symlink_to("../ws2/secret.txt")),
    ),
    "loop": ("f", symlink("f")),
    "dangling link": ("f", symlink("{outside}/new.txt")),
    "link to a file inside": ("f", symlink("a.py")),
    "link through proc": ("f", symlink("/proc/self/cwd")),
    "directory link": ("d/secret.txt", symlink("{outside}")),
    "relative directory link": ("d/secret.txt", symlink("../ws2")),
    "directory link, new file": ("d/new.txt", symlink("{outside}")),
    "directory link, new directory": ("d/x/y/new.txt", symlink("{outside}")),
    "directory link to the root": ("d/a.py", symlink(".")),
    "directory link upwards": ("d/ws2/secret.txt", symlink("..")),
    "directory link to /": ("d/etc/passwd", symlink("/")),
    "magic link to /": ("d/etc/passwd", symlink("/proc/self/root")),
    "dangling directory link": ("d/x.txt", symlink("{outside}/nowhere")),
    "hard link": ("f", lambda place, outside: os.link(outside / "secret.txt", place)),
    "named pipe": ("f", lambda place, _: os.mkfifo(place)),
    "socket": ("f", bound_socket),
    "directory": ("f", lambda place, _: place.mkdir()),
    "file as a directory": ("f/x", lambda place, _: place.write_text("x")),
    "pipe as a directory": ("f/x", lambda place, _: os.mkfifo(place)),
    "binary": ("f", lambda place, _: place.write_bytes(b"a\0b")),
    "latin-1": ("f", lambda place, _: place.write_bytes(b"caf\xe9")),
    "too large": ("f", lambda place, _: place.write_bytes(b"x" * 1_000_001)),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_what_lies_at_the_path_is_refused_unless_it_is_a_plain_text_file(
    kind: str, opening: str, root: Root, edits: Edits, tree: Path, outside: Path, tmp_path: Path
) -> None:
    path, plant_it = PLANTED[kind]
    plant_it(tree / path.split("/")[0], outside)
    before = snapshot(tmp_path)
    for ask in (root.read, lambda path: edits.prepare(path, None, "x\n"), lambda p: edits.prepare(p, SECRET, "x\n")):
        with pytest.raises(WorkspaceError):
            ask(path)
    assert snapshot(tmp_path) == before | snapshot_of_state(tmp_path)


def snapshot_of_state(tmp_path: Path) -> dict[str, tuple[int, int, str]]:
    return {name: seen for name, seen in snapshot(tmp_path).items() if name.startswith("state")}


def test_each_refusal_says_what_is_in_the_way(root: Root, tree: Path, outside: Path) -> None:
    words = {
        "absolute link": "symbolic link",
        "hard link": "hard links",
        "named pipe": "named pipe",
        "socket": "socket",
    }
    words |= {"directory": "directory", "binary": "binary", "latin-1": "UTF-8", "too large": "larger than 1 MB"}
    for number, (kind, word) in enumerate(words.items()):
        name = f"f{number}"
        PLANTED[kind][1](tree / name, outside)
        with pytest.raises(WorkspaceError, match=word):
            root.read(name)


def test_a_device_is_refused_without_being_opened(root: Root, tree: Path) -> None:
    try:
        os.mknod(tree / "null", 0o666 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device needs more rights")
    with pytest.raises(WorkspaceError, match="device"):
        root.read("null")


@pytest.mark.parametrize("swapped", ["file", "directory"])
def test_a_link_planted_between_prepare_and_commit_is_not_followed(
    swapped: str, opening: str, edits: Edits, tree: Path, outside: Path
) -> None:
    """The two-part escape: something else in the tree plants the link, the editor is to follow it."""
    plant(outside / "b.py", "two\n")  # the same bytes, so only the link tells
    record = edits.prepare("pkg/b.py", "two\n", "three\n")
    place = tree / "pkg" if swapped == "directory" else tree / "pkg/b.py"
    place.rename(tree / "moved")
    place.symlink_to(outside if swapped == "directory" else outside / "b.py")
    before = snapshot(outside)
    assert place.resolve().is_relative_to(outside)  # control: whoever resolves the path is led outside
    for attempt in (lambda: edits.commit(record, "three\n"), lambda: edits.undo(record)):
        with pytest.raises(WorkspaceError, match="link"):
            attempt()
    assert edits.state(record) == "other"
    assert snapshot(outside) == before


@pytest.mark.parametrize("becomes", ["link", "pipe"])
def test_a_file_that_is_swapped_between_the_look_and_the_open_is_refused(
    becomes: str, root: Root, tree: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.stat

    def look_then_swap(name: str, **kwargs: int) -> os.stat_result:
        seen = look(name, **kwargs)
        monkeypatch.setattr(os, "stat", look)
        (tree / "a.py").unlink()
        PLANTED["absolute link" if becomes == "link" else "named pipe"][1](tree / "a.py", outside)
        return seen

    monkeypatch.setattr(os, "stat", look_then_swap)
    with pytest.raises(WorkspaceError, match=becomes):
        root.read("a.py")
    if becomes == "link":
        assert (tree / "a.py").read_text() == SECRET  # control: opening it by name is led outside


PERSON_ONLY = [".gitmodules", ".gitattributes", ".gitignore", ".github/workflows/ci.yml", ".GitModules", ".gitconfig"]
PERSON_ONLY += [
    ".bashrc",
    ".BASHRC",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".envrc",
    "sub/.envrc",
    ".vimrc",
]
PERSON_ONLY += [".vscode/tasks.json", ".VSCode/settings.json", "sub/.vscode/x.json", ".idea/x.xml", ".husky/pre-commit"]
PERSON_ONLY += [".pre-commit-config.yaml", ".ssh/authorized_keys", ".devcontainer/devcontainer.json", ".mcp.json"]
PERSON_ONLY += [".envrc.", ".envrc ", ".vsc\u200dode/x", "gitmod~1", "GITATT~1", ".cursor/x", ".claude/settings.json"]


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("path", PERSON_ONLY, ids=ascii)
def test_files_that_run_by_themselves_can_be_read_but_not_written(
    path: str, exists: bool, root: Root, edits: Edits, tree: Path
) -> None:
    if exists:
        plant(tree / path, "x\n")
    before = snapshot(tree)
    with pytest.raises(WorkspaceError, match="never written for you"):
        edits.prepare(path, "x\n" if exists else None, "y\n")
    assert (root.read(path) is not None) == exists
    assert snapshot(tree) == before


def test_git_s_own_directory_is_no_place_to_start_in(tree: Path) -> None:
    (tree / ".git/hooks").mkdir(parents=True)
    for place in (tree / ".git", tree / ".git/hooks"):
        with pytest.raises(WorkspaceError, match="git's own directory"):
            Root(place)


def test_a_file_is_no_place_to_start_in(tree: Path) -> None:
    for place in (tree / "a.py", tree / "nowhere"):
        with pytest.raises(WorkspaceError):
            Root(place)


def test_the_root_stays_the_directory_it_was_at_launch(root: Root, tree: Path, outside: Path) -> None:
    """A root that is renamed and replaced by a link does not move the workspace elsewhere."""
    tree.rename(tree.with_name("moved"))
    tree.symlink_to(outside)
    assert root.read("secret.txt") is None
    source = root.read("a.py")
    assert source is not None
    assert source.text == "one\n"
