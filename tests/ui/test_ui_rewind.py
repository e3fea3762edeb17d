"""Going back: Esc Esc, a list of what was asked and written, and the task in the prompt again."""

from __future__ import annotations

import pytest
from person import Person, at_work

from continual_code.errors import WorkspaceError
from continual_code.events import Started, Task, Undone
from continual_code.past import Point

GREET, SORT = Task("greet politely"), Task("sort \x1b[31m[bold]the list")
POINTS = [Point("t1", GREET), Point("p1", GREET, "greet.py"), Point("t2", SORT), Point("p2", SORT, "src/app.py")]


async def opens_the_list(person: Person) -> None:
    person.session.point_list = POINTS
    await person.press("escape")
    await person.until(lambda: "Esc again goes back to an earlier task" in person.footer)
    await person.press("escape")
    await person.sees("Back to just before which task or edit?")


async def test_esc_esc_lists_tasks_and_edits_newest_first_and_says_what_a_choice_does() -> None:
    async with at_work() as person:
        await opens_the_list(person)
        shown = person.screen
        assert shown.index("p2 ") < shown.index("t2 ") < shown.index("p1 ") < shown.index("t1 ")
        assert "Lessons stay learned; F4 undoes those." in shown
        await person.sees("Takes back p2 src/app.py.")
        await person.press("end")
        await person.sees("Takes back p2 src/app.py, p1 greet.py.")
        await person.sees("Into the prompt: greet politely")
        assert "Enter goes back" in person.footer
        assert "␛[31m[bold]the list" in shown


async def test_choosing_a_task_goes_back_and_puts_its_text_into_the_prompt() -> None:
    async with at_work() as person:
        await opens_the_list(person)
        await person.press("end", "enter")
        await person.until(lambda: person.prompt.text == "greet politely")
        assert ("rewind", "t1") in person.session.calls
        person.session.play(Undone("p1", "greet.py is as it was before p1."))
        await person.until(lambda: "p1 undone: greet.py is as it was before p1." in person.transcript)
        await person.types(" please")
        assert person.prompt.text == "greet politely please"


async def test_esc_in_the_list_changes_nothing() -> None:
    async with at_work() as person:
        await opens_the_list(person)
        await person.press("escape")
        await person.settles()
        assert not any(call[0] == "rewind" for call in person.session.calls)
        assert person.app.screen is person.app.main
        assert person.prompt.has_focus


async def test_the_command_opens_the_same_list() -> None:
    async with at_work() as person:
        person.session.point_list = POINTS
        await person.types("/rewind")
        await person.press("enter")
        await person.sees("Back to just before which task or edit?")


async def test_one_esc_or_a_late_second_one_opens_nothing() -> None:
    async with at_work() as person:
        person.session.point_list = POINTS
        await person.press("escape")
        person.clock.now += 3
        await person.press("escape")
        await person.settles()
        assert person.app.screen is person.app.main


async def test_esc_esc_with_words_in_the_prompt_opens_nothing() -> None:
    async with at_work() as person:
        person.session.point_list = POINTS
        await person.press("escape")
        await person.types("half a sen")
        await person.press("escape", "escape")
        await person.settles()
        assert person.app.screen is person.app.main
        assert person.prompt.text == "half a sen"


async def test_the_esc_that_stops_an_answer_does_not_count() -> None:
    async with at_work() as person:
        person.session.point_list = POINTS
        person.session.play(Started(Task("x"), 1, 2))
        await person.until(lambda: "Esc stops the answer" in person.footer)
        await person.press("escape", "escape")
        await person.settles()
        assert ("interrupt",) in person.session.calls
        assert person.app.screen is person.app.main


async def test_with_nothing_asked_there_is_nothing_to_go_back_to() -> None:
    async with at_work() as person:
        await person.press("escape", "escape")
        await person.until(lambda: "Nothing was asked in this session yet." in person.transcript)


async def test_a_file_that_changed_since_is_named_and_the_prompt_stays_empty() -> None:
    async with at_work() as person:
        person.session.errors["rewind"] = WorkspaceError("Going back stopped at p1: greet.py changed.", kept="p2 was.")
        await opens_the_list(person)
        await person.press("end", "enter")
        await person.until(lambda: "Going back stopped at p1: greet.py changed." in person.transcript)
        assert person.prompt.text == ""


@pytest.mark.parametrize("text", ["x" * 9_000, "line\n" * 300])
async def test_a_long_task_comes_back_folded_and_is_sent_whole(text: str) -> None:
    async with at_work() as person:
        await opens_the_list(person)
        person.session.point_list = [Point("t1", Task(text))]
        await person.press("escape", "escape", "escape")
        await person.sees("Back to just before")
        await person.press("enter")
        await person.until(lambda: person.prompt.text.startswith("[pasted #1"))
        await person.press("enter")
        await person.until(lambda: [task.text for task in person.session.asked] == [text])
