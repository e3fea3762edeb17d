"""Nothing that comes from a model, a file or an error can steer the terminal or the reader."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pexpect
import pytest
from hostile import PAYLOADS, all_unsafe, unsafe
from person import Person, at_work
from scripted import credited, learned, lesson, proposal, ready, retried
from textual import events as textual_events
from textual.app import App, ComposeResult
from textual.widgets import Static

from continual_code.errors import StateError
from continual_code.events import (
    Applied,
    Event,
    Failed,
    LearnerState,
    Loading,
    NoEdit,
    Proposed,
    Recorded,
    Started,
    Streamed,
    Task,
    Undone,
    Verdict,
)
from continual_code.ui.clean import clean, clean_line

HERE = Path(__file__).parent
EVERYTHING = " ".join(PAYLOADS.values())
SIZE = (200, 50)


def test_there_are_payloads_enough() -> None:
    assert len(PAYLOADS) >= 40


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_a_payload_becomes_visible_text_of_the_same_length(payload: str) -> None:
    cleaned = clean(payload)
    assert not unsafe(cleaned)
    assert len(cleaned) == len(payload)
    assert clean(cleaned) == cleaned
    assert "\n" not in clean_line(f"a\n{payload}")


def test_every_unsafe_character_of_unicode_is_replaced_and_no_other() -> None:
    bad = all_unsafe()
    assert not unsafe(clean("".join(sorted(bad))))
    kept = "".join(chr(code) for code in range(0x20, 0x2000) if chr(code) not in bad) + "日本語 ✓ → 😀 ⚠\ufe0f\n\t"
    changed = {letter for letter in kept if clean(letter) != letter}
    assert changed <= set("\u180b\u180c\u180d\u180f"), "Mongolian variation selectors only"


@asynccontextmanager
async def hostile(**options: object) -> AsyncIterator[Person]:
    async with at_work(size=SIZE, **options) as person:  # type: ignore[arg-type]
        person.takes_the_net_away()
        yield person


async def painted_safely(person: Person, shown: str = "52;c;") -> None:
    """The screen shows the payload's visible part, and nothing unsafe anywhere."""
    await person.sees(shown)
    await person.settles()
    assert not unsafe(person.screen)


TOLD = [
    Failed(EVERYTHING, EVERYTHING, EVERYTHING),
    Started(Task("x"), 1, 2, (EVERYTHING,)),
    Streamed(EVERYTHING),
    NoEdit(Task("x"), EVERYTHING),
    replace(ready(), model=EVERYTHING, device=EVERYTHING),
    Applied(EVERYTHING, EVERYTHING),
    Undone(EVERYTHING, EVERYTHING),
    Recorded(Verdict(EVERYTHING, "reject", EVERYTHING), lesson(EVERYTHING)),
    learned(EVERYTHING, status="failed", reason=EVERYTHING),
    learned(EVERYTHING, status=EVERYTHING, reason=EVERYTHING),
    credited(EVERYTHING, (EVERYTHING, "\x1b]52;c;", "\u202e"), (0.0, -3.0, -2.0)),
    credited(EVERYTHING, (EVERYTHING,), (0.0,)),
]


async def test_whatever_the_engine_says_is_painted_as_plain_text() -> None:
    async with hostile() as person:
        for event in TOLD:
            before = person.transcript
            person.session.play(event)
            await person.until(lambda before=before: "52;c;" in person.transcript[len(before) :], f"{event}")
            assert not unsafe(person.transcript)
            await painted_safely(person)


@pytest.mark.parametrize(
    "event",
    [
        Loading("\x1b]52;c;\u202e", 0.5),
        LearnerState("learning", "\x1b]52;c;"),
        Proposed(proposal(path=EVERYTHING, before="", after=EVERYTHING, left_out=(EVERYTHING,))),
        replace(retried(held=False), reason=EVERYTHING),
    ],
    ids=["loading", "learning", "a proposal", "a retry"],
)
async def test_whatever_the_footer_and_the_cards_show_is_plain_text(event: Event) -> None:
    async with hostile() as person:
        person.session.play(event)
        await painted_safely(person)


async def test_the_editor_paints_safely_and_keeps_the_bytes() -> None:
    text = "x = 1 # \x1b]52;c;ZXZpbA==\x07\u202e\n"
    async with hostile() as person:
        person.session.play(Proposed(proposal(before=None, after=text)))
        await person.review_opens()
        person.clock.pass_grace()
        await person.press("e")
        await painted_safely(person, "\u241b]52;c;")
        await person.types("#")
        await person.press("ctrl+s")
        await person.until(lambda: bool(person.session.verdicts))
        assert person.session.verdicts[0].edited == f"#{text}"


async def test_lessons_are_painted_safely() -> None:
    async with hostile() as person:
        hostile_lesson = lesson(EVERYTHING, EVERYTHING, reason=EVERYTHING, created=EVERYTHING)
        person.session.lesson_list = [replace(hostile_lesson, path=EVERYTHING)]
        person.session.errors["undo"] = StateError(EVERYTHING)
        await person.press("f4")
        await painted_safely(person)
        await person.press("u")
        await painted_safely(person, "Undo lesson")
        await person.press("y")
        await painted_safely(person)


async def test_before_and_after_are_painted_safely() -> None:
    async with hostile() as person:
        after = proposal("p2", path=EVERYTHING, before=None, after=EVERYTHING, retry_of="p1")
        person.session.play(Proposed(after), replace(retried(after=after), before=after, reason=EVERYTHING))
        await painted_safely(person, "After")


async def test_file_names_and_pastes_are_painted_safely() -> None:
    async with hostile(files=[EVERYTHING]) as person:
        await person.types("@")
        await painted_safely(person)
        person.app.post_message(textual_events.Paste(EVERYTHING))
        await painted_safely(person)
        await person.press("enter")
        await person.sees("queued:")
        assert not unsafe(person.screen)


async def test_markup_in_text_is_only_text() -> None:
    async with hostile() as person:
        person.session.play(Failed("[@click=app.exit]press[/] [red]x[/red] [/foo]"))
        await person.sees("[@click=app.exit]press[/] [red]x[/red] [/foo]")
        row = next(at for at, line in enumerate(person.screen.splitlines()) if "[@click" in line)
        for column in range(2, 40, 4):
            await person.pilot.click(offset=(column, row))
        assert person.app.is_running


class Naive(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("\x1b]52;c;ZXZpbA==\x07 [not markup]", markup=False)


async def test_control_a_plain_widget_lets_the_payload_through() -> None:
    app = Naive()
    async with app.run_test() as pilot:
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert unsafe("".join(segment.text for strip in strips for segment in strip))


async def test_control_without_the_net_what_a_widget_forgot_is_on_the_screen() -> None:
    async with hostile() as person:
        await person.app.main.mount(Static("\x1b]52;c;ZXZpbA==\x07", markup=False))
        await person.sees("]52;c;ZXZpbA==")
        assert unsafe(person.screen)


async def test_the_net_catches_a_widget_that_forgot_to_clean() -> None:
    async with at_work() as person:
        await person.app.main.mount(Static("\x1b]52;c;ZXZpbA==\x07", markup=False))
        await person.sees("]52;c;ZXZpbA==")
        assert not unsafe(person.screen)


def written_by(*arguments: str, until: str) -> bytes:
    """All bytes that a program writes to a real pseudo-terminal until it shows `until`, and a little longer."""
    environment = os.environ | {"TERM": "xterm-256color", "PYTHONPATH": f"{HERE.parents[1]}"}
    child = pexpect.spawn(
        sys.executable, [str(HERE / "hostile_screen.py"), *arguments], env=environment, dimensions=(60, 120), timeout=20
    )
    log = bytearray()
    child.logfile_read = type("Log", (), {"write": staticmethod(log.extend), "flush": staticmethod(lambda: None)})()
    child.expect(until)
    child.expect(pexpect.TIMEOUT, timeout=1.0)
    child.sendcontrol("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    return bytes(log)


def test_no_byte_of_a_payload_reaches_a_real_terminal() -> None:
    written = written_by(until="p1")
    assert b"shown" in written
    # Textual's own words to the terminal: the shape of the mouse pointer, and CSI sequences.
    text = re.sub("\x1b]22;[a-z]*\x07", "", written.decode())
    assert "\x1b]52" not in text
    assert "\x1b]8;" not in text
    assert not re.search("[\x80-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    for name, payload in PAYLOADS.items():
        if unsafe(payload) and not payload.startswith("\x1b["):
            assert payload not in text, name
    assert not unsafe(text) - {"\x1b", "\r"}
    assert "\x1b[31mred" not in text
    assert "\x1b[8mhidden" not in text


def test_control_a_plain_widget_writes_the_payload_to_a_real_terminal() -> None:
    assert b"\x1b]52;c;ZXZpbA==" in written_by("naive", until="shown")
