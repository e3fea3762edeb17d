"""The command line as a script sees it: exit codes, one JSON value on stdout, one clear sentence on stderr."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from commanding import PROGRAM, Commands
from playing import AFTER, BEFORE, COMMENT, FILE, Script, plant, playing
from tiny import make_tiny_model

from continual_code.app import open_desk, open_lineage
from continual_code.cli import main
from continual_code.errors import ModelError
from continual_code.headless import Headless
from continual_code.settings import load_settings

ASK = ["run", "Use multiplication in double.", "--file", FILE]
IDS = torch.arange(3, 40)

LOGITS_OF_EXPORT = """
import sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
model = PeftModel.from_pretrained(model, sys.argv[2]).eval()
with torch.no_grad():
    torch.save(model(torch.arange(3, 40)[None]).logits[0], sys.argv[3])
"""


BUSY_AT_THE_END = """
import sys, threading, torch
from continual_code import cli
def compute():
    left, right = torch.rand(300, 300), torch.rand(300, 300)
    while True:
        left @ right
def main():
    threading.Thread(target=compute, daemon=True).start()
    print("answered")
    return 3
cli.main = main
cli.script()
"""


# --- Without a model --------------------------------------------------------------------


def test_help_is_quick_and_needs_no_torch():
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        shown = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - started)
        assert "reject" in shown.stdout
    assert min(seconds) < 1, seconds
    probe = "import sys, continual_code.cli; sys.exit(any(m in sys.modules for m in ('torch', 'textual', 'pydantic')))"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["run", "  "], 2, "The task is empty."),
        (["accept", "p99"], 2, "There is no proposal p99."),
        (["reject", "nonsense", "-m", "why"], 2, "'nonsense' is not an id of the form p1."),
        (["undo"], 2, "There is no applied edit to undo."),
        (["undo", "p99"], 2, "p99 is not applied in this directory."),
        (["undo", "l99"], 2, "There is no lesson l99."),
        (["rollback", "seven"], 2, "'seven' is not a revision number."),
        (["rollback", "7"], 2, "Revision 7 is not part of what serves now"),
        (["export", "out"], 2, "There is nothing to export"),
        (["models", "path", "no-such-model"], 1, "no-such-model"),
        (["--model", "no-such-model", "lessons"], 1, "no-such-model"),
        (["--model", "no-such-model", *ASK], 1, "no-such-model"),
        (["--model", "./nowhere", *ASK], 1, "nowhere"),
        (["--repo", "/no/such/place", *ASK], 2, "/no/such/place is not a directory."),
        ([*ASK, "--file", "../out.py"], 1, "out.py"),
        ([], 2, "The screen needs a terminal."),
    ],
)
def test_a_request_that_cannot_be_met_is_one_clear_sentence(
    command: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, says: str
):
    monkeypatch.chdir(tmp_path)
    command(*arguments, code=code)
    assert says in command.err
    assert command.out == ""
    assert "Traceback" not in command.err
    assert len(command.err.splitlines()) <= 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["frobnicate"], ["run"], ["accept"], ["--no-such-flag"]])
def test_a_command_that_cannot_be_parsed_exits_with_2(arguments: list[str]):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_an_error_is_also_an_answer_in_json(command: Commands):
    assert command.json("accept", "p99", code=2)["error"] == "There is no proposal p99."


def test_a_home_that_cannot_be_used_is_said_without_a_traceback(command: Commands, home: Path):
    home.mkdir()
    (home / "state").write_text("in the way")
    command("lessons", code=1)
    assert f"{home / 'state'} cannot be used" in command.err


def test_a_bad_setting_names_itself_and_its_source(command: Commands, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CONTINUAL_CODE_LEARNING__MAX_UPDATES", "many")
    command("config", code=2)
    assert "learning.max_updates" in command.err
    assert "environment" in command.err


def test_config_says_where_each_value_comes_from(command: Commands, tiny_model: Path):
    shown = command.json("config")
    assert shown["model"] == {"value": str(tiny_model), "origin": "environment"}
    assert shown["generation.seed"]["origin"] == "default"
    assert command.json("--model", "x", "config")["model"] == {"value": "x", "origin": "flag"}
    assert f"model = {tiny_model}  (environment)" in command("config")
    assert command("config", "show", "--origin") == command("config")


def test_models_list_needs_no_network(command: Commands):
    rows = command.json("models", "list")
    assert "smollm2-135m" in [row["id"] for row in rows]
    assert {row["state"] for row in rows} == {"not installed"}
    assert set(rows[0]) == {"id", "title", "state", "size", "licence", "for"}
    assert len(command("models", "list").splitlines()) == len(rows)


def test_what_still_computes_when_the_program_ends_takes_nothing_of_its_exit_code():
    for _ in range(5):
        ended = subprocess.run([sys.executable, "-c", BUSY_AT_THE_END], capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (3, "answered\n", "")


def test_the_program_itself_exits_with_these_codes(home: Path, tmp_path: Path):
    repo = ["--repo", str(plant(tmp_path / "project"))]
    refused = subprocess.run([*PROGRAM, *repo, "accept", "p9"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("There is no proposal p9.")
    shown = subprocess.run([*PROGRAM, *repo, "lessons", "--json"], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout) == (0, "[]\n")


# --- One task through the commands ------------------------------------------------------


def test_run_prints_one_json_object(command: Commands, script: Script):
    answer = command.json(*ASK)
    assert set(answer) == {"proposal", "status", "diff", "revision", "seconds"}
    assert (answer["proposal"], answer["status"], answer["revision"]) == ("p1", "proposed", 0)
    assert "+    return x * 2" in answer["diff"]
    assert (command.root / FILE).read_text() == BEFORE
    assert command(*ASK).startswith(f"--- a/{FILE}\n+++ b/{FILE}\n")
    assert "p2" in command.err


def test_run_apply_writes_the_file_and_undo_takes_it_back(command: Commands, script: Script):
    assert command.json(*ASK, "--apply")["status"] == "applied"
    assert (command.root / FILE).read_text() == AFTER[0]
    assert command.json("undo") == {"undone": "p1", "path": FILE}
    assert (command.root / FILE).read_text() == BEFORE


def test_an_answer_that_changes_nothing_is_no_edit(command: Commands, script: Script):
    script.after = lambda revision: BEFORE
    answer = command.json(*ASK, code=1)
    assert (answer["proposal"], answer["status"], answer["diff"]) == (None, "no_edit", "")
    assert "nothing changed" in answer["reason"]


def test_accept_applies_a_proposal_once(command: Commands, script: Script):
    command(*ASK)
    assert command.json("accept", "p1") == {"proposal": "p1", "status": "applied", "path": FILE}
    assert (command.root / FILE).read_text() == AFTER[0]
    command("accept", "p1", code=2)
    assert "already has a verdict" in command.err


def test_accept_elsewhere_names_the_right_directory(command: Commands, script: Script, tmp_path: Path):
    command(*ASK)
    copy = plant(tmp_path / "copy")
    command("--repo", str(copy), "accept", "p1", code=2)
    assert f"--repo {command.root}" in command.err
    assert (copy / FILE).read_text() == BEFORE


@pytest.mark.usefixtures("interruptible")
def test_interrupting_a_command_exits_with_130(command: Commands, script: Script):
    script.held.clear()
    main_thread = threading.main_thread().ident or 0

    def press_ctrl_c() -> None:
        script.begun.wait(30)
        signal.pthread_kill(main_thread, signal.SIGINT)

    threading.Thread(target=press_ctrl_c, daemon=True).start()
    command(*ASK, code=130)
    assert "Interrupted" in command.err
    assert command.out == ""


# --- One lesson through the commands ----------------------------------------------------


def test_a_lesson_from_rejection_to_export_and_back(
    command: Commands, script: Script, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    command(*ASK)
    taught = command.json("reject", "p1", "-m", COMMENT, "--wait")
    assert {"lesson", "status", "revision", "gap", "loss_before", "loss_after", "seconds"} <= set(taught)
    assert (taught["lesson"], taught["status"], taught["revision"]) == ("l1", "learned", 1)
    assert taught["loss_after"] < taught["loss_before"]
    (listed,) = command.json("lessons")
    assert (listed["id"], listed["status"], listed["comment"]) == ("l1", "learned", COMMENT)

    served: list[torch.Tensor] = []
    load = Headless.load

    def load_and_look(driver: Headless):
        ready = load(driver)
        view = driver.session._loaded().views.serving
        with torch.no_grad():
            served.append(view.logits(view.hidden(IDS)))
        return ready

    monkeypatch.setattr(Headless, "load", load_and_look)
    again = command.json(*ASK)
    assert (again["revision"], "zebra" in again["diff"]) == (1, True)
    assert command.json("export", str(tmp_path / "out"))["revision"] == 1
    code = [sys.executable, "-c", LOGITS_OF_EXPORT, str(tiny_model), str(tmp_path / "out"), str(tmp_path / "logits")]
    subprocess.run(code, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True)
    exported = torch.load(tmp_path / "logits", weights_only=True)
    assert torch.allclose(exported, served[0], atol=1e-5, rtol=0)

    assert command.json("doctor")[-1]["detail"] == "revision 1 verifies"
    assert command.json("rollback", "0") == {"revision": 0, "rolled_back": ["l1"]}
    assert command.json("lessons")[0]["status"] == "rolled_back"
    assert command.json(*ASK)["revision"] == 0
    assert not torch.allclose(exported, served[-1], atol=1e-5, rtol=0)  # the adapter did change something


def test_a_waiting_lesson_is_learned_by_learn_and_taken_back_by_undo(command: Commands, script: Script):
    assert command("learn") == "Nothing waits to be learned.\n"
    command(*ASK)
    assert command.json("reject", "p1", "-m", COMMENT)["status"] == "pending"
    assert "preparing to learn" not in command.err, "nobody waits for that yet"
    assert [lesson["status"] for lesson in command.json("learn")] == ["learned"]
    assert "preparing to learn\nlesson l1: " in command.err
    undone = command.json("undo", "l1")
    assert (undone["revision"], undone["to_learn_again"]) == (0, [])
    assert command.json("lessons")[0]["status"] == "undone"


def test_a_lesson_is_in_the_report(command: Commands, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    command(*ASK)
    command("reject", "p1", "-m", COMMENT, "--wait")
    assert "preparing to learn\nlesson l1: " in command.err
    told = command.json("report")
    assert (told["revision"], told["page"], len(told["entries"])) == (1, None, 1)
    assert "+    return x * 2" in told["entries"][0]["rejected"]
    assert "x * 2" in "".join(piece["text"] for piece in told["entries"][0]["credit"])
    assert list(tmp_path.glob("*.html")) == []

    assert command("report") == f"Written to {tmp_path / 'continual-code-report.html'}.\n"
    assert COMMENT in (tmp_path / "continual-code-report.html").read_text()
    assert command.json("report", "--out", "mine.html")["page"] == str(tmp_path / "mine.html")
    (tmp_path / "notes.html").write_text("mine")
    command("report", "--out", "notes.html", code=2)
    assert "in the way" in command.err
    assert (tmp_path / "notes.html").read_text() == "mine"


def test_a_report_loads_neither_torch_nor_the_screen(home: Path, tmp_path: Path):
    probe = (
        "import sys; from continual_code.cli import main; code = main(['report', '--out', sys.argv[1]]); "
        "sys.exit(code or bool({'torch', 'transformers', 'textual.app'} & sys.modules.keys()))"
    )
    made = subprocess.run([sys.executable, "-c", probe, str(tmp_path / "out.html")], capture_output=True, check=False)
    assert (made.returncode, made.stderr) == (0, b"")
    assert "No lessons yet" in (tmp_path / "out.html").read_text()


def test_a_bare_rejection_teaches_nothing(command: Commands, script: Script):
    command(*ASK)
    assert command.json("reject", "p1") == {"lesson": None, "status": "rejected"}
    assert command.json("lessons") == []


def test_a_lesson_that_another_process_works_on_is_watched(command: Commands, script: Script):
    command(*ASK)
    with playing(load_settings()[0], command.root, retries=False):
        taught = command.json("reject", "p1", "-m", COMMENT, "--wait")
    assert taught["status"] == "learned"
    assert "is learning it" in command.err


def test_a_lesson_whose_process_ends_before_it_is_learned_here(command: Commands, script: Script):
    command(*ASK)
    settings = load_settings()[0]
    lock = open_lineage(settings, open_desk(settings, command.root).journal).lock
    lock.acquire()
    threading.Timer(1.0, lock.release).start()
    taught = command.json("reject", "p1", "-m", COMMENT, "--wait")
    assert taught["status"] == "learned"
    assert "is learning it" in command.err


def test_a_lesson_for_another_model_waits_for_that_one(command: Commands, script: Script, tmp_path: Path):
    other = make_tiny_model(tmp_path / "other", seed=1)
    command("--model", str(other), *ASK)
    command("reject", "p1", "-m", COMMENT, "--wait", code=2)
    assert f"Give `--model {other}`." in command.err
    assert command.json("--model", str(other), "learn")[0]["status"] == "learned"


def test_a_damaged_head_is_reported_and_the_command_goes_on(command: Commands, script: Script, home: Path):
    command(*ASK)
    command("reject", "p1", "-m", COMMENT, "--wait")
    (damaged,) = home.glob("state/revisions/*/000001/adapter.safetensors")
    damaged.chmod(0o600)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    command("doctor", code=1)
    assert command.json(*ASK)["proposal"] == "p2"
    assert "Revision 0 serves instead" in command.err


def test_doctor_looks_at_everything(command: Commands, monkeypatch: pytest.MonkeyPatch):
    topics = {finding["topic"]: finding["sound"] for finding in command.json("doctor")}
    assert set(topics) == {"program", "device", "git", "home", "model", "state"}
    assert topics["model"]
    assert topics["state"]
    monkeypatch.setenv("CONTINUAL_CODE_MODEL", "smollm2-135m")
    assert "models pull smollm2-135m" in command("doctor", code=1)


def test_a_model_that_no_source_delivers_is_said(command: Commands, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise ModelError("smollm2-135m could not be fetched: the network is down.", do="Try again.")

    monkeypatch.setattr("continual_code.app.provision", refuse)
    command("--model", "smollm2-135m", *ASK, code=1)
    assert "the network is down" in command.err


# --- Searching --------------------------------------------------------------------------


def test_a_search_prints_lines_with_their_places_and_fails_when_there_are_none(command: Commands):
    assert command("search", "X + x", code=1) == ""
    assert command("search", "x + x") == f"{FILE}:2:     return x + x\n"


def test_a_search_as_json_says_where_in_the_line_and_whether_it_was_cut(command: Commands):
    assert command.json("search", "doubl", "--word", code=1) == {"matches": [], "cut": ""}
    (match,) = command.json("search", "double", "--word")["matches"]
    assert match == {"path": FILE, "number": 1, "text": "def double(x):", "start": 4, "end": 10}
    (command.root / "many.txt").write_text("many\n" * 300)
    assert "there are more" in command.json("search", "many")["cut"]
    assert "there are more" in command.err


def test_a_search_by_a_pattern_and_one_that_is_none(command: Commands):
    assert command("search", "--regex", r"return\s+x.*x$") == f"{FILE}:2:     return x + x\n"
    command("search", "--regex", "(", code=2)
    assert "missing )" in command.err
    with pytest.raises(SystemExit, match="2"):
        command("search", "--regex", "--word", "x")


def test_a_search_for_nothing_is_a_matter_of_usage(command: Commands):
    command("search", " ", code=2)
    assert "There is nothing to search for." in command.err
