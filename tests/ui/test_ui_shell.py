"""Commands of the person's own: agreed to once, shown as they print, given back when they were not run."""

from __future__ import annotations

from person import Person, at_work

from continual_code.errors import UsageError
from continual_code.events import RunEnded, RunOutput, RunStarted
from continual_code.ui.screens.confirm import Confirm


async def sends(person: Person, text: str) -> None:
    await person.types(text)
    await person.press("enter")


async def agrees(person: Person) -> None:
    """The first command of the session runs."""
    await sends(person, "! ls")
    await person.until(lambda: isinstance(person.app.screen, Confirm))
    await person.press("y")
    await person.until(lambda: ("shell", "ls") in person.session.calls)


def shells(person: Person) -> list[str]:
    return [call[1] for call in person.session.calls if call[0] == "shell"]


async def test_the_first_command_of_a_session_asks_and_says_what_the_sandbox_allows() -> None:
    async with at_work() as person:
        await sends(person, "!git log --oneline")
        await person.sees("git log --oneline")
        await person.sees("write nothing here and reach no network")
        assert shells(person) == []
        await person.press("y")
        await person.until(lambda: shells(person) == ["git log --oneline"])
        await sends(person, "!  ls -la ")
        await person.until(lambda: shells(person) == ["git log --oneline", "ls -la"])
        assert person.session.asked == []


async def test_whoever_says_no_gets_the_words_back_and_is_asked_again() -> None:
    async with at_work() as person:
        for key in ("n", "escape", "enter"):
            await sends(person, "! rm -rf /")
            await person.until(lambda: isinstance(person.app.screen, Confirm))
            await person.press(key)
            await person.until(lambda: person.prompt.text == "! rm -rf /")
            await person.press("ctrl+u")
        await person.settles()
        assert shells(person) == []


async def test_what_a_command_prints_appears_as_it_comes_and_ends_with_its_exit_code() -> None:
    async with at_work() as person:
        await agrees(person)
        person.session.play(RunStarted("shell", "ls"), RunOutput(("a.py", "b.py"), "b.py"))
        await person.until(lambda: "! ls\n  a.py\n  b.py" in person.transcript)
        assert "Esc stops the command" in person.footer
        person.session.play(RunEnded("shell", "ls", "exited", 2, 0.3, ("y", "z"), 120))
        await person.until(lambda: "  ⋯ 120 more lines\n  y\n  z\n✗ exit code 2, 0.3 s" in person.transcript)
        assert "F6" not in person.screen


async def test_esc_stops_the_command() -> None:
    async with at_work() as person:
        await agrees(person)
        person.session.play(RunStarted("shell", "ls"))
        await person.until(lambda: "Esc stops the command" in person.footer)
        await person.press("escape")
        await person.until(lambda: ("stop",) in person.session.calls)


async def test_a_command_that_cannot_run_now_is_explained_and_the_words_come_back() -> None:
    async with at_work() as person:
        await agrees(person)
        person.session.errors["shell"] = UsageError("Another command is still running.", do="Esc stops it.")
        await sends(person, "! ls -la")
        await person.sees("Another command is still running.")
        await person.until(lambda: person.prompt.text == "! ls -la")


async def test_a_lone_mark_runs_nothing_and_an_inner_one_is_a_task() -> None:
    async with at_work() as person:
        await sends(person, "!")
        await person.sees("Write a command after the !")
        await sends(person, "say hello!")
        await person.until(lambda: [task.text for task in person.session.asked] == ["say hello!"])
        assert shells(person) == []


async def test_up_brings_the_last_command_back() -> None:
    async with at_work() as person:
        await agrees(person)
        await person.press("up")
        assert person.prompt.text == "! ls"
