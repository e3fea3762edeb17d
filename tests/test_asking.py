"""Asking without the screen: formats, what is piped in, a reader that goes away, Ctrl+C."""

from __future__ import annotations

import io
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, get_args

import pytest
from commanding import Commands
from playing import AFTER, BEFORE, FILE, Script

from continual_code import piped
from continual_code.cli import main
from continual_code.errors import UsageError
from continual_code.event_lines import event_data, line_of
from continual_code.events import (
    Answer,
    Applied,
    Checked,
    Committed,
    Compared,
    Comparing,
    Credited,
    Edit,
    Event,
    Failed,
    FollowedUp,
    Learned,
    LearnerState,
    Lesson,
    Loading,
    NoEdit,
    Proposal,
    Proposed,
    Ready,
    Recorded,
    Retried,
    RunEnded,
    RunOutput,
    RunStarted,
    Started,
    StepReport,
    Streamed,
    StudiedAgain,
    SuiteOffered,
    Swapped,
    Task,
    Undone,
    Verdict,
    Worded,
    Wording,
)

TEXT = "Use multiplication in double."
ASK = ["-p", TEXT, "--file", FILE]


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is piped in, unless the test does so."""
    monkeypatch.setattr(sys, "stdin", None)


def pipe_in(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "wb") as stream:
        stream.write(data)
    monkeypatch.setattr(sys, "stdin", os.fdopen(ours, encoding="utf-8"))


def lines_of(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def asked(lines: Sequence[dict[str, Any]]) -> str:
    return next(line["task"] for line in lines if line["type"] == "started")


# --- The same as `run` -------------------------------------------------------------------


def test_p_asks_like_run(command: Commands, script: Script):
    answer = command.json(*ASK)
    assert (answer["proposal"], answer["status"]) == ("p1", "proposed")
    assert "+    return x * 2" in answer["diff"]
    assert command(*ASK).startswith(f"--- a/{FILE}\n+++ b/{FILE}\n")
    assert (command.root / FILE).read_text() == BEFORE


def test_p_apply_writes_the_file(command: Commands, script: Script):
    assert command.json("--apply", *ASK)["status"] == "applied"
    assert (command.root / FILE).read_text() == AFTER[0]


def test_a_file_named_before_or_after_the_command_counts(command: Commands, script: Script):
    (command.root / "other.py").write_text("x = 1\n")
    out = command("--file", FILE, "run", TEXT, "--file", "other.py", "--output-format", "stream-json")
    started = next(line for line in lines_of(out) if line["type"] == "started")
    assert started["files"] == [FILE, "other.py"]


def test_json_is_short_for_the_output_format(command: Commands, script: Script):
    assert set(json.loads(command(*ASK, "--output-format", "json"))) == set(command.json(*ASK))


@pytest.mark.parametrize(
    "arguments",
    [
        ["-p", TEXT, "lessons"],
        ["--apply"],
        ["--file", FILE, "lessons"],
        ["--output-format", "json", "config"],
        ["-p", TEXT, "--json", "--output-format", "stream-json"],
        ["-p", TEXT, "--output-format", "yaml"],
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_loaded(arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


# --- A line for each event ---------------------------------------------------------------


def test_a_stream_tells_each_event_and_ends_with_the_result(command: Commands, script: Script):
    lines = lines_of(command(*ASK, "--apply", "--output-format", "stream-json"))
    kinds = [line["type"] for line in lines if line["type"] not in {"loading", "text", "learner"}]
    assert kinds == ["ready", "started", "proposed", "recorded", "applied", "result"]
    by_kind = {line["type"]: line for line in lines}
    assert "loading" in by_kind
    assert (by_kind["started"]["task"], by_kind["started"]["left_out"]) == (TEXT, [])
    assert 0 < by_kind["started"]["prompt_tokens"] <= by_kind["started"]["budget"]
    assert "".join(line["text"] for line in lines if line["type"] == "text") == f"```python\n{AFTER[0]}```"
    assert "+    return x * 2" in by_kind["proposed"]["diff"]
    assert (by_kind["applied"]["proposal"], by_kind["applied"]["path"]) == ("p1", FILE)
    assert (lines[-1]["type"], lines[-1]["status"], lines[-1]["proposal"]) == ("result", "applied", "p1")


def test_a_stream_says_why_there_is_no_edit(command: Commands, script: Script):
    script.after = lambda revision: BEFORE
    lines = lines_of(command(*ASK, "--output-format", "stream-json", code=1))
    assert "nothing changed" in next(line for line in lines if line["type"] == "no_edit")["reason"]
    assert (lines[-1]["type"], lines[-1]["status"]) == ("result", "no_edit")


def test_a_stream_that_fails_ends_with_the_failure(command: Commands):
    (line,) = lines_of(command("--repo", "/no/such/place", *ASK, "--output-format", "stream-json", code=2))
    assert (line["type"], line["status"], line["error"]) == ("result", "failed", "/no/such/place is not a directory.")


PROPOSAL = Proposal("p1", Task("t"), "a\ud800.py", None, "x\u2028\n", 0, 0.5)
LESSON = Lesson("l1", "p1", "a.py", "why", "pending")
EVERY_EVENT: list[Event] = [
    Loading("reading", 0.5), Ready("m", "cpu", 1), Started(Task("t", ("a.py",)), 9, 10, ("b.py",)),
    Streamed("\x1b[31m\n\ud800"), Proposed(PROPOSAL), NoEdit(Task("t"), "why"),
    Recorded(Verdict("p1", "reject"), LESSON),
    Applied("p1", "a.py"), Committed("p1", "a.py", "c0ffee", "main"), Undone("p1", "so"), LearnerState("idle"),
    Learned(LESSON, StepReport("l1", "refused", "why", None, 0.0, 0.0, 0.0, 0, 0.0)), Swapped(1, 2.0),
    Checked(LESSON), StudiedAgain(LESSON, 2, 3.0, "\u2028"), Wording("p1", "\n"), Worded("p1", "\u2028"),
    Retried("l1", PROPOSAL, None, False, 0.1), Failed("what"),
    SuiteOffered("make test"), RunStarted("shell", "ls"), RunOutput(("\x1b[31m\n\ud800",), "\u2028"),
    RunEnded("tests", "make test", "exited", 1, 2.0, ("\n",)), FollowedUp(Task("t", ("a.py",)), 1, 3),
    Comparing(Task("t"), (0, 3), 0), Credited("l1", ("\x1b[31m\n", "\ud800\u2028"), (-1.5, math.nan)),
    Compared(Task("t"), Answer(0, (), None, "\x1b[31m\n"), Answer(3, ("l1",), Edit("a\ud800.py", None, "x\u2028\n"))),
]  # fmt: skip


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: type(event).__name__)
def test_every_event_is_one_line_of_ascii(event: Event):
    line = line_of(event_data(event))
    assert line.isascii()
    assert line.splitlines(keepends=True) == [line]
    assert json.loads(line, parse_constant=pytest.fail)["type"]


def test_no_event_is_without_its_own_name():
    assert {type(event) for event in EVERY_EVENT} == set(get_args(Event))
    assert len({event_data(event)["type"] for event in EVERY_EVENT}) == len(EVERY_EVENT)


# --- What is piped in --------------------------------------------------------------------


def test_the_task_may_be_piped_in(command: Commands, script: Script, monkeypatch: pytest.MonkeyPatch):
    for given in (["-p", "-"], ["-p"]):
        pipe_in(monkeypatch, f"{TEXT}\n".encode())
        lines = lines_of(command("--file", FILE, "--output-format", "stream-json", *given))
        assert asked(lines).strip() == TEXT


def test_what_is_piped_in_beside_a_task_goes_along_under_a_heading(
    command: Commands, script: Script, monkeypatch: pytest.MonkeyPatch
):
    pipe_in(monkeypatch, b"E   assert 4 == 5\n\xff")
    task = asked(lines_of(command(*ASK, "--output-format", "stream-json")))
    assert task.startswith(f"{TEXT}\n\nWhat was piped in with this task")
    assert "E   assert 4 == 5\n\N{REPLACEMENT CHARACTER}" in task
    assert "cut" not in command.err


def test_input_that_is_too_long_is_cut_and_that_is_said(
    command: Commands, script: Script, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CONTINUAL_CODE_CONTEXT__PROMPT_TOKENS", "2000")
    pipe_in(monkeypatch, ("é" * 2000 + "END").encode())
    task = asked(lines_of(command(*ASK, "--output-format", "stream-json")))
    assert "é" * 2000 in task
    assert "END" not in task
    assert "its first 2,000 characters go along" in command.err


def test_an_empty_pipe_adds_nothing(command: Commands, script: Script, monkeypatch: pytest.MonkeyPatch):
    pipe_in(monkeypatch, b" \n")
    assert asked(lines_of(command(*ASK, "--output-format", "stream-json"))) == TEXT


def test_a_pipe_that_stays_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(piped, "SILENT_SECONDS", 0.05)
    ours, theirs = os.pipe()
    said: list[str] = []
    with os.fdopen(ours, encoding="utf-8") as silent, os.fdopen(theirs, "wb"):
        monkeypatch.setattr(sys, "stdin", silent)
        assert piped.task_from_pipe(TEXT, 100, said.append) == TEXT
    assert "Nothing came on stdin" in said[0]


def test_a_pipe_without_an_end_is_read_only_as_far_as_it_is_used(monkeypatch: pytest.MonkeyPatch):
    with open("/dev/zero", encoding="utf-8") as endless:
        monkeypatch.setattr(sys, "stdin", endless)
        assert len(piped.task_from_pipe(TEXT, 100, lambda line: None)) < 400
        with pytest.raises(UsageError, match="more than"):
            piped.task_from_pipe("-", 100, lambda line: None)


def test_a_task_that_should_be_piped_in_and_is_not_is_asked_for(command: Commands):
    command("-p", code=2)
    assert "nothing is piped in" in command.err


def test_run_leaves_the_pipe_alone(command: Commands, script: Script, monkeypatch: pytest.MonkeyPatch):
    pipe_in(monkeypatch, b"not for the model")
    lines = lines_of(command("run", TEXT, "--file", FILE, "--output-format", "stream-json"))
    assert asked(lines) == TEXT


# --- A reader that goes away, and Ctrl+C --------------------------------------------------


class ClosedAt(io.StringIO):
    """A reader that goes away when it has read `word`."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    def write(self, text: str) -> int:
        if self._word in self.getvalue():
            raise BrokenPipeError
        return super().write(text)

    def fileno(self) -> int:
        return os.open(os.devnull, os.O_WRONLY)


def test_a_reader_that_goes_away_in_mid_answer_keeps_the_edit_from_being_applied(
    command: Commands, script: Script, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "stdout", ClosedAt('"started"'))
    arguments = ["--repo", str(command.root), *ASK, "--apply", "--output-format", "stream-json"]
    assert main(arguments) == 1
    assert (command.root / FILE).read_text() == BEFORE


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("wakes", [True, False])  # one that comes right before the main thread waits does not wake it
def test_ctrl_c_ends_a_stream_with_130_and_a_last_line(command: Commands, script: Script, wakes: bool):
    script.held.clear()

    def press_ctrl_c() -> None:
        script.begun.wait(30)
        time.sleep(0.3)  # by now the main thread waits
        hit = threading.main_thread() if wakes else threading.current_thread()
        signal.pthread_kill(hit.ident or 0, signal.SIGINT)

    threading.Thread(target=press_ctrl_c, daemon=True).start()
    lines = lines_of(command(*ASK, "--apply", "--output-format", "stream-json", code=130))
    assert (lines[-1]["type"], lines[-1]["status"]) == ("result", "interrupted")
    assert (command.root / FILE).read_text() == BEFORE


def test_each_line_is_flushed_as_it_happens(command: Commands, script: Script, monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []

    class Flushed(io.StringIO):
        def flush(self) -> None:
            seen.append(self.getvalue())

    monkeypatch.setattr(sys, "stdout", Flushed())
    assert main(["--repo", str(command.root), *ASK, "--output-format", "stream-json"]) == 0
    assert all(text.endswith("\n") for text in seen)
    counts = [text.count("\n") for text in seen]
    assert counts == sorted(counts)
    assert set(range(1, counts[-1] + 1)) <= set(counts)
