"""/ab: what two revisions answer to the same task, side by side."""

from __future__ import annotations

import re

import pytest
from hostile import PAYLOADS, unsafe
from person import Person, at_work
from scripted import AFTER, BEFORE, lesson, proposal, retried

from continual_code.errors import UsageError
from continual_code.events import (
    Answer,
    Compared,
    Comparing,
    Edit,
    Failed,
    NoEdit,
    Proposed,
    Started,
    Streamed,
    Task,
)
from continual_code.ui.widgets.completions import Completions

LINES = re.compile(r"line (\d{3})")
TASK = Task("greet politely")
OLD = Answer(2, ("l2",), Edit("greet.py", BEFORE, AFTER))
NEW = Answer(3, ("l3",), Edit("greet.py", BEFORE, AFTER.replace("hello", "good day")))


async def types_ab(person: Person, rest: str = "") -> None:
    await person.types(f"/ab {rest}".strip())
    await person.press("enter")


def compared(person: Person) -> list[tuple[Task | None, tuple[int, int] | None]]:
    return [call[1:] for call in person.session.calls if call[0] == "compare"]


def offered(person: Person) -> list[str]:
    """The completions under the prompt."""
    completions = person.app.main.query_one(Completions)
    return [row.strip("› ") for row in str(completions.render()).splitlines()] if completions.is_open else []


async def test_ab_shows_what_the_last_two_revisions_answer_to_the_latest_task() -> None:
    async with at_work(size=(120, 36)) as person:
        await types_ab(person)
        await person.until(lambda: compared(person) == [(None, None)])
        person.session.play(Comparing(TASK, (2, 3), 2), *map(Streamed, f"```python\n{AFTER}```"))
        await person.until(lambda: "asking r2, then r3: greet politely" in person.transcript)
        assert "› /ab" in person.transcript
        assert "Esc stops the answer" in person.footer
        person.session.play(Comparing(TASK, (2, 3), 3), Compared(TASK, OLD, NEW))
        await person.sees("r2 and r3 answer differently")
        await person.sees('print(f"hello {name}")')
        await person.sees('print(f"good day {name}")')
        for text in ("greet politely", "The weights alone: one prompt for both, no rules in it. Nothing is kept."):
            assert text in person.screen
        await person.settles()
        heading = next(line for line in person.screen.splitlines() if "lesson l2" in line)
        assert heading.index("r2  lesson l2 · greet.py") < heading.index("r3  lesson l3 · greet.py")
        assert "Esc stops the answer" not in person.footer


async def test_nothing_of_it_waits_for_a_verdict() -> None:
    async with at_work() as person:
        person.session.play(Compared(TASK, OLD, NEW))
        await person.sees("r2 and r3 answer differently")
        person.clock.pass_grace()
        await person.press("y", "n", "escape")
        await person.settles()
        assert person.app.screen is person.app.main
        assert person.session.verdicts == []
        assert "for your verdict" not in person.screen
        await person.press("f2")
        assert person.app.main.review is None
        await person.press("f3")
        await person.sees("r2 and r3 answer differently")


@pytest.mark.parametrize("is_judged", [False, True])
@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["one above the other", "side by side"])
async def test_page_after_page_no_line_of_either_answer_is_skipped(is_judged: bool, size: tuple[int, int]) -> None:
    text = "".join(f"line {number:03}\n" for number in range(100))
    async with at_work(size=size) as person:
        if is_judged:
            first, again = proposal(before=None, after=text), proposal("p2", before=None, after=text, retry_of="p1")
            person.session.play(Proposed(again), retried(before=first, after=again))
        else:
            answers = [Answer(revision, (), Edit("new.py", None, text)) for revision in (2, 3)]
            person.session.play(Compared(TASK, *answers))
        await person.sees("line 000")
        person.clock.pass_grace()
        await person.settles()
        seen = set(LINES.findall(person.screen))
        for _ in range(30):
            await person.press("pagedown")
            await person.settles()
            seen |= set(LINES.findall(person.screen))
        assert len(seen) == 100
        await person.press("pageup")
        await person.settles()
        assert "line 099" not in person.screen


@pytest.mark.parametrize(
    ("typed", "task", "revisions"),
    [
        ("2 5", None, (2, 5)),
        ("r0 r3", None, (0, 3)),
        ("5 2", None, (5, 2)),
        ("0 3 add 2 functions in @greet.py", Task("add 2 functions in @greet.py", ("greet.py",)), (0, 3)),
        ("add a function", Task("add a function"), None),
        ("0 3 2 more tests", Task("2 more tests"), (0, 3)),
    ],
)
async def test_revisions_and_a_task_may_be_named(
    typed: str, task: Task | None, revisions: tuple[int, int] | None
) -> None:
    async with at_work() as person:
        await types_ab(person, typed)
        await person.until(lambda: bool(compared(person)))
        assert compared(person) == [(task, revisions)]
        assert person.session.asked == []


async def test_one_revision_alone_is_explained_and_comes_back() -> None:
    async with at_work() as person:
        await types_ab(person, "2 add a function")
        await person.until(lambda: "/ab takes two revisions, or none." in person.transcript)
        assert person.prompt.text == "/ab 2 add a function"
        assert compared(person) == []


async def test_a_revision_that_there_is_not_is_explained_and_the_words_come_back() -> None:
    async with at_work() as person:
        person.session.errors["compare"] = UsageError("There is no revision 9.", do="The newest is 3.")
        await types_ab(person, "2 9 add a function")
        await person.until(lambda: "There is no revision 9.\n  → The newest is 3." in person.transcript)
        assert person.prompt.text == "/ab 2 9 add a function"
        assert "queued" not in person.screen


async def test_it_waits_behind_the_answer_that_streams() -> None:
    async with at_work() as person:
        person.session.play(Started(Task("first"), 1, 2), Streamed("so"))
        await person.until(lambda: "Enter queues" in person.footer)
        await types_ab(person, "0 3")
        await person.types("then this")
        await person.press("enter")
        await person.sees("queued: /ab 0 3")
        await person.sees("queued: then this")
        person.session.play(Proposed(proposal()), Comparing(TASK, (0, 3), 0))
        await person.until(lambda: "› /ab 0 3" in person.transcript)
        person.session.play(NoEdit(TASK, "You stopped the comparison."), Started(Task("then this"), 1, 2))
        await person.until(lambda: "› then this" in person.transcript)
        await person.until(lambda: "queued" not in person.screen)


async def test_esc_stops_it() -> None:
    async with at_work() as person:
        await types_ab(person)
        person.session.play(Comparing(TASK, (2, 3), 2), Streamed("so"))
        await person.until(lambda: "Esc stops the answer" in person.footer)
        await person.press("escape")
        await person.until(lambda: ("interrupt",) in person.session.calls)
        person.session.play(NoEdit(TASK, "You stopped the comparison. Revision 3 serves, as before."))
        await person.until(lambda: "no edit: You stopped the comparison. Revision 3 serves" in person.transcript)
        assert person.app.screen is person.app.main
        assert "answering" not in person.footer


async def test_the_same_answer_twice_is_said_so() -> None:
    async with at_work() as person:
        person.session.play(Compared(TASK, OLD, Answer(3, ("l3",), OLD.edit)))
        await person.sees("r2 and r3 give the same answer")


async def test_an_answer_that_is_no_edit_says_why() -> None:
    async with at_work() as person:
        person.session.play(Compared(TASK, Answer(0, (), None, "The answer did not come to an end."), NEW))
        await person.sees("r0 and r3 answer differently")
        await person.sees("No edit this time. The answer did not come to an end.")
        await person.sees("r0  the base")
        await person.press("escape")
        await person.until(lambda: person.app.screen is person.app.main)
        neither = Compared(TASK, Answer(0, (), None, "It was cut off."), Answer(1, ("l1",), None, "It loops."))
        person.session.play(neither)
        await person.sees("neither r0 nor r1 answers with an edit")


async def test_rules_that_other_prompts_hold_are_named_as_left_out() -> None:
    async with at_work() as person:
        person.session.play(Compared(TASK, OLD, NEW, ("use f-strings", "say hello"), ("big.py",)))
        await person.sees("Left out of it: use f-strings; say hello")
        assert "did not fit into the prompt: big.py" in person.transcript


async def test_it_does_not_take_the_screen_from_someone_who_types() -> None:
    async with at_work() as person:
        await person.types("half a sen")
        person.session.play(Compared(TASK, OLD, NEW))
        await person.sees("r2 and r3 answer differently — F3 to look")
        assert person.app.screen is person.app.main
        await person.press("f3")
        await person.sees("The weights alone")
        await person.press("escape")
        await person.until(lambda: "F3 to look" not in person.screen)
        assert person.prompt.text == "half a sen"


async def test_a_damaged_revision_is_one_calm_block() -> None:
    async with at_work() as person:
        await types_ab(person, "2 3")
        damaged = Failed("Revision 2 cannot be used: it was changed.", "Revision 3 serves, as before.")
        person.session.play(Comparing(TASK, (2, 3), 2), damaged)
        await person.until(lambda: f"{damaged.what}\n  {damaged.kept}" in person.transcript)
        assert "answering" not in person.footer
        assert "queued" not in person.screen


async def test_the_command_is_completed_and_so_is_a_file_of_its_task() -> None:
    async with at_work() as person:
        await person.types("/a")
        await person.sees("[R R] [TASK]")
        await person.press("tab")
        assert person.prompt.text == "/ab "
        await person.types("0 3 mend @gre")
        await person.sees("@greet.py")
        await person.press("tab")
        assert person.prompt.text == "/ab 0 3 mend @greet.py "


async def test_the_revisions_that_there_are_can_be_completed_the_base_first_and_then_the_newest() -> None:
    async with at_work() as person:
        undone = lesson("l3", status="undone", revision=13)
        person.session.lesson_list = [lesson("l1", revision=2), lesson("l2", revision=12), undone]
        await person.types("/ab ")
        await person.until(lambda: offered(person) == ["0", "12", "2"])
        await person.press("tab")
        assert person.prompt.text == "/ab 0 "
        await person.until(lambda: offered(person) == ["12", "2"])
        await person.types("1")
        assert offered(person) == ["12"]
        await person.press("tab")
        assert person.prompt.text == "/ab 0 12 "
        await person.settles()
        assert offered(person) == [], "what follows is the task"
        await person.types("add 2 functions")
        await person.press("enter")
        await person.until(lambda: compared(person) == [(Task("add 2 functions"), (0, 12))])


async def test_a_list_of_revisions_that_comes_late_is_not_offered_to_other_words() -> None:
    async with at_work() as person:
        person.session.lesson_list = [lesson("l1", revision=2)]
        person.session.held.clear()
        await person.types("/ab ")
        await person.types("mend it")
        person.session.held.set()
        await person.until(lambda: ("lessons",) in person.session.calls)
        await person.settles()
        assert offered(person) == []


async def test_hostile_words_are_cleaned_before_they_are_shown() -> None:
    text = " ".join(PAYLOADS.values())
    hostile = Answer(2, (text,), Edit(text, None, text), text)
    async with at_work(size=(200, 50)) as person:
        task = Task(text)
        person.session.play(Comparing(task, (2, 3), 2), Compared(task, hostile, Answer(3, (), None, text), (text,)))
        await person.sees("r2 and r3 answer differently")
        await person.settles()
        assert unsafe(person.screen) == set()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 50)])
async def test_both_answers_are_in_view(size: tuple[int, int]) -> None:
    async with at_work(size=size) as person:
        person.session.play(Compared(TASK, OLD, NEW, ("use f-strings",)))
        for text in ('print(f"hello {name}")', 'print(f"good day {name}")', "lesson l2", "lesson l3", "Esc back"):
            await person.sees(text)


async def test_a_comparison_that_came_by_itself_says_so_and_leaves_what_is_queued() -> None:
    async with at_work() as person:
        person.session.play(Started(Task("first"), 1, 2))
        await person.types("/ab 0 3 mine")
        await person.press("enter")
        await person.sees("queued: /ab 0 3 mine")
        person.session.play(Comparing(Task("theirs"), (0, 4), 0, "l7"))
        await person.until(lambda: "l7: asking r0, then r4 for the same again, from the file" in person.transcript)
        assert "queued: /ab 0 3 mine" in person.screen
