"""Judging a proposal: the keys of the card, and what they must never do."""

from __future__ import annotations

import pytest
from person import Person, at_work
from scripted import AFTER, proposal

from continual_code.errors import WorkspaceError
from continual_code.events import Proposed, Verdict
from continual_code.ui.card import CHIPS


async def card(person: Person, **fields: object) -> None:
    person.session.play(Proposed(proposal(**fields)))  # type: ignore[arg-type]
    await person.review_opens()
    person.clock.pass_grace()


async def verdict(person: Person) -> Verdict:
    await person.until(lambda: bool(person.session.verdicts), "a verdict")
    return person.session.verdicts[-1]


async def test_y_accepts() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("y")
        assert await verdict(person) == Verdict("p1", "accept")
        assert person.prompt.has_focus


async def test_shift_y_accepts_with_a_comment() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("Y")
        await person.sees("Accept, and say:")
        await person.types("nice names")
        await person.press("enter")
        assert await verdict(person) == Verdict("p1", "accept", "nice names")


async def test_rejecting_without_a_reason_is_allowed() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("n", "enter")
        assert await verdict(person) == Verdict("p1", "reject", "")


async def test_any_other_letter_opens_the_comment_with_that_letter() -> None:
    async with at_work() as person:
        await card(person)
        await person.types("wrong loop")
        await person.press("enter")
        assert await verdict(person) == Verdict("p1", "reject", "wrong loop")


async def test_keys_do_not_count_for_half_a_second() -> None:
    async with at_work() as person:
        person.session.play(Proposed(proposal()))
        await person.review_opens()
        await person.press("y", "enter", "y")
        await person.settles()
        assert person.session.verdicts == []
        person.clock.pass_grace()
        await person.press("y")
        assert await verdict(person) == Verdict("p1", "accept")


async def test_a_sentence_begun_as_the_card_opened_ends_up_in_the_prompt() -> None:
    async with at_work() as person:
        person.session.play(Proposed(proposal()))
        await person.review_opens()
        await person.types("yes but")
        assert person.prompt.text == "yes but"
        assert person.session.verdicts == []
        await person.sees("p1 greet.py for your verdict — F2 to review")


async def test_the_card_does_not_take_the_focus_from_a_prompt_that_holds_text() -> None:
    async with at_work() as person:
        await person.types("half a")
        person.session.play(Proposed(proposal()))
        await person.sees("p1 greet.py for your verdict — F2 to review")
        await person.types(" word, yn")
        assert person.prompt.text == "half a word, yn"
        await person.press("f2")
        await person.review_opens()
        await person.press("y")
        assert await verdict(person) == Verdict("p1", "accept")
        assert person.prompt.text == "half a word, yn"


async def test_the_comment_swallows_digits_y_n_and_tabs() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("n")
        await person.types("1 y n 2")
        await person.press("tab", "Y", "shift+tab", "y")
        assert person.session.verdicts == []
        await person.press("enter")
        assert await verdict(person) == Verdict("p1", "reject", "1 y n 2Yy")


async def test_esc_leaves_the_comment_and_keeps_what_was_typed() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("n")
        await person.types("because")
        await person.press("escape")
        await person.sees("Your draft: because")
        await person.press("escape")
        assert person.prompt.has_focus
        await person.press("f2")
        await person.review_opens()
        await person.press("n", "enter")
        assert await verdict(person) == Verdict("p1", "reject", "because")


async def test_a_reason_chip_fills_the_comment_and_sends_nothing() -> None:
    async with at_work() as person:
        await card(person)
        for key, reason in CHIPS.items():
            await person.press(key)
            await person.sees(f"Why not? {reason}")
            assert person.session.verdicts == []
            await person.press("ctrl+u", "escape")
        await person.press("4", "enter")
        assert await verdict(person) == Verdict("p1", "reject", "not our style")


async def test_a_chip_joins_a_draft_instead_of_replacing_it() -> None:
    async with at_work() as person:
        await card(person)
        await person.types("too slow")
        await person.press("escape", "3", "enter")
        assert (await verdict(person)).comment == "too slow, does not work"


async def test_an_edited_proposal_is_sent_as_edited() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("e")
        await person.sees("Ctrl+S accepts this text")
        await person.types("# ")
        await person.press("ctrl+s")
        assert await verdict(person) == Verdict("p1", "edit", "", f"# {AFTER}")


async def test_esc_in_the_editor_keeps_the_draft() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("e")
        await person.types("# ")
        await person.press("escape", "escape", "f2")
        await person.review_opens()
        await person.press("e", "ctrl+s")
        assert (await verdict(person)).edited == f"# {AFTER}"


async def begins_a_version(person: Person) -> None:
    await card(person)
    await person.press("e")
    await person.types("# ")
    await person.press("escape")
    await person.sees("Your own version waits: e opens it.")
    await person.until(lambda: "e your version" in person.footer)


@pytest.mark.parametrize("key", ["y", "Y"])
async def test_a_version_of_the_persons_own_is_not_left_behind_by_the_first_y(key: str) -> None:
    async with at_work() as person:
        await begins_a_version(person)
        await person.press(key)
        await person.sees(f"{key} again takes the model's.")
        assert person.session.verdicts == []
        await person.press("e", "ctrl+s")
        assert await verdict(person) == Verdict("p1", "edit", "", f"# {AFTER}")


@pytest.mark.parametrize(("keys", "comment"), [(("y", "y"), ""), (("Y", "Y", "o", "k", "enter"), "ok")])
async def test_the_second_y_goes_with_the_version_of_the_model(keys: tuple[str, ...], comment: str) -> None:
    async with at_work() as person:
        await begins_a_version(person)
        await person.press(*keys)
        assert await verdict(person) == Verdict("p1", "accept", comment)


async def test_what_is_done_between_the_two_takes_the_first_y_back() -> None:
    async with at_work() as person:
        await begins_a_version(person)
        await person.press("y", "n", "escape", "y")
        await person.sees("y again takes the model's.")
        assert person.session.verdicts == []


async def test_an_unchanged_edit_is_an_accept() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("e", "ctrl+s")
        assert await verdict(person) == Verdict("p1", "accept")


async def test_windows_line_ends_survive_the_editor() -> None:
    async with at_work() as person:
        await card(person, before="a\r\nb\r\n", after="a\r\nc\r\n")
        await person.press("e")
        await person.types("x")
        await person.press("ctrl+s")
        assert (await verdict(person)).edited == "xa\r\nc\r\n"


async def test_a_file_the_editor_would_change_is_not_opened() -> None:
    async with at_work() as person:
        await card(person, after="one\r\ntwo\nform\x0cfeed\n")
        await person.press("e")
        await person.sees("mixes line ends")
        assert person.app.main.review is not None
        assert person.app.main.review.has_focus


async def test_d_switches_between_one_column_and_two() -> None:
    async with at_work() as person:
        await card(person)
        await person.sees("print('hi ' + name)")
        one_row = "- print('hi ' + name) 2 + print(f\"hello {name}\")"
        assert one_row not in " ".join(person.screen.split())
        await person.press("d")
        await person.until(lambda: one_row in " ".join(person.screen.split()))


async def test_the_card_scrolls_to_the_end_of_a_long_file() -> None:
    async with at_work() as person:
        text = "".join(f"line {number}\n" for number in range(200))
        await card(person, before=None, after=text)
        await person.sees("line 3")
        await person.press("end")
        await person.sees("line 199")
        await person.press("home")
        await person.sees("line 0")


async def test_a_line_longer_than_the_screen_is_shown_to_its_end() -> None:
    async with at_work() as person:
        await card(person, before=None, after="x = 1" + " " * 300 + "; import this_tail\n")
        await person.sees("this_tail")


async def test_the_next_proposal_opens_when_the_first_is_judged() -> None:
    async with at_work() as person:
        person.session.play(Proposed(proposal("p1")), Proposed(proposal("p2", "src/app.py")))
        await person.review_opens()
        person.clock.pass_grace()
        await person.press("y")
        await person.sees("p2 src/app.py")
        await person.review_opens()
        await person.press("y")
        await person.settles()
        assert len(person.session.verdicts) == 1, "grace counts again for the next card"
        person.clock.pass_grace()
        await person.press("y")
        await person.until(lambda: [one.proposal_id for one in person.session.verdicts] == ["p1", "p2"])


async def test_a_verdict_that_was_refused_leaves_the_proposal_and_the_draft() -> None:
    async with at_work() as person:
        await card(person)
        person.session.errors["judge"] = WorkspaceError("greet.py changed meanwhile.", kept="It is as you left it.")
        await person.press("n")
        await person.types("stale")
        await person.press("enter")
        await person.until(lambda: "greet.py changed meanwhile." in person.transcript)
        del person.session.errors["judge"]
        await person.press("f2")
        await person.review_opens()
        await person.press("n", "enter")
        await person.until(lambda: len(person.session.verdicts) == 2)
        assert person.session.verdicts[-1] == Verdict("p1", "reject", "stale")


async def test_the_card_says_that_a_reason_trains_the_model() -> None:
    async with at_work() as person:
        await card(person)
        await person.sees("Say why not, and the model trains on your reason.")


async def test_question_mark_explains_the_keys_and_esc_returns_to_the_card() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("?")
        await person.sees("reject, and that letter starts the reason")
        await person.press("escape", "y")
        assert await verdict(person) == Verdict("p1", "accept")
