"""A commit of an accepted edit: offered or asked for, with a message that the person has seen."""

from __future__ import annotations

from person import Person, at_work
from scripted import proposal

from continual_code.errors import WorkspaceError
from continual_code.events import Applied, Committed, Proposed, Undone
from continual_code.ui.screens.commit import CommitScreen

MESSAGE = "Greet politely\n\nContinual-Code-Lesson: l3"


def commits(person: Person) -> list[tuple[str, str]]:
    return [call[1:] for call in person.session.calls if call[0] == "commit"]


async def opens(person: Person) -> None:
    await person.until(lambda: isinstance(person.app.screen, CommitScreen), "the message")
    await person.pilot.pause()


async def test_f7_shows_the_message_and_ctrl_s_commits_with_it_as_it_was_left() -> None:
    async with at_work() as person:
        await person.press("f7")
        await opens(person)
        for said in ("Commit p1 (greet.py) on main", "Continual-Code-Lesson: l3", "Ctrl+S commits"):
            assert said in person.screen
        await person.types(" and warmly")
        await person.press("ctrl+s")
        await person.until(lambda: commits(person) == [("p1", MESSAGE.replace("politely", "politely and warmly"))])
        person.session.play(Committed("p1", "greet.py", "c0ffee" * 6, "main"))
        await person.until(lambda: "✓ p1 greet.py is commit c0ffeec0ffe… on main" in person.transcript)


async def test_escape_commits_nothing_and_what_was_typed_is_there_again() -> None:
    async with at_work() as person:
        await person.press("f7")
        await opens(person)
        await person.types(", mine")
        await person.press("escape")
        await person.settles()
        assert commits(person) == []
        await person.types("/commit p1")
        await person.press("enter")
        await opens(person)
        await person.sees("Greet politely, mine")


async def test_a_commit_that_git_refuses_is_said_and_the_message_is_kept() -> None:
    async with at_work() as person:
        await person.press("f7")
        await opens(person)
        person.session.errors["commit"] = WorkspaceError("A merge is under way.", kept="No commit was made.")
        await person.types("!")
        await person.press("ctrl+s")
        await person.until(lambda: "A merge is under way." in person.transcript)
        person.session.errors.clear()
        await person.press("f7")
        await opens(person)
        await person.sees("Greet politely!")


async def test_where_there_is_nothing_to_commit_no_message_is_asked_for() -> None:
    async with at_work() as person:
        person.session.errors["draft"] = WorkspaceError("HEAD is on no branch (it is detached).")
        await person.press("f7")
        await person.until(lambda: "HEAD is on no branch" in person.transcript)
        assert not isinstance(person.app.screen, CommitScreen)


async def test_by_default_an_accepted_edit_brings_no_message() -> None:
    async with at_work() as person:
        person.session.play(Applied("p1", "greet.py"))
        await person.until(lambda: "p1 is written" in person.transcript)
        await person.settles()
        assert not any(call[0] == "draft" for call in person.session.calls)
        assert "F7" not in person.screen


async def test_with_the_setting_every_accepted_edit_brings_the_message() -> None:
    async with at_work(offers_commits=True) as person:
        person.session.play(Applied("p1", "greet.py"))
        await opens(person)
        assert commits(person) == []
        await person.press("escape")
        await person.sees("F7 commits p1")
        person.session.play(Undone("p1", "so"))
        await person.until(lambda: "F7 commits" not in person.screen)


async def test_who_is_typing_or_judging_is_not_interrupted_by_the_message() -> None:
    async with at_work(offers_commits=True) as person:
        await person.types("next I wa")
        person.session.play(Applied("p1", "greet.py"))
        await person.sees("F7 commits p1")
        await person.types("nt")
        assert person.prompt.text == "next I want"
    async with at_work(offers_commits=True) as person:
        person.session.play(Proposed(proposal("p2")))
        await person.review_opens()
        person.session.play(Applied("p1", "greet.py"))
        await person.sees("F7 commits p1")
        assert not isinstance(person.app.screen, CommitScreen)


async def test_read_only_makes_no_commit() -> None:
    async with at_work() as person:
        person.app.modes.choose("read-only")
        await person.press("f7")
        await person.until(lambda: "nothing is written to your files" in person.transcript)
        assert not any(call[0] == "draft" for call in person.session.calls)


async def test_the_message_is_neither_markup_nor_steers_the_terminal() -> None:
    async with at_work() as person:
        person.session.commits.message = "[bold]x[/] \x1b[2J"
        await person.press("f7")
        await opens(person)
        await person.sees("[bold]x[/] ␛[2J")
