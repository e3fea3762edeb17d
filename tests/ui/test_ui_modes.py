"""How much happens without being asked: what each mode lets through, and how the person changes and sees it."""

from __future__ import annotations

import pytest
from person import Person, at_work
from scripted import AFTER, learned, proposal, retried

from continual_code.errors import WorkspaceError
from continual_code.events import Applied, Proposed, Recorded, Started, Streamed, Task, Verdict
from continual_code.past import Offer, Past, Point, Turn


async def in_mode(person: Person, name: str) -> None:
    for _ in range(3):
        if f"mode {name}" in person.footer:
            return
        await person.press("shift+tab")
        await person.until(lambda: person.app.modes.current.name in person.footer)
    raise AssertionError(f"no mode {name}: {person.footer}")


async def shown(person: Person) -> None:
    person.session.play(Proposed(proposal()))
    await person.review_opens()
    person.clock.now += 5


async def nothing_is_judged(person: Person) -> None:
    await person.settles()
    assert person.session.verdicts == []


async def test_shift_tab_goes_through_the_modes_and_the_footer_always_names_one() -> None:
    async with at_work() as person:
        assert "mode ask · " in person.footer
        for name, about in (
            ("accept edits", "written as they arrive, /undo takes one back"),
            ("read-only", "nothing is written to your files"),
            ("ask", "every proposal waits for your verdict"),
        ):
            await person.types("so ")
            await person.press("shift+tab")
            await person.until(lambda name=name: f"mode {name} · " in person.footer)
            assert about in person.footer
        assert person.prompt.text == "so so so "
        person.clock.now += 5
        await person.until(lambda: "Shift+Tab mode" in person.footer)


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_the_mode_stands_in_the_footer_even_when_it_is_full(size: tuple[int, int]) -> None:
    async with at_work(size=size) as person:
        await in_mode(person, "accept edits")
        person.session.play(learned(), Started(Task("x"), 1, 2), Streamed("so"))
        await person.sees("mode accept edits · ▸ answering")
        await person.press("f4")
        await person.sees("mode accept edits · ▸ answering")


async def test_a_proposal_is_accepted_as_it_arrives_and_the_transcript_says_how_to_undo_it() -> None:
    async with at_work() as person:
        await in_mode(person, "accept edits")
        await person.types("half a sen")
        person.session.play(Started(Task("x"), 1, 2), Proposed(proposal("p7")))
        await person.until(lambda: person.session.verdicts == [Verdict("p7", "accept")])
        assert person.app.main.review is None
        assert person.prompt.text == "half a sen"
        person.session.play(Recorded(Verdict("p7", "accept"), None), Applied("p7", "greet.py"))
        await person.until(lambda: "✓ accepted p7" in person.transcript)
        assert "p7 is accepted without a card, for the mode is accept edits" in person.transcript
        await person.until(lambda: "p7 is written to greet.py; /undo takes it back" in person.transcript)
        assert '+     print(f"hello {name}")' in person.transcript
        assert "for your verdict" not in person.screen


async def test_in_ask_mode_nothing_is_accepted_without_a_card() -> None:
    async with at_work() as person:
        await shown(person)
        await nothing_is_judged(person)


async def test_what_a_lesson_brought_is_shown_for_judgement_whatever_the_mode() -> None:
    async with at_work(size=(120, 36)) as person:
        await in_mode(person, "accept edits")
        after = proposal("p2", after=AFTER.replace("hello", "hi"), retry_of="p1", revision=4)
        person.session.play(learned(), Proposed(after), retried(after=after))
        await person.sees("l3 retried: learned")
        await nothing_is_judged(person)
        person.clock.pass_grace()
        await person.press("y")
        await person.until(lambda: person.session.verdicts == [Verdict("p2", "accept")])


async def test_a_proposal_that_could_not_be_written_waits_on_its_card_and_is_not_accepted_again() -> None:
    async with at_work() as person:
        await in_mode(person, "accept edits")
        person.session.errors["judge"] = WorkspaceError("greet.py changed since.", kept="It is as it was.")
        person.session.play(Proposed(proposal()))
        await person.sees("greet.py changed since.")
        await person.sees("p1 greet.py for your verdict — F2 to review")
        await person.settles()
        assert len(person.session.verdicts) == 1
        await person.press("f2")
        await person.review_opens()


async def test_proposals_that_waited_already_are_not_swept_along() -> None:
    async with at_work() as person:
        await shown(person)
        await person.press("shift+tab")
        await person.until(lambda: "mode accept edits" in person.footer)
        await nothing_is_judged(person)
        assert person.app.main.review is not None


@pytest.mark.parametrize("key", ["y", "Y", "e"])
async def test_read_only_refuses_what_would_write_and_says_why(key: str) -> None:
    async with at_work() as person:
        await in_mode(person, "read-only")
        await shown(person)
        await person.until(lambda: "n reject" in person.footer and "y accept" not in person.footer)
        await person.press(key)
        await person.sees("Mode read-only: nothing is written to your files.")
        await nothing_is_judged(person)
        await person.press("shift+tab")
        await person.sees("Say why not")
        assert "Mode read-only" not in person.screen
        await person.press("y")
        await person.until(lambda: person.session.verdicts == [Verdict("p1", "accept")])


async def test_read_only_lets_a_proposal_be_rejected_with_a_reason_or_put_aside() -> None:
    async with at_work() as person:
        await in_mode(person, "read-only")
        await shown(person)
        await person.press("escape")
        await person.sees("p1 greet.py for your verdict — F2 to review")
        await person.press("f2")
        await person.review_opens()
        await person.press("n")
        await person.types("too long")
        await person.press("enter")
        await person.until(lambda: person.session.verdicts == [Verdict("p1", "reject", "too long")])


@pytest.mark.parametrize("entry", ["n", "e", "Y"])
async def test_shift_tab_in_the_comment_or_the_editor_changes_no_mode(entry: str) -> None:
    async with at_work() as person:
        await shown(person)
        await person.press(entry, "shift+tab")
        await person.settles()
        assert person.app.modes.current.name == "ask"


async def test_an_acceptance_begun_before_the_mode_became_read_only_writes_nothing() -> None:
    async with at_work() as person:
        await shown(person)
        await person.press("Y")
        await person.types("fine")
        person.app.modes.choose("read-only")
        await person.press("enter")
        await person.sees("Mode read-only: nothing is written to your files.")
        await nothing_is_judged(person)
        person.app.modes.choose("ask")
        await person.press("Y", "enter")
        await person.until(lambda: person.session.verdicts == [Verdict("p1", "accept", "fine")])


async def test_read_only_keeps_undo_from_writing_files_but_not_from_undoing_lessons() -> None:
    async with at_work() as person:
        await in_mode(person, "read-only")
        person.session.applied = "p7"
        for command in ("/undo", "/undo p7"):
            await person.types(command)
            await person.press("enter")
        await person.until(lambda: person.transcript.count("p7 was not undone.") == 2)
        await person.press("ctrl+u")
        await person.types("/undo l3")
        await person.press("enter")
        await person.until(lambda: ("undo", "l3") in person.session.calls)
        assert ("undo", "p7") not in person.session.calls


@pytest.mark.parametrize(
    ("typed", "name"), [("read-only", "read-only"), ("accept", "accept edits"), ("accept edits", "accept edits")]
)
async def test_a_mode_is_chosen_by_its_name(typed: str, name: str) -> None:
    async with at_work() as person:
        await person.types(f"/mode {typed}")
        await person.press("enter")
        await person.until(lambda: f"mode {name} · " in person.footer)


async def test_a_mode_that_does_not_exist_changes_nothing_and_the_known_ones_are_listed() -> None:
    async with at_work() as person:
        for typed, said in (("a", "There is no mode a"), ("yolo", "There is no mode yolo"), ("", "The mode is ask")):
            await person.types(f"/mode {typed}")
            await person.press("enter")
            line = f"{said}; /mode takes ask, accept-edits, read-only."
            await person.until(lambda line=line: line in person.transcript, line)
        assert "mode ask · " in person.footer


async def test_tab_completes_the_name_of_a_mode() -> None:
    async with at_work() as person:
        await person.types("/mode acc")
        await person.sees("› accept-edits")
        await person.press("tab", "enter")
        await person.until(lambda: "mode accept edits · " in person.footer)


async def test_in_read_only_hunks_are_marked_and_a_rejection_is_about_them() -> None:
    async with at_work() as person:
        await in_mode(person, "read-only")
        await shown(person)
        await person.sees("hunk 1 of 2")
        await person.press("]", "space")
        await person.sees("1 not wanted")
        assert "[ ] Space hunk" in person.footer
        assert "y accepts" not in person.footer
        await person.press("y")
        await person.sees("Mode read-only: nothing is written to your files.")
        await person.press("n")
        await person.sees("Why not hunk 2?")
        await person.types("keep it")
        await person.press("enter")
        await person.until(lambda: person.session.verdicts == [Verdict("p1", "reject", "keep it", unwanted=(1,))])


async def test_read_only_goes_back_to_no_point_that_would_undo_an_edit_and_says_why() -> None:
    async with at_work() as person:
        await in_mode(person, "read-only")
        greet, sort = Task("greet politely"), Task("sort the list")
        person.session.point_list = [Point("t1", greet), Point("p1", greet, "greet.py"), Point("t2", sort)]
        await person.types("/rewind")
        await person.press("enter")
        await person.sees("Back to just before which task or edit?")
        await person.press("end", "enter")
        await person.until(lambda: "p1 greet.py would be taken back, and nothing was." in person.transcript)
        assert "Mode read-only: nothing is written to your files." in person.transcript
        assert not any(call[0] == "rewind" for call in person.session.calls)
        assert person.prompt.text == ""
        await person.types("/rewind")
        await person.press("enter")
        await person.sees("Back to just before which task or edit?")
        await person.press("enter")
        await person.until(lambda: person.prompt.text == "sort the list")


async def test_what_waited_in_an_earlier_session_is_not_accepted_by_a_change_of_the_mode() -> None:
    waiting = Past("s1", (Turn("t1", Task("greet politely"), offers=(Offer(proposal()),)),))
    async with at_work(past=waiting) as person:
        await person.sees("p1 greet.py for your verdict — F2 to review")
        await in_mode(person, "accept edits")
        await nothing_is_judged(person)
