"""The lessons screen: what was taught, and taking it back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from person import at_work
from scripted import learned, lesson, ready

from continual_code.errors import UsageError
from continual_code.events import Checked, Failed, LearnerState, StudiedAgain, Undone
from continual_code.ui.screens.lessons import courses

TAUGHT = [
    lesson("l1", "use f-strings"),
    lesson("l2", "wrong file", status="no_signal", reason="the comment changes nothing", revision=None),
]


async def test_lessons_are_listed_newest_first_with_their_status_in_words() -> None:
    async with at_work() as person:
        person.session.lesson_list = TAUGHT
        await person.types("/lessons")
        await person.press("enter")
        await person.sees("no signal")
        assert person.screen.index("l2 ") < person.screen.index("l1 ")
        await person.sees("because the comment changes nothing")
        await person.press("down")
        await person.sees("gap 0.31 · loss 0.82 → 0.21 · revision r4 · seconds 3.1")


async def test_the_lesson_that_is_being_learned_is_told_from_those_that_wait() -> None:
    async with at_work() as person:
        waiting = [lesson(id, "be brief", status="pending", revision=None) for id in ("l1", "l2")]
        person.session.lesson_list = waiting
        await person.press("f4")
        await person.sees("◌ waiting")
        assert "● learning" not in person.screen.replace("● learning l", "")
        person.session.play(LearnerState("learning", "l1", 1))
        await person.until(lambda: "● learning" in row_with(person.screen, " l1 "), "the one that is learned")
        assert "◌ waiting" in row_with(person.screen, " l2 ")
        person.session.lesson_list = [TAUGHT[0], waiting[1]]
        person.session.play(learned("l1"), LearnerState("learning", "l2"))
        await person.until(lambda: "● learned" in row_with(person.screen, " l1 "), "that it has ended")
        assert "● learning" in row_with(person.screen, " l2 ")


def row_with(screen: str, id: str) -> str:
    return next(line for line in screen.split("\n") if id in line[:8])


async def test_how_far_the_lessons_have_moved_the_model_elsewhere_is_drawn_oldest_first() -> None:
    async with at_work() as person:
        person.session.lesson_list = [
            replace(lesson("l1", "use f-strings"), drift=0.002, canary=0.99),
            replace(lesson("l2", "no globals", status="undone"), drift=0.5),
            replace(lesson("l3", "be brief"), drift=0.008, canary=0.61),
        ]
        await person.press("f4")
        await person.sees("drift  ▃█ 0.0080 nats a token on unrelated text")
        await person.sees("canary █▅ 0.61 least likely token of unrelated programs")
        await person.sees("seconds 3.1 · drift 0.0080")
        await person.sees("canary 0.61")


async def test_while_the_model_loads_no_lesson_is_denied_and_they_come_with_it() -> None:
    async with at_work(loaded=False) as person:
        await person.press("f4")
        await person.sees("The lessons are shown once the model is loaded.")
        assert "No lessons yet." not in person.screen
        person.session.lesson_list = TAUGHT
        person.session.play(ready())
        await person.sees("no signal")
        assert "once the model is loaded" not in person.screen


async def test_what_is_known_while_the_model_loads_is_listed_at_once() -> None:
    async with at_work(loaded=False) as person:
        person.session.lesson_list = TAUGHT
        await person.press("f4")
        await person.sees("no signal")
        assert "once the model is loaded" not in person.screen


def test_of_many_lessons_the_newest_are_drawn() -> None:
    drawn = courses([replace(lesson(f"l{n}", "x"), drift=n / 1000) for n in range(200)], 10)
    assert drawn == f"drift  {'█' * 10} 0.1990 nats a token on unrelated text"


async def test_without_a_measured_drift_nothing_is_drawn() -> None:
    async with at_work() as person:
        person.session.lesson_list = TAUGHT
        await person.press("f4")
        await person.sees("no signal")
        assert "drift" not in person.screen


async def test_a_lesson_is_pinned_and_its_row_shows_it() -> None:
    async with at_work() as person:
        person.session.lesson_list = [lesson("l1", "use f-strings")]
        await person.press("f4")
        await person.sees("● learned")
        await person.press("p")
        await person.sees("● learned ▪, pinned")
        await person.press("p")
        await person.until(lambda: ("pin", "l1", False) in person.session.calls)


async def test_one_goes_back_to_a_lesson_after_a_yes_and_is_told_what_will_be_forgotten() -> None:
    async with at_work() as person:
        person.session.lesson_list = [
            lesson("l1", "use f-strings", revision=3), lesson("l2", "no globals", revision=4),
            lesson("l3", "be brief", status="undone", revision=5),
        ]  # fmt: skip
        await person.press("f4", "b")
        await person.sees("Only a learned lesson has a revision to go back to.")
        await person.press("down", "b")
        await person.sees("Nothing was learned after l2.")
        await person.press("down", "b")
        await person.sees("The model forgets l2;")
        await person.press("n")
        await person.settles()
        assert not any(call[0] == "rollback" for call in person.session.calls)
        await person.press("b", "y")
        await person.until(lambda: ("rollback", 3) in person.session.calls)


async def test_why_going_back_failed_is_said_on_the_list() -> None:
    async with at_work() as person:
        person.session.lesson_list = [lesson("l1", "use f-strings")]
        await person.press("f4")
        await person.sees("● learned")
        person.session.play(Failed("Revision 3 is not part of what serves now.", "Nothing was changed."))
        await person.sees("! Revision 3 is not part of what serves now.")


async def test_a_lesson_that_faded_says_so_and_how_often_it_had_to_be_said_again() -> None:
    async with at_work() as person:
        faded = replace(lesson("l1", "use f-strings"), objection_left=0.8, checked="2030-01-02T03:04:05", said_again=2)
        person.session.lesson_list = [faded]
        await person.press("f4")
        await person.sees("◒ in both, faded in the weights, so in the prompt")
        await person.sees("again, last checked 01-02 03:04, said again 2 times")


async def test_what_was_found_while_nothing_was_wanted_is_told() -> None:
    async with at_work() as person:
        faded = replace(lesson("l1", "use f-strings"), objection_left=0.8)
        person.session.play(Checked(faded))
        await person.sees("◒ l1 has faded in the weights; its comment is a line of the prompt again")
        person.session.play(StudiedAgain(faded, 7, 31.4))
        await person.sees("● l1 was studied again: 31.4 s, r7")
        person.session.play(Checked(replace(faded, objection_left=0.1)))
        await person.sees("● l1 holds again; its comment leaves the prompt")
        person.session.play(StudiedAgain(faded, None, 31.4, "The answer runs on."))
        await person.sees("○ l1 was studied again without success: The answer runs on.")


async def test_a_wide_screen_has_a_column_for_every_figure() -> None:
    async with at_work(size=(120, 36)) as person:
        person.session.lesson_list = TAUGHT[:1]
        await person.press("f4")
        await person.sees("use f-strings")
        row = next(line for line in person.screen.splitlines() if "› l1" in line)
        for figure in ("greet.py", "learned", "0.31", "0.82 → 0.21", "r4", "3.1"):
            assert figure in row


async def test_a_lesson_is_undone_only_after_a_yes() -> None:
    async with at_work() as person:
        person.session.lesson_list = TAUGHT
        await person.press("f4")
        await person.sees("use f-strings")
        for refusal in ("n", "escape", "enter"):
            await person.press("down", "u")
            await person.sees("Undo lesson l1?")
            await person.press(refusal)
        await person.settles()
        assert not any(call[0] == "undo" for call in person.session.calls)
        await person.press("u", "y")
        await person.until(lambda: ("undo", "l1") in person.session.calls)


async def test_the_list_is_read_again_when_the_undo_is_done() -> None:
    async with at_work() as person:
        person.session.lesson_list = TAUGHT[:1]
        await person.press("f4")
        await person.sees("● learned")
        person.session.lesson_list = [lesson("l1", "use f-strings", status="undone")]
        person.session.play(Undone("l1", "the model is back at r3"))
        await person.sees("↶ undone")
        await person.press("u")
        await person.sees("l1 is undone already.")


async def test_an_undo_that_is_refused_says_why_on_the_same_screen() -> None:
    async with at_work() as person:
        person.session.lesson_list = TAUGHT[:1]
        person.session.errors["undo"] = UsageError("l1 is being learned.", do="Cancel it first.")
        await person.press("f4")
        await person.sees("use f-strings")
        await person.press("u", "y")
        await person.sees("l1 is being learned.")
        await person.sees("→ Cancel it first.")


async def test_without_lessons_the_screen_says_how_to_teach_one() -> None:
    async with at_work() as person:
        await person.press("f4")
        await person.sees("No lessons yet.")
        await person.sees("that reason becomes the first lesson")
        await person.press("u", "escape")
        assert person.prompt.has_focus


@pytest.mark.parametrize("count", [2_000])
async def test_a_long_list_scrolls_to_its_oldest_lesson(count: int) -> None:
    async with at_work() as person:
        person.session.lesson_list = [lesson(f"l{number}", f"reason {number}") for number in range(count)]
        await person.press("f4")
        await person.sees(f"reason {count - 1}")
        await person.press("end")
        await person.sees("reason 0 ")
