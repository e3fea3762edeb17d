"""Screens that open by themselves while the person is typing: nothing is decided by it, and the words arrive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from person import Person, at_work
from scripted import AFTER, BEFORE, proposal, retried
from textual import events

from continual_code.events import Answer, Applied, Compared, Edit, Proposed, Retried, Task, Verdict
from continual_code.ui.screens.commit import CommitScreen
from continual_code.ui.screens.compare import CompareScreen

SCREENS = {"comparison": CompareScreen, "retry without an edit": CompareScreen, "commit": CommitScreen}
Opens = Callable[[Person], Awaitable[None]]


def compared() -> Compared:
    answers = (Answer(revision, (), Edit("greet.py", BEFORE, AFTER)) for revision in (2, 3))
    return Compared(Task("greet politely"), *answers)


async def opens(person: Person, screen: str) -> None:
    """One of `SCREENS` opens by itself."""
    happens = {
        "comparison": compared(),
        "retry without an edit": Retried("l3", proposal(), None, False, 0.02, "there was no edit"),
        "commit": Applied("p1", "greet.py"),
    }
    person.session.play(happens[screen])
    await person.until(lambda: isinstance(person.app.screen, SCREENS[screen]), screen)
    await person.settles()


async def judged(person: Person) -> None:
    """A retried task opens before and after, and its new answer waits for a verdict."""
    again = proposal("p2", retry_of="p1")
    person.session.play(Proposed(again), retried(after=again))
    await person.sees("p2")
    await person.settles()


async def card(person: Person) -> None:
    person.session.play(Proposed(proposal()))
    await person.review_opens()


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("text", ["yes but", "don't", "?!"])
async def test_a_sentence_begun_as_a_screen_opened_ends_up_in_the_prompt(screen: str, text: str) -> None:
    async with at_work(offers_commits=True) as person:
        await opens(person, screen)
        await person.types(text)
        await person.until(lambda: person.app.screen is person.app.main, "the prompt")
        await person.until(lambda: person.prompt.text == text, "the words")
        assert not any(call[0] == "commit" for call in person.session.calls)


@pytest.mark.parametrize("screen", [card, judged])
async def test_a_sentence_begun_as_a_proposal_opened_ends_up_in_the_prompt_whole(screen: Opens) -> None:
    async with at_work() as person:
        await screen(person)
        await person.types("yes but")
        await person.until(lambda: person.prompt.text == "yes but", "the words")
        assert person.session.verdicts == []
        assert person.prompt.has_focus


async def paste(person: Person, text: str) -> None:
    person.app.post_message(events.Paste(text))
    await person.settles()


@pytest.mark.parametrize("screen", SCREENS)
async def test_what_is_pasted_as_a_screen_opens_goes_to_the_prompt(screen: str) -> None:
    async with at_work(offers_commits=True) as person:
        await opens(person, screen)
        await paste(person, "one\ntwo")
        await person.until(lambda: person.prompt.text == "one\ntwo", "the text")
        assert person.app.screen is person.app.main


@pytest.mark.parametrize("screen", [card, judged])
async def test_what_is_pasted_as_a_proposal_opens_goes_to_the_prompt_and_later_it_is_a_reason(screen: Opens) -> None:
    async with at_work() as person:
        await screen(person)
        await paste(person, "one\ntwo")
        await person.until(lambda: person.prompt.text == "one\ntwo", "the text")
        await person.press("ctrl+u", "backspace", "ctrl+u", "f2")
        await person.review_opens()
        await paste(person, "too\nslow")
        await person.sees("Why not? too slow")
        await person.press("enter")
        await person.until(lambda: bool(person.session.verdicts))
        assert person.session.verdicts[0].comment == "too slow"


async def test_after_the_half_second_keys_on_a_comparison_do_nothing() -> None:
    async with at_work() as person:
        await opens(person, "comparison")
        person.clock.pass_grace()
        await person.types("yes but")
        await paste(person, "words")
        assert isinstance(person.app.screen, CompareScreen)
        assert person.prompt.text == ""


async def test_a_comparison_that_the_person_opened_has_no_such_half_second() -> None:
    async with at_work() as person:
        await opens(person, "comparison")
        await person.press("escape", "f3")
        await person.until(lambda: isinstance(person.app.screen, CompareScreen), "the comparison")
        await person.types("yes")
        assert isinstance(person.app.screen, CompareScreen)


async def test_a_commit_that_was_offered_is_not_made_by_a_stray_key_and_later_its_message_is_typed() -> None:
    async with at_work(offers_commits=True) as person:
        await opens(person, "commit")
        await person.press("y", "ctrl+s", "escape", "f8", "y")
        assert isinstance(person.app.screen, CommitScreen)
        person.clock.pass_grace()
        await person.types("!")
        await person.press("ctrl+s")
        await person.until(lambda: any(call[0] == "commit" for call in person.session.calls), "the commit")
        commit = next(call for call in person.session.calls if call[0] == "commit")
        assert commit[2].startswith("Greet politely!\n")
        assert not any(call[0] == "write_subject" for call in person.session.calls)


async def test_the_message_that_the_person_asked_for_takes_the_first_letter() -> None:
    async with at_work() as person:
        await person.press("f7")
        await person.until(lambda: isinstance(person.app.screen, CommitScreen), "the message")
        await person.settles()
        await person.types(" and warmly")
        await person.sees("Greet politely and warmly")


async def test_one_early_key_is_a_slip_and_the_card_stays() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("y", "y")
        person.clock.pass_grace()
        await person.press("y")
        await person.until(lambda: person.session.verdicts == [Verdict("p1", "accept")])
        assert person.prompt.text == ""
