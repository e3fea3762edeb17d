"""The completion script that a shell loads completes what a person would type."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from continual_code.cli import main, parser
from continual_code.completion import PATHS, arguments_of, script

COMPLETE = """
source "$1"
function_of=$(complete -p continual-code | sed 's/.*-F \\([^ ]*\\).*/\\1/')
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
"$function_of" 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def bash_script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "continual-code.bash"
    path.write_text(script("bash"))
    return path


def completed(bash_script: Path, *words: str) -> list[str]:
    """What Bash offers when Tab is pressed after these words."""
    command = ["bash", "--norc", "-c", COMPLETE, "bash", str(bash_script), *words]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return sorted(result.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["continual-code", "le"], ["learn", "lessons"]),
        (["continual-code", "--json", "le"], ["learn", "lessons"]),
        (["continual-code", "models", "p"], ["path", "pull"]),
        (["continual-code", "report", "--o"], ["--out"]),
        (["continual-code", "reject", "--w"], ["--wait"]),
        (["continual-code", "completion", ""], ["bash", "fish", "zsh"]),
        (["continual-code", "bench", "le"], ["lessons"]),
        (["continual-code", "frob"], []),
    ],
)
def test_tab_offers_what_can_follow(bash_script: Path, words: list[str], offered: list[str]):
    assert completed(bash_script, *words) == offered


def test_a_file_is_offered_where_a_file_is_wanted(bash_script: Path, tmp_path: Path):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "north").mkdir()
    assert completed(bash_script, "continual-code", "run", "x", "--file", f"{tmp_path}/no") == [
        f"{tmp_path}/north", f"{tmp_path}/notes.txt",
    ]  # fmt: skip
    assert completed(bash_script, "continual-code", "export", f"{tmp_path}/no") == [f"{tmp_path}/north"]


@pytest.mark.parametrize(("shell", "check"), [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])])
def test_the_shell_accepts_its_script(
    shell: str, check: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):  # fmt: skip
    assert main(["completion", shell]) == 0
    printed = capsys.readouterr().out
    assert "rollback" in printed
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    path = tmp_path / "script"
    path.write_text(printed)
    assert subprocess.run([shell, *check, str(path)], check=False, timeout=30).returncode == 0


def test_every_path_among_the_options_is_completed_as_one():
    paths = {argument.dest for argument in arguments_of(parser()) if argument.type is Path}
    assert paths <= PATHS.keys()


def test_a_shell_that_starts_does_not_wait_for_torch_or_the_screen():
    probe = (
        "import sys; from continual_code.cli import main; main(['completion', 'bash']); "
        "sys.exit(bool({'torch', 'textual', 'pydantic'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False, timeout=30)
    assert result.returncode == 0
