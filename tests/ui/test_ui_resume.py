"""Coming back: the earlier session stands in the transcript, and what was left undecided is offered again."""

from __future__ import annotations

from person import at_work
from scripted import AFTER, BEFORE, proposal

from continual_code.errors import UsageError
from continual_code.events import Proposed, Task, Verdict
from continual_code.past import Offer, Past, SessionNote, Turn

LONG = "".join(f"line {number}\n" for number in range(40))
REJECTED = Offer(proposal("p1"), Verdict("p1", "reject", "use f-strings"))
ACCEPTED = Offer(proposal("p2", after=AFTER.replace("hello", "hi")), Verdict("p2", "accept"), "applied")
WAITING = Offer(proposal("p3", "src/app.py", None, LONG, text="add an app"))
PAST = Past(
    "s3",
    (
        Turn("t1", Task("greet politely"), "", (REJECTED, ACCEPTED)),
        Turn("t2", Task("delete everything"), "The answer was no edit."),
        Turn("t3", Task("half a thought")),
        Turn("t4", Task("add an app"), "", (WAITING,)),
    ),
)
NOTES = (
    SessionNote("s3", "greet politely", "2026-08-05T14:12:00+00:00", 4, 1),
    SessionNote("s1", "sort \x1b[31m[bold]the list", "2026-08-04T09:00:00+00:00", 1, 0),
)


async def test_a_continued_session_is_told_with_what_was_asked_proposed_and_decided() -> None:
    async with at_work(past=PAST) as person:
        await person.until(lambda: "s3 goes on here" in person.transcript)
        told = person.transcript
        for text in (
            "› greet politely", "p1 edits greet.py", '+     print(f"hello {name}")', "rejected p1: use f-strings",
            '+     print(f"hi {name}")', "accepted p2", "p2 is written to greet.py", "no edit: The answer was no edit.",
            "› half a thought\n  never answered", "  waits for your verdict", "The model sees none of the above",
        ):  # fmt: skip
            assert text in told, text
        assert told.index("greet politely") < told.index("half a thought") < told.index("add an app")


async def test_the_diffs_are_folded_to_their_first_rows() -> None:
    async with at_work(past=PAST) as person:
        await person.until(lambda: "⋯ 34 more lines" in person.transcript)
        assert "line 5" in person.transcript
        assert "line 6" not in person.transcript


async def test_a_proposal_without_a_verdict_waits_behind_f2_and_can_be_judged() -> None:
    async with at_work(past=PAST) as person:
        await person.sees("p3 src/app.py for your verdict — F2 to review")
        assert person.app.main.review is None
        await person.press("f2")
        await person.review_opens()
        await person.press("y")
        await person.until(lambda: person.session.verdicts == [Verdict("p3", "accept")])


async def test_a_waiting_proposal_does_not_jump_in_front_of_a_new_answer() -> None:
    async with at_work(past=PAST) as person:
        person.session.play(Proposed(proposal("p9", "new.py")))
        await person.review_opens()
        await person.sees("p9 new.py")


async def test_of_a_long_session_the_end_is_told() -> None:
    turns = tuple(Turn(f"t{number}", Task(f"task number {number}.")) for number in range(120))
    async with at_work(past=Past("s1", turns)) as person:
        await person.until(lambda: "… 70 earlier tasks" in person.transcript)
        assert "task number 69." not in person.transcript
        assert "task number 70." in person.transcript


async def test_an_edit_of_ones_own_is_told_as_it_was_written() -> None:
    mine = Offer(proposal(), Verdict("p1", "edit", "", BEFORE.replace("hi", "good day")), "undone")
    async with at_work(past=Past("s1", (Turn("t1", Task("greet"), "", (mine,)),))) as person:
        await person.until(lambda: "accepted with your changes p1" in person.transcript)
        assert "good day" in person.transcript
        assert "hello" not in person.transcript
        assert "and taken back" in person.transcript


async def test_resume_without_an_id_asks_which_and_says_when_and_what() -> None:
    async with at_work(past=PAST, choices=NOTES) as person:
        await person.sees("Which session goes on?")
        await person.sees("4 tasks · 1 waiting for your verdict")
        assert person.screen.index("s3 ") < person.screen.index("s1 ")
        assert "08-05" in person.screen
        assert "Enter continues it" in person.footer
        await person.press("down")
        await person.sees("1 task ")
        await person.press("enter")
        await person.until(lambda: ("resume", "s1") in person.session.calls)
        await person.until(lambda: "› greet politely" in person.transcript)
        assert person.prompt.has_focus


async def test_esc_begins_a_new_session_instead() -> None:
    async with at_work(past=PAST, choices=NOTES) as person:
        await person.sees("Which session goes on?")
        await person.press("escape")
        await person.settles()
        assert not any(call[0] == "resume" for call in person.session.calls)
        assert "greet politely" not in person.transcript
        assert person.prompt.has_focus


async def test_a_session_that_cannot_be_continued_is_explained() -> None:
    async with at_work(past=PAST, choices=NOTES) as person:
        person.session.errors["resume"] = UsageError("What the journal holds about p1 is damaged.")
        await person.sees("Which session goes on?")
        await person.press("enter")
        await person.until(lambda: "What the journal holds about p1 is damaged." in person.transcript)


async def test_a_first_task_cannot_steer_the_terminal() -> None:
    async with at_work(past=PAST, choices=NOTES) as person:
        await person.sees("␛[31m[bold]the list")
