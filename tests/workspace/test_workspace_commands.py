"""Commands that a person types or agrees to: how a line is read, how it runs, and what is kept of its output."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from continual_code.errors import UsageError
from continual_code.workspace import Printed, arguments_of, run_command, run_sandboxed, sandbox_available

REASON = sandbox_available() or ""
confining = pytest.mark.skipif("not implemented" in REASON or "not supported" in REASON, reason=REASON)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/a b.txt").write_text("the person's bytes\n")
    return tmp_path / "project"


def run(line: str, root: Path, seconds: float = 30.0) -> tuple[int, str]:
    heard: list[str] = []
    finished = run_command(line, root, seconds=seconds, attend=lambda text: heard.append(text) is None)
    assert sorted("".join(heard)) == sorted(finished.stdout + finished.stderr)
    return finished.returncode, "".join(heard)


# --- Reading a line ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("git log --oneline", ["git", "log", "--oneline"]),
        ("cat 'a b.txt' \"c d\" e\\ f", ["cat", "a b.txt", "c d", "e f"]),
        ("make X=1", ["make", "X=1"]),
    ],
)
def test_a_plain_line_runs_without_a_shell(line: str, words: list[str]) -> None:
    assert arguments_of(line) == words


@pytest.mark.parametrize(
    "line", ["a | b", "a && b", "a > f", "echo $HOME", "ls *.py", "X=1 make", "a; b", "`a`", "~/x"]
)
def test_a_line_that_is_written_for_a_shell_gets_one(line: str) -> None:
    shell, *arguments = arguments_of(line)
    assert shell in {"/bin/bash", "/usr/bin/bash", "/bin/sh"}
    assert arguments == ["-c", line]


@pytest.mark.parametrize("line", ["", "  ", "echo 'open", '"'])
def test_a_line_that_cannot_be_read_runs_nothing(line: str) -> None:
    with pytest.raises(UsageError, match="Nothing was run"):
        arguments_of(line)


# --- Running it -------------------------------------------------------------------------


@confining
def test_a_command_reads_the_repository_and_cannot_change_it(root: Path) -> None:
    assert run("cat 'a b.txt'", root) == (0, "the person's bytes\n")
    assert run("wc -c < 'a b.txt' | tr -d ' '", root) == (0, "19\n")
    for attack in ("rm 'a b.txt'", "touch new", "echo x >> 'a b.txt'"):
        assert run(attack, root)[0] != 0
    assert [(path.name, path.read_text()) for path in root.iterdir()] == [("a b.txt", "the person's bytes\n")]
    assert run('touch "$HOME/new" "$TMPDIR/new" "$CARGO_TARGET_DIR/new"', root) == (0, "")


@confining
def test_the_tests_of_a_repository_run_and_leave_nothing_in_it(root: Path) -> None:
    (root / "test_it.py").write_text(
        "def test_it(tmp_path):\n    (tmp_path / 'x').write_text('x')\n    assert 1 == 2\n"
    )
    code, printed = run(f"{sys.executable} -m pytest -q", root)
    assert code == 1
    assert "assert 1 == 2" in printed
    assert "1 failed" in printed
    assert "cache" not in printed
    assert sorted(path.name for path in root.iterdir()) == ["a b.txt", "test_it.py"]


@confining
def test_a_command_that_does_not_exist_says_so(root: Path) -> None:
    code, printed = run("no-such-program", root)
    assert code == 127
    assert "No such file" in printed


@confining
def test_output_is_heard_while_the_command_still_runs(root: Path) -> None:
    heard: list[float] = []
    program = "import time; print('early', flush=True); time.sleep(1.5); print('late')"
    run_sandboxed(
        [sys.executable, "-I", "-S", "-c", program], root=root, seconds=30,
        attend=lambda text: text == "" or heard.append(time.monotonic()) is None,
    )  # fmt: skip
    assert len(heard) == 2
    assert heard[1] - heard[0] > 0.3


@confining
def test_a_command_is_ended_when_the_person_has_enough_of_it(root: Path) -> None:
    enough = threading.Event()
    threading.Timer(0.5, enough.set).start()
    finished = run_command("sleep 600", root, seconds=60, attend=lambda text: not enough.is_set())
    assert finished.stopped
    assert not finished.timed_out
    assert 0.4 < finished.seconds < 10


@confining
def test_the_time_limit_ends_a_command_that_prints_nothing(root: Path) -> None:
    finished = run_command("sleep 600", root, seconds=0.5, attend=lambda text: True)
    assert finished.timed_out
    assert not finished.stopped


@confining
def test_a_command_that_prints_without_end_is_said_to(root: Path) -> None:
    finished = run_sandboxed(["yes"], root=root, seconds=30, output_bytes=100_000, attend=lambda text: True)
    assert finished.flooded
    assert not finished.timed_out


@confining
def test_a_letter_that_arrives_in_two_pieces_is_heard_whole(root: Path) -> None:
    program = "import os, time; os.write(1, b'\\xc3'); time.sleep(0.5); os.write(1, b'\\xa9')"
    heard: list[str] = []
    run_sandboxed(
        [sys.executable, "-I", "-S", "-c", program], root=root, seconds=30,
        attend=lambda text: heard.append(text) is None,
    )  # fmt: skip
    assert "".join(heard) == "é"


# --- What is kept of its output ---------------------------------------------------------


def test_the_first_lines_are_handed_on_and_the_last_are_kept() -> None:
    printed = Printed(first=2, last=3)
    assert printed.add("1\n2\n3") == ["1", "2"]
    assert printed.newest == "2"
    assert printed.add("\n4\n5\n6\n7") == []
    assert printed.end() == []
    assert (printed.tail, printed.hidden, printed.newest) == (["5", "6", "7"], 2, "7")


def test_no_line_is_lost_or_counted_twice_however_the_output_is_cut() -> None:
    text = "\n".join(map(str, range(100))) + "\n"
    for size in (1, 7, 50, 1000):
        printed = Printed(first=10, last=20)
        shown = [line for at in range(0, len(text), size) for line in printed.add(text[at : at + size])]
        shown += printed.end()
        assert shown == list(map(str, range(10)))
        assert printed.tail == list(map(str, range(80, 100)))
        assert printed.hidden == 70


def test_escape_sequences_and_overwritten_progress_are_not_kept() -> None:
    printed = Printed(first=9, last=9)
    assert printed.add("\x1b[31mred\x1b[0m\n 10%\r 20%\r100%\r\n\x1b]0;title\x07plain\n") == ["red", "100%", "plain"]


def test_a_line_without_end_takes_no_more_memory_than_a_long_one() -> None:
    printed = Printed(first=1, last=1, longest=10)
    for _ in range(100):
        printed.add("x" * 1000)
    assert len(printed._open) <= 1200
    assert printed.end() == ["x" * 10]
