"""Tests after an edit and commands of the person, on a real desk and in the real sandbox; no model."""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from continual_code.desk import Desk
from continual_code.errors import UsageError
from continual_code.events import (
    Event,
    FollowedUp,
    Message,
    Proposal,
    Rollout,
    RunEnded,
    RunOutput,
    RunStarted,
    SuiteOffered,
    Task,
    Verdict,
)
from continual_code.feedback.journal import Journal
from continual_code.runs import KEPT_CHARACTERS, LiveRuns
from continual_code.settings import SuiteSettings
from continual_code.workspace import sandbox_available

REASON = sandbox_available() or ""
if "not implemented" in REASON or "not supported" in REASON:
    pytestmark = pytest.mark.skip(reason=REASON)

E = TypeVar("E", bound=Event)
ROLLOUT = Rollout((Message("user", "x"),), (1,), (3,), (-0.5,), 0.0, 1.0, 0, 0, "stop")
FAILS = "echo sad && exit 3"
TASK = Task("Double it.", ("a.py",))


@dataclass
class Work:
    """The coordinator and everything that it says and asks."""

    desk: Desk
    runs: LiveRuns
    events: queue.Queue[Event]
    asked: list[Task]
    said: list[Event] = field(default_factory=list)

    def hears(self, kind: type[E]) -> E:
        """The next event of this kind; those before it are kept in `said`."""
        while True:
            event = self.events.get(timeout=30)
            self.said.append(event)
            if isinstance(event, kind):
                return event

    def hears_nothing(self) -> None:
        assert self.events.empty(), list(self.events.queue)

    def edit(self, task: Task = TASK) -> Proposal:
        """An edit was applied."""
        proposal = self.desk.journal.add_proposal(
            model="tiny@0", root=str(self.desk.root.path), task=task, path="a.py", before="one = 1\n",
            after="one = 2\n", rollout=ROLLOUT, seconds=0.0,
        )  # fmt: skip
        self.runs.edited(proposal.id)
        return proposal

    def fail(self) -> RunEnded:
        self.runs.tests()
        return self.hears(RunEnded)


@contextmanager
def at_work(tmp_path: Path, **settings: object) -> Iterator[Work]:
    (tmp_path / "project").mkdir(exist_ok=True)
    (tmp_path / "project/a.py").write_text("one = 1\n")
    desk = Desk(tmp_path / "project", tmp_path / "state", Journal(tmp_path / "state/journal.db"))
    events: queue.Queue[Event] = queue.Queue()
    asked: list[Task] = []
    runs = LiveRuns(desk, SuiteSettings.model_validate(settings), events.put, asked.append)
    try:
        yield Work(desk, runs, events, asked)
    finally:
        runs.close(10)


def suggest(tmp_path: Path, script: str = "true") -> None:
    """A repository that brings a test command of its own."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project/Makefile").write_text(f"test:\n\t@{script}\n")


# --- Consent ----------------------------------------------------------------------------


def test_an_edit_offers_the_tests_and_runs_nothing(tmp_path: Path) -> None:
    with at_work(tmp_path, command="echo fine") as work:
        work.edit()
        assert work.hears(SuiteOffered) == SuiteOffered("echo fine")
        work.hears_nothing()
        work.runs.tests()
        assert work.hears(RunStarted) == RunStarted("tests", "echo fine")
        ended = work.hears(RunEnded)
        assert ended.passed
        assert ended.tail == ("fine",)
        assert ended.follow_ups == 0


def test_always_runs_what_the_person_configured(tmp_path: Path) -> None:
    with at_work(tmp_path, command="echo fine", run="always") as work:
        work.edit()
        assert work.hears(RunEnded).passed
        assert SuiteOffered("echo fine") not in work.said


def test_always_runs_what_the_repository_suggests_only_once_the_person_agreed(tmp_path: Path) -> None:
    suggest(tmp_path)
    with at_work(tmp_path, run="always") as work:
        work.edit()
        assert work.hears(SuiteOffered) == SuiteOffered("make test")
        work.hears_nothing()
        work.runs.tests()
        work.hears(RunEnded)
        work.edit()
        assert work.hears(RunEnded).passed
    assert work.said.count(SuiteOffered("make test")) == 1


def test_a_command_that_the_person_has_not_seen_is_shown_before_it_runs(tmp_path: Path) -> None:
    suggest(tmp_path)
    with at_work(tmp_path) as work:
        work.runs.tests()
        work.hears(SuiteOffered)
        work.hears_nothing()
        work.runs.tests()
        work.hears(RunEnded)


def test_what_was_offered_is_what_runs_even_if_the_repository_suggests_something_else_meanwhile(tmp_path: Path) -> None:
    suggest(tmp_path)
    with at_work(tmp_path) as work:
        work.edit()
        (tmp_path / "project/go.mod").write_text("")
        work.runs.tests()
        assert work.hears(RunStarted).command == "make test"


def test_never_means_never(tmp_path: Path) -> None:
    with at_work(tmp_path, command="echo fine", run=False) as work:
        work.edit()
        with pytest.raises(UsageError, match="switched off"):
            work.runs.tests()
        work.hears_nothing()


def test_a_repository_without_tests_is_left_alone(tmp_path: Path) -> None:
    with at_work(tmp_path) as work:
        work.edit()
        work.hears_nothing()
        with pytest.raises(UsageError, match=r"tests\.command"):
            work.runs.tests()


@pytest.mark.parametrize(("value", "meant"), [(True, "always"), (False, "never"), ("true", "always"), ("ask", "ask")])
def test_yes_and_no_are_understood_as_settings(value: object, meant: str) -> None:
    assert SuiteSettings.model_validate({"run": value}).run == meant


# --- One at a time ----------------------------------------------------------------------


def test_a_second_command_is_refused_while_one_runs_and_the_person_can_stop_it(tmp_path: Path) -> None:
    with at_work(tmp_path, command="echo fine") as work:
        work.runs.shell("sleep 600")
        with pytest.raises(UsageError, match="still running"):
            work.runs.shell("echo me too")
        work.hears(RunStarted)
        work.runs.stop()
        assert work.hears(RunEnded).how == "stopped"
        work.runs.shell("echo me too")
        assert work.hears(RunEnded).passed


def test_closing_ends_what_runs(tmp_path: Path) -> None:
    with at_work(tmp_path) as work:
        work.runs.shell("sleep 600")
        work.hears(RunStarted)
        work.runs.close(10)
        assert work.hears(RunEnded).how == "stopped"


def test_a_time_limit_ends_the_tests_and_that_is_a_failure(tmp_path: Path) -> None:
    with at_work(tmp_path, command="sleep 600", timeout_seconds=0.5) as work:
        work.edit()
        ended = work.fail()
        assert (ended.how, ended.follow_ups) == ("late", 3)
        work.runs.follow_up()
        assert "`sleep 600` did not end within 0.5 seconds" in work.asked[0].text


def test_long_output_of_a_command_is_shown_at_both_ends(tmp_path: Path) -> None:
    with at_work(tmp_path) as work:
        work.runs.shell(f"{sys.executable} -c 'print(*range(200), sep=chr(10))'")
        ended = work.hears(RunEnded)
        shown = [line for event in work.said if isinstance(event, RunOutput) for line in event.lines]
        assert shown == list(map(str, range(40)))
        assert ended.tail == tuple(map(str, range(160, 200)))
        assert ended.hidden == 120


def test_a_line_that_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    with at_work(tmp_path) as work:
        with pytest.raises(UsageError, match="cannot be read"):
            work.runs.shell("echo 'open")
        work.hears_nothing()


# --- Showing a failure to the model -----------------------------------------------------


def test_a_failure_becomes_a_task_for_the_same_file_with_the_request_and_the_output(tmp_path: Path) -> None:
    with at_work(tmp_path, command=FAILS) as work:
        work.edit()
        ended = work.fail()
        assert (ended.code, ended.follow_ups, ended.passed) == (3, 3, False)
        assert work.asked == [], "the model was asked before the person said so"
        work.runs.follow_up()
        (task,) = work.asked
        assert work.hears(FollowedUp) == FollowedUp(task, 1, 3)
        assert task.files == ("a.py",)
        assert task.text.startswith("Double it.\n")
        assert f"`{FAILS}` ended with exit code 3" in task.text
        assert task.text.endswith("\n    sad")
        with pytest.raises(UsageError, match="no failure"):
            work.runs.follow_up()


def test_a_task_is_followed_up_three_times_and_every_text_has_the_original_request_once(tmp_path: Path) -> None:
    with at_work(tmp_path, command=FAILS) as work:
        task = TASK
        for number in (1, 2, 3):
            work.edit(task)
            assert work.fail().follow_ups == 4 - number
            work.runs.follow_up()
            assert work.hears(FollowedUp).number == number
            task = work.asked[-1]
            assert task.text.count("Double it.") == 1
        work.edit(task)
        ended = work.fail()
        assert ended.follow_ups == 0
        assert "3 failures of this task" in ended.reason
        with pytest.raises(UsageError):
            work.runs.follow_up()
        work.edit(Task("Another request."))
        assert work.fail().follow_ups == 3


def test_failing_again_without_a_new_edit_counts_on(tmp_path: Path) -> None:
    with at_work(tmp_path, command=FAILS) as work:
        work.edit()
        for left in (3, 2, 1, 0):
            assert work.fail().follow_ups == left
            if left:
                work.runs.follow_up()


def test_the_failure_of_an_edit_that_was_undone_is_not_shown_to_the_model(tmp_path: Path) -> None:
    with at_work(tmp_path, command=FAILS) as work:
        edit = work.edit()
        work.desk.judge(Verdict(edit.id, "accept"))
        assert work.fail().follow_ups == 3
        work.desk.undo(edit.id)
        with pytest.raises(UsageError, match="p1 was undone since it failed"):
            work.runs.follow_up()
        assert work.asked == []


def test_a_long_and_secret_output_reaches_the_model_short_and_without_the_secret(tmp_path: Path) -> None:
    key = "ghp_" + "a1B2" * 9
    script = f"import sys; [print(n, 'y' * 300) for n in range(99)]; print('{key}'); sys.exit(1)"
    with at_work(tmp_path, command=f'{sys.executable} -c "{script}"') as work:
        work.edit()
        work.fail()
        work.runs.follow_up()
        output = work.asked[0].text.partition("The end of its output:")[2]
        assert "98 yyy" in output
        assert key not in output
        assert len(output) < KEPT_CHARACTERS + 500


@pytest.mark.parametrize("command", ["no-such-program", "echo fine"])
def test_what_no_edit_would_mend_is_not_offered_to_the_model(tmp_path: Path, command: str) -> None:
    with at_work(tmp_path, command=command) as work:
        work.edit()
        assert work.fail().follow_ups == 0
        with pytest.raises(UsageError):
            work.runs.follow_up()


def test_tests_that_fail_without_an_edit_are_not_the_models(tmp_path: Path) -> None:
    with at_work(tmp_path, command=FAILS) as work:
        assert work.fail().follow_ups == 0
