"""Coming back to a session with the real engine: what the journal kept is there, and the work goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from commanding import Commands
from playing import AFTER, BEFORE, FILE, TASK, Script, Watch, plant, playing, tiny_settings

from continual_code.app import open_session
from continual_code.cli import main
from continual_code.events import NoEdit, Ready, Verdict
from continual_code.logbook import LATEST
from continual_code.port import Opened
from continual_code.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    return tiny_settings(tmp_path / "home", tiny_model)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return plant(tmp_path / "project")


class Continued:
    """A session that is continued and closed again."""

    def __init__(self, settings: Settings, root: Path, resume: str | None = LATEST) -> None:
        self.session = open_session(settings, root, retries=False, resume=resume)
        self.watch = Watch(self.session)

    def __enter__(self) -> Opened:
        opened = self.session.start(self.watch)
        self.watch.wait(Ready)
        return opened

    def __exit__(self, *_: object) -> None:
        self.session.close()


def test_a_session_goes_on_where_it_was_left(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as watch:
        rejected = watch.ask()
        watch.session.judge(Verdict(rejected.id, "reject"))
        script.after = lambda revision: BEFORE
        watch.session.ask(TASK)
        watch.wait(NoEdit)
        script.after = lambda revision: AFTER[0]
        waiting = watch.ask()
    continued = Continued(settings, root)
    with continued as opened:
        past = opened.past
        assert past is not None
        assert [turn.task for turn in past.turns] == [TASK] * 3
        assert [offer.verdict for turn in past.turns for offer in turn.offers] == [Verdict("p1", "reject"), None]
        assert "nothing changed" in past.turns[1].reason
        assert past.waiting == (waiting,)
        continued.session.judge(Verdict(waiting.id, "accept"))
        assert (root / FILE).read_text() == AFTER[0]
    with Continued(settings, root, "s1") as opened:
        assert opened.past is not None
        assert opened.past.waiting == ()
        assert opened.past.turns[2].offers[0].writing == "applied"


def test_the_prompt_is_the_same_in_a_continued_session(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as watch:
        watch.ask()
    continued = Continued(settings, root)
    with continued:
        continued.watch.ask()
    assert script.prompts[0] == script.prompts[1]


def test_run_and_c_write_on_in_one_session_and_sessions_lists_it(command: Commands, script: Script):
    ask = ["run", TASK.text, "--file", FILE]
    for arguments in (ask, ["-c", *ask], ask, ["--resume", "s1", *ask]):
        command(*arguments)
    listed = command.json("sessions")
    assert [(note["id"], note["tasks"], note["waiting"]) for note in listed] == [("s1", 3, 3), ("s2", 1, 1)]
    assert listed[0]["first"] == TASK.text
    assert command("sessions").splitlines()[0].endswith(f"{TASK.text}  (3 tasks, 3 waiting for a verdict)")


def test_without_a_session_there_is_nothing_to_continue(command: Commands):
    for arguments in (["-c", "run", "x"], ["--resume", "s7", "run", "x"]):
        command(*arguments, code=2)
        assert "There is no session" in command.err
    assert command("sessions") == "No sessions of this directory yet.\n"


def test_resume_without_an_id_needs_the_screen(command: Commands):
    command("-p", "x", "--resume", code=2)
    assert "Which session?" in command.err


def test_only_one_session_can_be_continued():
    for arguments in (["-c", "--resume", "s1"], ["-c", "lessons"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
