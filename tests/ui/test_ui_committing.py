"""A commit of an accepted edit: offered or asked for, with a message that the person has seen."""

from __future__ import annotations

import pytest
from person import Person, at_work
from scripted import proposal

from continual_code.errors import ContinualCodeError, WorkspaceError
from continual_code.events import Applied, Committed, Proposed, Started, Streamed, Task, Undone, Worded, Wording
from continual_code.ui.screens.commit import CommitScreen
from continual_code.ui.widgets.commit_message import CommitMessage

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


async def test_what_else_the_commit_would_hold_is_said() -> None:
    async with at_work() as person:
        await person.press("f7")
        await opens(person)
        assert "The commit holds this edit alone." in person.screen
        await person.press("escape")
        person.session.commits.others = ("p3", "p4")
        await person.press("f7")
        await opens(person)
        await person.sees("The commit holds this edit and what it builds on, p3, p4.")


@pytest.mark.parametrize("key", ["f6", "f7"])
async def test_f6_and_f7_select_nothing_of_the_message_for_the_next_letter_to_replace(key: str) -> None:
    async with at_work() as person:
        await person.press("f7")
        await opens(person)
        await person.press(key)
        await person.types("!")
        assert person.app.screen.query_one(CommitMessage).text == MESSAGE.replace("politely", "politely!")


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


async def test_a_second_escape_that_arrives_when_the_message_is_already_left_does_nothing() -> None:
    async with at_work() as person:
        await person.press("f7")
        await opens(person)
        leaving = person.app.screen
        assert isinstance(leaving, CommitScreen)
        for _ in range(2):
            leaving.on_editor_left()
        await person.settles()
        assert person.app.is_running
        assert person.app.screen is person.app.screen_stack[0]
        assert commits(person) == []


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
        person.clock.pass_grace()
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


# --- The model writes the subject ---


async def asks_the_model(person: Person) -> None:
    """F7, then F8; the model has begun to read."""
    await person.press("f7")
    await opens(person)
    await person.press("f8")
    await person.until(lambda: ("write_subject", "p1") in person.session.calls)
    person.session.play(Wording("p1"))
    await person.sees("The model reads the change")


def text(person: Person) -> str:
    return person.app.screen.query_one(CommitMessage).text


def text_of(subject: str) -> str:
    return f"{subject}\n\nContinual-Code-Lesson: l3"


async def shows(person: Person, subject: str) -> None:
    await person.until(lambda: text(person).startswith(subject + "\n"), f"{subject!r}, not {text(person)!r}")


async def test_f8_has_the_model_write_the_subject_word_by_word_and_the_trailer_stays() -> None:
    async with at_work() as person:
        await asks_the_model(person)
        for piece in ("Say", "Say hello", "Say hello to"):
            person.session.play(Wording("p1", piece))
            await shows(person, piece)
        assert "Esc stops the model" in person.footer
        assert "Ctrl+S" not in person.footer
        person.session.play(Worded("p1", "Say hello to everybody", "It read the first 10 of 20 characters."))
        await person.sees("It read the first 10 of 20")
        assert text(person) == "Say hello to everybody\n\nContinual-Code-Lesson: l3"
        await person.types("!")
        await person.press("ctrl+s")
        await person.until(lambda: commits(person) == [("p1", text_of("Say hello to everybody!"))])


async def test_one_ctrl_z_brings_back_the_subject_of_before_and_f8_may_then_be_pressed_again() -> None:
    async with at_work() as person:
        await asks_the_model(person)
        person.session.play(
            Wording("p1", "S"), Wording("p1", "Say"), Wording("p1", "Say so"), Worded("p1", "Say so now")
        )
        await shows(person, "Say so now")
        await person.press("ctrl+z")
        assert text(person) == MESSAGE
        await person.press("f8")
        person.session.play(Wording("p1"), Wording("p1", "Say"), Worded("p1", "Say it again"))
        await shows(person, "Say it again")
        await person.press("f8")
        person.session.play(Worded("p1", "Third time"))
        await shows(person, "Third time")
        await person.press("ctrl+z")
        assert text(person) == text_of("Say it again")


async def test_a_subject_of_the_person_s_own_is_not_replaced_and_that_is_said() -> None:
    async with at_work() as person:
        await person.press("f7")
        await opens(person)
        await person.types(", mine")
        await person.press("f8")
        await person.sees("and stays. Empty it for F8.")
        assert text(person) == text_of("Greet politely, mine")
        assert not any(call[0] == "write_subject" for call in person.session.calls)
        await person.press("ctrl+u", "f8")
        await person.until(lambda: ("write_subject", "p1") in person.session.calls)
        person.session.play(Worded("p1", "Greet"))
        await shows(person, "Greet")
        await person.press("ctrl+z")
        assert text(person) == text_of("")


@pytest.mark.parametrize("keys", [("x",), ("ctrl+z",)])
async def test_who_changes_the_subject_while_the_model_writes_it_keeps_theirs(keys: tuple[str, ...]) -> None:
    async with at_work() as person:
        await asks_the_model(person)
        person.session.play(Wording("p1", "Say"))
        await shows(person, "Say")
        await person.press(*keys)
        theirs = text(person)
        person.session.play(Wording("p1", "Say hello"), Worded("p1", "Say hello to"))
        await person.sees("You changed the subject, so the model was stopped.")
        await person.until(lambda: ("stop_writing",) in person.session.calls)
        assert text(person) == theirs


async def test_what_is_typed_below_while_the_model_writes_stays_and_so_does_the_cursor() -> None:
    async with at_work() as person:
        await asks_the_model(person)
        await person.press("down", "down", "end", "enter")
        for number, piece in enumerate(("Say", "Say hello", "Say hello to")):
            person.session.play(Wording("p1", piece))
            await shows(person, piece)
            await person.types(str(number))
        assert text(person) == text_of("Say hello to") + "\n012"
        await person.press("escape")
        await person.sees("The model was stopped")
        assert text(person) == MESSAGE + "\n012"


async def test_escape_stops_the_model_and_brings_back_the_message_and_a_second_one_leaves() -> None:
    async with at_work() as person:
        await asks_the_model(person)
        person.session.play(Wording("p1", "Say"), Wording("p1", "Say hello"))
        await shows(person, "Say hello")
        await person.press("escape")
        await person.sees("The model was stopped")
        await person.until(lambda: ("stop_writing",) in person.session.calls)
        assert text(person) == MESSAGE
        person.session.play(Wording("p1", "Say hello to"), Worded("p1", "Too late"))
        await person.settles()
        assert text(person) == MESSAGE
        await person.press("escape")
        assert person.app.screen is person.app.main
        assert commits(person) == []


async def test_while_an_answer_goes_on_it_waits_and_the_message_can_be_changed_and_committed() -> None:
    async with at_work() as person:
        person.session.play(Started(Task("x"), 1, 2), Streamed("def"))
        await person.until(lambda: person.app.status.answering)
        await person.press("f7")
        await opens(person)
        await person.press("f8")
        await person.sees("Waiting for the answer; then the model writes the subject.")
        person.session.play(Streamed(" greet"))
        await person.types(" and warmly")
        assert text(person) == text_of("Greet politely and warmly")
        await person.press("ctrl+s")
        await person.until(lambda: commits(person) == [("p1", text_of("Greet politely and warmly"))])
        assert ("stop_writing",) in person.session.calls


async def test_ctrl_s_commits_no_half_of_a_subject() -> None:
    async with at_work() as person:
        await asks_the_model(person)
        person.session.play(Wording("p1", "Say hel"))
        await shows(person, "Say hel")
        await person.press("ctrl+s")
        await person.settles()
        assert isinstance(person.app.screen, CommitScreen)
        assert commits(person) == []


async def test_where_the_model_writes_nothing_useful_the_message_stays_and_that_is_said() -> None:
    async with at_work() as person:
        await asks_the_model(person)
        person.session.play(Wording("p1", "Here is"), Wording("p1"), Worded("p1", "", "The model wrote nothing."))
        await person.sees("The model wrote nothing. The message is as it was.")
        assert text(person) == MESSAGE


async def test_while_no_model_is_loaded_f8_says_so_and_the_message_can_be_used() -> None:
    async with at_work() as person:
        person.session.errors["write_subject"] = ContinualCodeError("The model is still loading.")
        await person.press("f7")
        await opens(person)
        await person.press("f8")
        await person.sees("The model is still loading.")
        await person.press("ctrl+s")
        await person.until(lambda: commits(person) == [("p1", MESSAGE)])


async def test_the_commit_screen_names_its_keys_where_there_is_little_room() -> None:
    async with at_work(size=(60, 20)) as person:
        await person.press("f7")
        await opens(person)
        await person.sees("Ctrl+S commits · F8 asks the model · Esc back, no commit")
        await person.press("f8")
        person.session.play(Worded("p1", "Say hello", "It read the first 1,700 of 12,345 characters of the change."))
        await person.sees("12,345")
        await person.sees("Continual-Code-Lesson")


async def test_a_subject_by_the_model_does_not_steer_the_terminal() -> None:
    async with at_work() as person:
        await asks_the_model(person)
        person.session.play(Worded("p1", "[bold]x[/] \x1b[2J", "\x1b[2J [red]so[/]"))
        await person.sees("[bold]x[/] ␛[2J")
        await person.sees("␛[2J [red]so[/]")
