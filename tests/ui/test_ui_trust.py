"""The question about a project's own settings: what the person sees, and what their keys decide."""

from __future__ import annotations

import pytest
from person import Person, at_work
from scripted import ScriptedGate

COMMAND = "tests.command = 'make check'"


def begun(person: Person) -> bool:
    return any(call[0] == "start" for call in person.session.calls)


@pytest.mark.parametrize(
    ("keys", "answer", "said"),
    [
        (["enter"], "ignore", "is ignored."),
        (["escape"], "ignore", "is ignored."),
        (["down", "enter"], "once", "counts in this session."),
        (["down", "down", "enter"], "always", "counts from now on."),
    ],
)
async def test_the_session_begins_once_the_person_has_decided(keys: list[str], answer: str, said: str) -> None:
    gate = ScriptedGate(COMMAND, "learning.anchors = 3")
    async with at_work(gate=gate) as person:
        await person.sees("Trust the settings in /project/.continual-code.toml?")
        assert COMMAND in person.screen
        assert "learning.anchors = 3" in person.screen
        assert "settings can run commands" in person.screen
        assert "Enter decides" in person.footer
        assert not begun(person)
        person.clock.pass_grace()
        await person.press(*keys)
        await person.until(lambda: begun(person), "the session")
        assert gate.answers == [answer]
        assert said in person.transcript


async def test_enter_pressed_blindly_as_the_question_appears_decides_nothing() -> None:
    gate = ScriptedGate(COMMAND)
    async with at_work(gate=gate) as person:
        await person.sees("Trust the settings")
        await person.press("down", "enter")
        await person.settles()
        assert gate.answers == []
        assert not begun(person)


async def test_a_file_with_a_fault_can_only_be_ignored_and_the_fault_is_said() -> None:
    gate = ScriptedGate(fault="Setting x: Extra inputs are not permitted.")
    async with at_work(gate=gate) as person:
        await person.sees("It cannot be used: Setting x: Extra inputs are not permitted.")
        assert "Trust it" not in person.screen
        person.clock.pass_grace()
        await person.press("down", "down", "enter")
        await person.until(lambda: begun(person), "the session")
        assert gate.answers == ["ignore"]


async def test_what_a_file_says_is_neither_markup_nor_steers_the_terminal() -> None:
    line = "tests.command = '[bold red]x[/] [@click=app.quit]y[/] \x1b]0;z\x07\u202e'"
    gate = ScriptedGate(line, path="/pro[b]ject/\x1b[2J.toml")
    async with at_work(gate=gate, size=(120, 24)) as person:
        await person.sees("[bold red]x[/] [@click=app.quit]y[/]")
        assert "/pro[b]ject/␛[2J.toml" in person.screen
        assert not {"\x1b", "\x07", "\u202e"} & set(person.screen)


async def test_the_end_of_a_long_command_can_be_read_before_it_is_trusted() -> None:
    gate = ScriptedGate("tests.command = '" + "true && " * 400 + "rm -rf precious'")
    async with at_work(gate=gate) as person:
        await person.sees("Trust the settings")
        assert "precious" not in person.screen
        await person.press(*["pagedown"] * 30)
        await person.sees("precious")
        assert "› Ignore it" in person.screen
