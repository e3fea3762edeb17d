"""A project's own settings: they count once the person trusted them, and exactly as they were then."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest
from commanding import PROGRAM, Commands
from playing import FILE as SOURCE
from playing import Script

from continual_code.errors import UsageError
from continual_code.trust import FILE, ProjectTrust, TrustStore, read_project_file
from continual_code.workspace.names import writable

ASK = ["run", "Use multiplication in double.", "--file", SOURCE, "--output-format", "stream-json"]
COMMAND = '[tests]\ncommand = "make check"\n'


@pytest.fixture
def project(command: Commands) -> Path:
    """The project's file, not trusted yet."""
    path = command.root / FILE
    path.write_text(COMMAND)
    return path


def command_for_tests(command: Commands) -> dict[str, str]:
    return command.json("config")["tests.command"]


def asks(root: Path) -> ProjectTrust:
    """What the screen asks when it opens, which must be something."""
    trust = ProjectTrust(root, {})
    assert trust.question() is not None
    return trust


# --- Commands ---------------------------------------------------------------------------


def test_without_a_file_nothing_is_said(command: Commands):
    assert command_for_tests(command)["origin"] == "default"
    assert command.err == ""


def test_a_command_ignores_what_is_not_trusted_and_says_so_in_one_line(command: Commands, project: Path):
    assert command_for_tests(command) == {"value": "", "origin": "default"}
    assert command.err.splitlines() == [
        f"{project} is ignored until you trust it: `continual-code config trust` shows it and does so."
    ]
    command("learn", code=0)
    assert command.err.count("is ignored") == 1


def test_what_was_trusted_counts_until_its_content_changes(command: Commands, project: Path):
    assert "tests.command = 'make check'" in command("config", "trust")
    assert command_for_tests(command) == {"value": "make check", "origin": str(project)}
    assert command.err == ""
    project.write_text('[tests]\ncommand = "rm -rf ."\n')
    assert command_for_tests(command) == {"value": "", "origin": "default"}
    assert "is ignored" in command.err
    project.write_text(COMMAND)
    assert command_for_tests(command)["value"] == "make check"


def test_the_same_content_in_another_directory_is_another_file(command: Commands, project: Path, tmp_path: Path):
    command("config", "trust")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / FILE).write_text(COMMAND)
    assert command.json("--repo", str(elsewhere), "config")["tests.command"]["origin"] == "default"


def test_trust_can_be_taken_back(command: Commands, project: Path):
    command("config", "trust")
    command("config", "distrust")
    assert command_for_tests(command)["origin"] == "default"


def test_a_task_without_the_screen_does_not_use_what_is_not_trusted(command: Commands, project: Path, script: Script):
    project.write_text("[context]\nprompt_tokens = 300\n")
    assert '"budget": 3072' in command(*ASK)
    assert "is ignored" in command.err
    command("config", "trust")
    assert '"budget": 300' in command(*ASK)
    assert "is ignored" not in command.err


def test_flags_and_the_environment_outrank_the_project_and_the_project_the_user(
    command: Commands, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
):
    home.mkdir()
    (home / "config.toml").write_text("[generation]\nseed = 1\n[tests]\ncommand = 'mine'\n")
    project.write_text("model = 'theirs'\n[generation]\nseed = 2\n[learning]\nmax_updates = 5\nanchors = 1\n")
    command("config", "trust")
    shown = command.json("--model", "x", "config")
    found = {name: shown[name]["value"] for name in ("model", "generation.seed", "learning.max_updates")}
    assert found == {"model": "x", "generation.seed": "2", "learning.max_updates": "3"}
    assert (shown["tests.command"]["value"], shown["learning.anchors"]["origin"]) == ("mine", str(project))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense = 1\n", "Setting nonsense: Extra inputs are not permitted"),
        ("[learning]\nmax_updates = 0\n", "Setting learning.max_updates"),
        ("[tests\n", "cannot be read"),
        ('home = "/tmp/other"\n', "a project cannot choose where your state is kept"),
        ("x" + ".x" * 5000 + " = 1\n", "cannot be read"),
        ("# " + "x" * 20_000, "larger than 16 kB"),
    ],
)
def test_a_file_that_cannot_be_used_is_not_trusted_and_disturbs_no_command(
    command: Commands, project: Path, text: str, says: str
):
    project.write_text(text)
    command("config", "trust", code=2)
    assert says in command.err
    assert command_for_tests(command)["origin"] == "default"
    assert "ignored" in command.err
    question = ProjectTrust(command.root, {}).question()
    assert question
    assert says in question.fault


def test_a_link_is_not_read_as_the_projects_file(command: Commands, project: Path, tmp_path: Path):
    project.rename(tmp_path / "real.toml")
    project.symlink_to(tmp_path / "real.toml")
    command("config", "trust", code=1)
    assert command_for_tests(command)["origin"] == "default"
    assert "symbolic link" in command.err


def test_there_must_be_a_file_to_trust(command: Commands):
    command("config", "trust", code=2)
    assert f"There is no {FILE} in" in command.err


def test_the_model_cannot_write_the_projects_file():
    with pytest.raises(Exception, match="never written for you"):
        writable(FILE)


# --- The screen -------------------------------------------------------------------------


def test_the_screen_asks_and_once_holds_for_one_session(command: Commands, project: Path):
    trust = asks(command.root)
    assert trust.settings().tests.command == ""
    trust.answer("once")
    assert trust.settings().tests.command == "make check"
    asks(command.root)


def test_what_is_trusted_always_is_asked_again_only_when_it_changes(command: Commands, project: Path):
    asks(command.root).answer("always")
    again = ProjectTrust(command.root, {})
    assert again.question() is None
    assert again.settings().tests.command == "make check"
    project.write_text(COMMAND + "# harmless\n")
    asks(command.root)


def test_what_counts_is_what_was_shown_and_not_what_the_file_became_meanwhile(command: Commands, project: Path):
    trust = asks(command.root)
    project.write_text('[tests]\ncommand = "evil"\n')
    trust.answer("always")
    assert trust.settings().tests.command == "make check"
    asks(command.root).answer("ignore")


def test_the_question_names_every_setting_of_the_file(command: Commands, project: Path):
    project.write_text(COMMAND + "run = true\n[learning]\nanchors = 0\n")
    question = ProjectTrust(command.root, {}).question()
    assert question
    assert question.settings == ("tests.command = 'make check'", "tests.run = True", "learning.anchors = 0")


def test_a_fault_in_a_trusted_file_is_said_as_one_in_the_persons_own(command: Commands, project: Path, home: Path):
    project.write_text("of_a_later_version = 1\n")
    file = read_project_file(command.root)
    assert file
    TrustStore(home / "state").add(file)
    command("config", code=2)
    assert f"Setting of_a_later_version: Extra inputs are not permitted (from {project})" in command.err
    with pytest.raises(UsageError, match="of_a_later_version"):
        ProjectTrust(command.root, {}).question()


def test_in_a_terminal_the_question_comes_before_the_settings_count(command: Commands, project: Path, home: Path):
    project.write_text('model = "no-such-model"\n')
    environment = {key: value for key, value in os.environ.items() if key != "CONTINUAL_CODE_MODEL"}
    child = pexpect.spawn(
        sys.executable, [*PROGRAM[1:], "--repo", str(command.root)], encoding="utf-8", timeout=60,
        env=environment | {"TERM": "xterm-256color"},
    )  # fmt: skip
    child.expect("Trust the settings in")
    child.expect("Esc ignores it")
    child.expect(pexpect.TIMEOUT, timeout=1)
    child.send("\x1b[B\r")
    child.expect('No model is called "no-such-model"')
    child.expect(pexpect.EOF)
