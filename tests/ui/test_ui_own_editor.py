"""Ctrl+G: the prompt and the proposal in the person's own editor."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pexpect
import pytest
from person import Person, at_work
from scripted import AFTER, proposal

from continual_code.events import Proposed, Verdict

HERE = Path(__file__).parent
Editor = Callable[[str], Path]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Sets $EDITOR to a shell script that gets the file as $1; the temporary files of the program lie in `tmp`."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.delenv("VISUAL", raising=False)

    def write(script: str) -> Path:
        file = tmp_path / "my editor"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        monkeypatch.setenv("EDITOR", shlex.quote(str(file)))
        return file

    return write


def make_way(person: Person) -> None:
    """Without a terminal there is nothing to leave to an editor."""
    person.app.suspend = nullcontext  # type: ignore[method-assign]


async def card(person: Person, **fields: object) -> None:
    make_way(person)
    person.session.play(Proposed(proposal(**fields)))  # type: ignore[arg-type]
    await person.review_opens()
    person.clock.pass_grace()


async def verdict(person: Person) -> Verdict:
    await person.until(lambda: bool(person.session.verdicts), "a verdict")
    return person.session.verdicts[-1]


async def test_the_prompts_text_is_edited_and_not_sent(editor: Editor) -> None:
    editor('printf "\\nand why" >> "$1"')
    async with at_work() as person:
        make_way(person)
        await person.types("say hello")
        await person.press("ctrl+g")
        assert person.prompt.text == "say hello\nand why"
        assert person.session.asked == []
        await person.types("?")
        assert person.prompt.text == "say hello\nand why?", "the cursor is at the end"


async def test_a_newline_that_the_editor_ends_the_text_with_is_not_the_persons(editor: Editor) -> None:
    editor('echo >> "$1"')
    async with at_work() as person:
        make_way(person)
        await person.types("say hello")
        await person.press("left", "ctrl+g")
        await person.types("!")
        assert person.prompt.text == "say hell!o", "an unchanged text does not even move the cursor"


async def test_a_folded_paste_is_in_the_editor_in_full(editor: Editor, tmp_path: Path) -> None:
    editor(f'cp "$1" "{tmp_path}/seen"')
    async with at_work() as person:
        make_way(person)
        person.prompt.paste("long " * 4_000)
        await person.press("ctrl+g")
        assert (tmp_path / "seen").read_text() == "long " * 4_000
        assert person.prompt.text.startswith("[pasted #1")


async def test_only_the_person_can_read_the_file_and_it_is_gone_afterwards(editor: Editor, tmp_path: Path) -> None:
    editor(f'stat -c "%a %n" "$1" > "{tmp_path}/seen"; cp "$1" "$1~"')
    async with at_work() as person:
        await card(person, path="src/greet.py")
        await person.press("ctrl+g")
        mode, name = (tmp_path / "seen").read_text().split(" ", 1)
        assert mode == "600"
        assert name.strip().endswith("/greet.py")
        assert list((tmp_path / "tmp").iterdir()) == []


async def test_an_edited_proposal_waits_in_the_editor_of_the_card(editor: Editor) -> None:
    editor('echo "# mine" >> "$1"')
    async with at_work() as person:
        await card(person)
        await person.press("ctrl+g")
        await person.sees("Ctrl+S accepts this text")
        await person.sees("# mine")
        assert person.session.verdicts == []
        await person.press("ctrl+s")
        assert await verdict(person) == Verdict("p1", "edit", "", f"{AFTER}# mine\n")


async def test_from_the_editor_of_the_card_the_draft_goes_on_outside(editor: Editor) -> None:
    editor('echo "# outside" >> "$1"')
    async with at_work() as person:
        await card(person)
        await person.press("e")
        await person.types("# here ")
        await person.press("ctrl+g")
        await person.sees("# outside")
        await person.press("escape", "e", "ctrl+s")
        assert (await verdict(person)).edited == f"# here {AFTER}# outside\n"


async def test_a_proposal_left_as_it_was_is_accepted_as_it_was(editor: Editor) -> None:
    editor("true")
    async with at_work() as person:
        await card(person)
        await person.press("ctrl+g", "ctrl+s")
        assert await verdict(person) == Verdict("p1", "accept")


async def test_windows_line_ends_come_back_as_they_were(editor: Editor) -> None:
    editor("""printf 'new\\r\\n' >> "$1\"""")
    async with at_work() as person:
        await card(person, before="a\r\nb\r\n", after="a\r\nc\r\n")
        await person.press("ctrl+g", "ctrl+s")
        assert (await verdict(person)).edited == "a\r\nc\r\nnew\r\n"


async def test_what_the_card_cannot_show_is_kept_for_the_editor(editor: Editor) -> None:
    editor("""printf 'form\\ffeed\\r\\n' >> "$1\"""")
    async with at_work() as person:
        await card(person)
        await person.press("ctrl+g")
        await person.sees("Your text mixes line ends")
        editor("""sed -i 's/form.*/mended/' "$1\"""")
        await person.press("ctrl+g")
        await person.sees("Ctrl+S accepts this text")
        await person.press("ctrl+s")
        assert (await verdict(person)).edited == f"{AFTER}mended\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "No editor is set."),
        ("no-such-editor --wait", "no-such-editor could not be started: No such file or directory."),
        ("false", "false ended with code 1. Your text is as it was."),
        ("vi 'unfinished", "cannot be read: No closing quotation."),
    ],
)
async def test_an_editor_that_does_not_work_is_said_and_nothing_is_lost(
    line: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", line)
    monkeypatch.delenv("EDITOR", raising=False)
    async with at_work(size=(120, 40)) as person:
        make_way(person)
        await person.types("half a task")
        await person.press("ctrl+g")
        await person.until(lambda: said in " ".join(person.transcript.split()))
        assert person.prompt.text == "half a task"
        await person.press("ctrl+u")
        await card(person)
        await person.press("ctrl+g")
        await person.until(lambda: said in " ".join(person.screen.split()))
        await person.press("ctrl+s")
        assert await verdict(person) == Verdict("p1", "accept")


async def test_visual_comes_before_editor_and_may_have_arguments(
    editor: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = editor(f'echo "$1 $#" > "{tmp_path}/seen"')
    monkeypatch.setenv("VISUAL", f"{shlex.quote(str(file))} '--in one'")
    monkeypatch.setenv("EDITOR", "false")
    async with at_work() as person:
        make_way(person)
        await person.press("ctrl+g")
        assert (tmp_path / "seen").read_text() == "--in one 2\n"


async def test_where_nothing_is_written_no_editor_opens(editor: Editor, tmp_path: Path) -> None:
    editor(f'touch "{tmp_path}/opened"')
    async with at_work() as person:
        await person.press("shift+tab", "shift+tab")
        await person.until(lambda: "read-only" in person.footer)
        await card(person)
        await person.press("ctrl+g")
        await person.settles()
        assert "Ctrl+G" not in person.footer
        assert not (tmp_path / "opened").exists()


async def test_the_first_half_second_of_a_card_opens_no_editor(editor: Editor, tmp_path: Path) -> None:
    editor(f'touch "{tmp_path}/opened"')
    async with at_work() as person:
        make_way(person)
        person.session.play(Proposed(proposal()))
        await person.review_opens()
        await person.press("ctrl+g")
        assert not (tmp_path / "opened").exists()


async def test_the_key_is_in_the_footer_and_in_the_help() -> None:
    async with at_work(size=(140, 60)) as person:
        assert "Ctrl+G editor" in person.footer
        await card(person)
        await person.until(lambda: "Ctrl+G editor" in person.footer)
        await person.press("e")
        await person.until(lambda: "Ctrl+G editor" in person.footer)
        await person.press("escape", "?")
        await person.sees("write it in your own editor, $VISUAL or $EDITOR")
        await person.sees("edit it in your own editor")


def test_in_a_real_terminal_the_editor_has_the_screen_and_its_ctrl_c(editor: Editor) -> None:
    """Ctrl+C while the editor runs is the editor's, and the screen is there again afterwards."""
    file = editor(
        """trap 'echo interrupted' INT; echo "editor is here"; read word; read word; printf ", $word" >> "$1\""""
    )
    program = "from scripted import ScriptedSession; from continual_code.ui import run; run(ScriptedSession())"
    environment = os.environ | {"TERM": "xterm-256color", "EDITOR": shlex.quote(str(file)), "VISUAL": ""}
    environment["PYTHONPATH"] = f"{HERE}:{HERE.parents[1]}"
    child = pexpect.spawn(sys.executable, ["-c", program], env=environment, dimensions=(24, 80), encoding="utf-8")
    child.expect("What should change")
    child.send("greet")
    child.expect("greet")
    child.sendcontrol("g")
    child.expect("\x1b\\[\\?1049l")
    child.expect("editor is here")
    child.sendcontrol("c")
    child.expect("interrupted")
    child.sendline("politely")
    child.sendline("politely")
    child.expect("\x1b\\[\\?1049h")
    child.expect("greet, politely")
    child.sendcontrol("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
