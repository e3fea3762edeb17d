"""Going back with real files: byte for byte, newest first, and not one byte of the person's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playing import Watch, tiny_settings
from test_flow_desk import MODEL, ROLLOUT

from continual_code.app import open_session
from continual_code.errors import UsageError, WorkspaceError
from continual_code.events import Task, Undone, Verdict
from continual_code.logbook import LATEST
from continual_code.past import edits_from
from continual_code.session import LiveSession
from continual_code.settings import Settings

ONE, TWO, THREE = Task("one"), Task("two"), Task("three")


class Day:
    """A session without a model: what was asked, and edits that were accepted."""

    def __init__(self, settings: Settings, root: Path, resume: str | None = None) -> None:
        self.root = root
        self.session: LiveSession = open_session(settings, root, resume=resume)
        self.watch = Watch(self.session)
        self.session._listener = self.watch

    def ask(self, task: Task) -> str:
        return self.session._work.log.begin(task)

    def propose(self, asked: str, task: Task, path: str, after: str) -> str:
        file = self.root / path
        before = file.read_text() if file.exists() else None
        return self.session._desk.journal.add_proposal(
            model=MODEL, root=str(self.root), task=task, path=path, before=before, after=after, rollout=ROLLOUT,
            seconds=0.0, asked=asked,
        ).id  # fmt: skip

    def accept(self, proposal: str) -> None:
        self.session.judge(Verdict(proposal, "accept"))

    def edit(self, asked: str, task: Task, path: str, after: str) -> str:
        proposal = self.propose(asked, task, path, after)
        self.accept(proposal)
        return proposal

    @property
    def files(self) -> dict[str, bytes]:
        return {str(file.relative_to(self.root)): file.read_bytes() for file in self.root.rglob("*") if file.is_file()}


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    return tiny_settings(tmp_path / "home", tiny_model)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    (root / "a.py").write_bytes(b"a = 1\r\n")
    return root


@pytest.fixture
def day(settings: Settings, root: Path) -> Day:
    return Day(settings, root)


def lived(day: Day) -> list[dict[str, bytes]]:
    """Three tasks with an edit each, two of them of one file; what the files were before each task."""
    states = []
    for task, path, after in ((ONE, "a.py", "a = 2\n"), (TWO, "new/b.py", "b = 1\n"), (THREE, "a.py", "a = 3\n")):
        states.append(day.files)
        day.edit(day.ask(task), task, path, after)
    return states


@pytest.mark.parametrize("number", [0, 1, 2])
def test_going_back_to_a_task_restores_every_byte_of_that_moment(day: Day, number: int):
    states = lived(day)
    assert day.session.rewind(f"t{number + 1}") == ("one", "two", "three")[number]
    assert day.files == states[number]
    assert [event.id for event in day.watch.of(Undone)] == ["p3", "p2", "p1"][: 3 - number]


def test_going_back_to_an_edit_takes_it_back_too(day: Day):
    states = lived(day)
    assert day.session.rewind("p2") == "two"
    assert day.files == states[1]


def test_the_points_are_in_the_order_in_which_things_happened(day: Day):
    first, second = day.ask(ONE), day.ask(TWO)
    late = day.propose(first, ONE, "late.py", "x = 1\n")
    day.edit(second, TWO, "b.py", "b = 1\n")
    third = day.ask(THREE)
    day.accept(late)
    points = day.session.points()
    assert [point.id for point in points] == [first, second, "p2", third, late]
    assert [point.id for point in edits_from(points, third)] == [late]
    day.session.rewind(third)
    assert sorted(day.files) == ["a.py", "b.py"]


def test_it_stops_at_a_file_that_the_person_changed(day: Day):
    lived(day)
    (day.root / "new" / "b.py").write_text("mine\n")
    with pytest.raises(WorkspaceError) as stopped:
        day.session.rewind("t1")
    assert "Going back stopped at p2" in stopped.value.what
    assert "new/b.py" in stopped.value.what
    assert stopped.value.kept == "p3 was taken back; p2 and what came before it is as it was."
    assert day.files == {"a.py": b"a = 2\r\n", "new/b.py": b"mine\n"}


def test_what_was_taken_back_once_is_no_point_any_more_and_its_task_still_is(day: Day):
    lived(day)
    day.session.rewind("t2")
    assert [point.id for point in day.session.points()] == ["t1", "p1", "t2", "t3"]
    before = day.files
    assert day.session.rewind("t3") == "three"
    assert day.files == before


def test_edits_of_other_sessions_are_not_touched(day: Day, settings: Settings, root: Path):
    asked = day.ask(ONE)
    other = Day(settings, root)
    other.edit(other.ask(TWO), TWO, "other.py", "o = 1\n")
    day.edit(asked, ONE, "b.py", "b = 1\n")
    day.session.rewind("t1")
    assert sorted(day.files) == ["a.py", "other.py"]
    with pytest.raises(UsageError, match="no point t2"):
        day.session.rewind("t2")


def test_a_continued_session_goes_back_beyond_the_break(day: Day, settings: Settings, root: Path):
    states = lived(day)
    later = Day(settings, root, LATEST)
    assert later.session.rewind("t1") == "one"
    assert later.files == states[0]


def test_a_new_session_has_nothing_to_go_back_to(settings: Settings, root: Path):
    assert Day(settings, root).session.points() == []
