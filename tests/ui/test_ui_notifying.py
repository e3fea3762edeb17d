"""Somebody who looks elsewhere is called when there is something to look at, and only then; colours are remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from person import Person, at_work
from scripted import learned, proposal, retried
from textual import events

from continual_code.events import Event, Failed, LearnerState, NoEdit, Proposed, RunEnded, Streamed, Swapped, Task


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for every time that the bell rang."""
    rung: list[str] = []
    monkeypatch.setattr("continual_code.ui.app.ContinualApp.bell", lambda self: rung.append("bell"))
    return rung


async def hears(person: Person, *played: Event) -> None:
    heard = person.transcript.count("heard it all")
    person.session.play(*played, NoEdit(Task("x"), "heard it all", "", "p1"))
    await person.until(lambda: person.transcript.count("heard it all") > heard, "the end")


async def look_elsewhere(person: Person) -> None:
    person.app.post_message(events.AppBlur())
    await person.until(lambda: not person.app.app_focus, "the focus has left")


AWAITED = {
    "a proposal": Proposed(proposal()),
    "no proposal": NoEdit(Task("x"), "no file"),
    "a lesson without effect": learned(status="no_signal", reason="small talk"),
    "the task asked again": retried(),
    "a failure": Failed("It broke."),
    "the tests": RunEnded("tests", "make test", "exited", 1, 1.0, (), 0, 0),
}
ON_THE_WAY = {
    "words of an answer": Streamed("word"),
    "a stage": LearnerState("learning", "l1"),
    "a swap": Swapped(4, 1.0),
    "a lesson whose task is asked again": learned(),
    "the proposal that is compared next": Proposed(proposal("p2", retry_of="p1")),
}


@pytest.mark.parametrize("event", AWAITED.values(), ids=AWAITED)
async def test_the_bell_rings_for_somebody_who_looks_elsewhere(event: Event, rings: list[str]) -> None:
    async with at_work() as person:
        await hears(person, event)
        assert rings == []
        await look_elsewhere(person)
        await hears(person, event)
        assert rings == ["bell"]


@pytest.mark.parametrize("event", ON_THE_WAY.values(), ids=ON_THE_WAY)
async def test_what_is_on_the_way_to_something_else_calls_nobody(event: Event, rings: list[str]) -> None:
    async with at_work() as person:
        await look_elsewhere(person)
        await hears(person, event)
        assert rings == []


async def test_nobody_is_called_who_comes_back_or_wants_no_calls(rings: list[str]) -> None:
    async with at_work() as person:
        await look_elsewhere(person)
        await person.press("a")
        await hears(person, Failed("It broke."))
    async with at_work(notifies=False) as person:
        await look_elsewhere(person)
        await hears(person, Failed("It broke."))
    assert rings == []


async def test_the_theme_that_was_chosen_is_there_in_the_next_session(tmp_path: Path) -> None:
    kept = tmp_path / "state" / "theme"
    async with at_work(theme=kept) as person:
        before = person.app.theme
        await person.press("ctrl+p")
        await person.types("theme")
        await person.sees("Change the colours")
        await person.press("enter")
        await person.until(lambda: person.app.screen is not person.app.main)
        await person.types("textual-light")
        await person.sees("textual-light")
        await person.press("down", "enter")
        await person.until(lambda: person.app.theme == "textual-light", "the light theme")
        await person.until(kept.exists, "the file")
        await person.settles()
    assert before != "textual-light"
    assert kept.stat().st_mode & 0o777 == 0o600
    async with at_work(theme=kept) as person:
        await person.until(lambda: person.app.theme == "textual-light", "the kept theme")


@pytest.mark.parametrize("content", [b"no-such-theme\n", b"\xff\x00" * 5_000, b""])
async def test_a_theme_file_that_names_none_changes_nothing(tmp_path: Path, content: bytes) -> None:
    (kept := tmp_path / "theme").write_bytes(content)
    async with at_work(theme=kept) as person:
        await person.settles()
        assert person.app.theme == "textual-dark"
