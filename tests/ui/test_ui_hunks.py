"""Judging a proposal hunk by hunk: moving, marking, and what each verdict then says."""

from __future__ import annotations

import pytest
from person import Person, at_work
from scripted import AFTER, BEFORE, learned, lesson, proposal, retried

from continual_code.errors import WorkspaceError
from continual_code.events import Proposed, Recorded, Swapped, Verdict
from continual_code.ui.hunks import hunk_names

LONG = "".join(f"line {number}\n" for number in range(100))
FAR_APART = LONG.replace("line 5\n", "first\n").replace("line 50\n", "second\n").replace("line 95\n", "third\n")
FIRST_ONLY = AFTER.replace('greet("you")', "greet('you')")


async def card(person: Person, before: str | None = BEFORE, after: str = AFTER) -> None:
    person.session.play(Proposed(proposal(before=before, after=after)))
    await person.review_opens()
    person.clock.pass_grace()
    await person.sees("hunk 1 of ")


async def verdict(person: Person) -> Verdict:
    await person.until(lambda: bool(person.session.verdicts), "a verdict")
    return person.session.verdicts[-1]


async def test_brackets_move_from_hunk_to_hunk_and_stop_at_the_ends() -> None:
    async with at_work() as person:
        await card(person)
        await person.sees("┃   2 -     print('hi ' + name)")
        await person.sees("     6 -     greet('you')")
        await person.press("[")
        await person.sees("hunk 1 of 2")
        await person.press("]")
        await person.sees("hunk 2 of 2")
        await person.sees("     2 -     print('hi ' + name)")
        await person.sees("┃   6 -     greet('you')")
        await person.press("]", "[")
        await person.sees("hunk 1 of 2")


async def test_the_diff_scrolls_to_the_hunk() -> None:
    async with at_work() as person:
        await card(person, LONG, FAR_APART)
        assert "third" not in person.screen
        await person.press("]", "]")
        await person.sees("+ third")
        await person.press("[", "[")
        await person.sees("+ first")
        assert "third" not in person.screen


async def test_a_hunk_that_was_scrolled_away_is_shown_when_it_is_judged() -> None:
    async with at_work() as person:
        await card(person, LONG, FAR_APART)
        await person.press("end")
        await person.until(lambda: "first" not in person.screen)
        await person.press("space")
        await person.sees("┃✗   6 + first")


async def test_space_says_not_wanted_and_wanted_again() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("]", "space")
        await person.sees("hunk 2 of 2 ✗ · 1 not wanted")
        await person.sees("┃✗  6 -     greet('you')")
        await person.sees('┃✗  6 +     greet("you")')
        await person.until(lambda: "y accepts 1 of 2" in person.footer)
        await person.press("[")
        await person.sees("hunk 1 of 2 · 1 not wanted")
        await person.press("]", "space")
        await person.until(lambda: "not wanted" not in person.screen and "✗" not in person.screen)
        await person.press("y")
        assert await verdict(person) == Verdict("p1", "accept")


async def test_columns_show_the_marks_too() -> None:
    async with at_work(size=(120, 40)) as person:
        await card(person)
        await person.press("d", "]", "space")
        await person.sees("┃✗  6 -     greet('you')")
        await person.sees("     2 -     print('hi ' + name)")
        row = next(line for line in person.screen.split("\n") if "greet('you')" in line)
        assert 'greet("you")' in row


async def test_the_marks_need_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_work() as person:
        await card(person)
        await person.press("space")
        await person.sees("┃✗  2 -     print('hi ' + name)")


async def test_y_accepts_the_wanted_hunks() -> None:
    async with at_work() as person:
        await card(person, LONG, FAR_APART)
        await person.press("]", "]", "space", "[", "[", "space", "y")
        assert await verdict(person) == Verdict("p1", "accept", unwanted=(0, 2))


async def test_in_a_small_terminal_the_question_leaves_half_of_the_line_for_the_answer() -> None:
    async with at_work(size=(60, 20)) as person:
        await card(person, LONG, FAR_APART)
        await person.press("space", "]", "space", "Y")
        await person.types("they are not yours to change")
        await person.sees("Accept the rest. Why not? they are not yours to change")


async def test_shift_y_asks_for_the_reason_against_what_is_left_out() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("]", "space", "Y")
        await person.sees("Accept the rest. Why not hunk 2?")
        await person.types("quotes [were] fine")
        await person.press("enter")
        assert await verdict(person) == Verdict("p1", "accept", "quotes [were] fine", unwanted=(1,))


async def test_a_rejection_says_which_hunks_it_is_about() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("space", "n")
        await person.sees("Why not hunk 1?")
        await person.types("keep plus")
        await person.press("enter")
        assert await verdict(person) == Verdict("p1", "reject", "keep plus", unwanted=(0,))


async def test_with_every_hunk_unwanted_y_writes_nothing_and_says_what_to_do() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("space", "]", "space", "y")
        await person.sees("Nothing would be left to write. Press n to reject it instead.")
        await person.press("space")
        await person.until(lambda: "Nothing would be left" not in person.screen)
        await person.press("space", "Y")
        await person.sees("Nothing would be left to write.")
        await person.press("e", "ctrl+s")
        await person.sees("Nothing would be left to write.")
        assert person.session.verdicts == []
        await person.press("n", "enter")
        assert await verdict(person) == Verdict("p1", "reject", unwanted=(0, 1))


async def test_the_only_hunk_of_a_new_file_is_accepted_whole_or_not_at_all() -> None:
    async with at_work() as person:
        await card(person, None, "one\ntwo\n")
        await person.press("]", "space", "y")
        await person.sees("Nothing would be left to write.")
        assert person.session.verdicts == []
        await person.press("space", "y")
        assert await verdict(person) == Verdict("p1", "accept")


async def test_a_card_put_aside_keeps_what_was_said_about_its_hunks() -> None:
    async with at_work() as person:
        await card(person, LONG, FAR_APART)
        await person.press("space", "]", "]", "space", "escape")
        assert person.prompt.has_focus
        await person.press("f2")
        await person.review_opens()
        await person.sees("hunk 3 of 3 ✗ · 2 not wanted")
        await person.sees("+ third")
        await person.press("y")
        assert await verdict(person) == Verdict("p1", "accept", unwanted=(0, 2))


async def test_a_verdict_that_was_refused_keeps_what_was_said_about_the_hunks() -> None:
    async with at_work() as person:
        await card(person)
        person.session.errors["judge"] = WorkspaceError("greet.py changed meanwhile.")
        await person.press("space", "y")
        await person.until(lambda: "greet.py changed meanwhile." in person.transcript)
        await person.press("f2")
        await person.review_opens()
        await person.sees("hunk 1 of 2 ✗ · 1 not wanted")


async def test_the_editor_opens_with_what_y_would_write() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("e", "escape", "]", "space", "e")
        await person.sees("Ctrl+S accepts this text")
        await person.sees("greet('you')")
        assert 'greet("you")' not in person.screen
        await person.press("ctrl+s")
        assert await verdict(person) == Verdict("p1", "accept", unwanted=(1,))


async def test_the_persons_own_text_is_an_edit_whatever_was_said_about_hunks() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("]", "space", "e")
        await person.sees("Ctrl+S accepts this text")
        await person.types("# ")
        await person.press("escape", "[", "space", "e")
        await person.sees("# def greet(name)")
        await person.press("ctrl+s")
        assert await verdict(person) == Verdict("p1", "edit", edited=f"# {FIRST_ONLY}")


async def test_the_early_keys_of_a_card_judge_no_hunk() -> None:
    async with at_work() as person:
        person.session.play(Proposed(proposal()))
        await person.review_opens()
        await person.press("space")
        await person.sees("hunk 1 of 2")
        assert "not wanted" not in person.screen


async def test_a_proposal_that_changes_nothing_has_no_hunk_to_judge() -> None:
    async with at_work() as person:
        person.session.play(Proposed(proposal(after=BEFORE)))
        await person.review_opens()
        person.clock.pass_grace()
        await person.sees("The text is the same as before.")
        await person.press("]", "space", "y")
        assert await verdict(person) == Verdict("p1", "accept")


async def test_the_keys_are_named_in_the_footer_and_in_the_help() -> None:
    async with at_work(size=(80, 40)) as person:
        await card(person)
        await person.until(lambda: "[ ] Space hunk" in person.footer)
        await person.press("?")
        await person.sees("the hunk before, the hunk after")
        await person.sees("this hunk is not wanted")


async def test_the_new_answer_of_before_and_after_is_judged_hunk_by_hunk() -> None:
    async with at_work(size=(120, 36)) as person:
        after = proposal("p2", after=AFTER.replace("hello", "hi"), retry_of="p1", revision=4)
        person.session.play(learned(), Swapped(4, 9.0), Proposed(after), retried(after=after))
        await person.sees("hunk 1 of 2")
        person.clock.pass_grace()
        await person.press("]", "space")
        await person.sees("hunk 2 of 2 ✗ · 1 not wanted")
        assert person.screen.count("┃✗  6 ") == 2, "only the new answer is marked, its two rows"
        await person.press("y")
        assert await verdict(person) == Verdict("p2", "accept", unwanted=(1,))


async def test_the_transcript_says_what_was_left_out() -> None:
    async with at_work() as person:
        await card(person)
        await person.press("]", "space", "y")
        person.session.play(Recorded(await verdict(person), None))
        await person.until(lambda: "✓ accepted p1 without hunk 2" in person.transcript)
        assert '✗ +     greet("you")' in person.transcript
        assert "  -     print('hi ' + name)" in person.transcript


async def test_the_transcript_says_which_hunks_a_rejection_is_about() -> None:
    async with at_work() as person:
        await card(person)
        person.session.play(Recorded(Verdict("p1", "reject", "keep plus", unwanted=(0, 1)), lesson()))
        await person.until(lambda: "✗ rejected p1 because of hunks 1 and 2: keep plus" in person.transcript)


def test_hunks_are_named_while_they_are_few() -> None:
    assert hunk_names((1,)) == "hunk 2"
    assert hunk_names((0, 1, 4)) == "hunks 1, 2 and 5"
    assert hunk_names(range(7)) == "7 hunks"
