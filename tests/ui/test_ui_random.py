"""Two hundred random keys, sizes, pastes and events on every screen: nothing raises, nothing freezes."""

from __future__ import annotations

import random

import pytest
from hostile import PAYLOADS
from person import Person, at_work, never_frozen
from scenes import SCENES
from scripted import credited, learned, lesson, proposal, retried
from textual import events as textual_events

from continual_code.events import (
    Answer,
    Compared,
    Comparing,
    Edit,
    Event,
    Failed,
    LearnerState,
    NoEdit,
    Proposed,
    Recorded,
    RunEnded,
    RunOutput,
    RunStarted,
    Started,
    Streamed,
    SuiteOffered,
    Swapped,
    Task,
    Undone,
    Verdict,
)

KEYS = [
    *"abcdeny1234Y?@/", "space", "enter", "enter", "escape", "escape", "tab", "shift+tab", "up", "down", "left",
    "right", "home", "end", "pageup", "pagedown", "backspace", "delete", "ctrl+j", "ctrl+s", "ctrl+u", "ctrl+k",
    "ctrl+w", "ctrl+z", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "ctrl+r", "u", "d", "[", "]", "]", "c",
]  # fmt: skip
ACTIONS, MEGABYTE = 200, 1_000_000
LONGEST_TURN_SECONDS = 0.2  # of computing, which is what a key would wait for
SIZES = [(80, 24), (60, 20), (200, 50), (20, 6), (1, 1), (100, 30)]


def events(dice: random.Random, number: int) -> list[Event]:
    first = proposal(f"p{number}", after=dice.choice(["", "x\n" * 300, "\x1b]52;\n", "a = '\t\u202e'\n"]))
    again = proposal(f"p{number}b", retry_of=first.id)
    return [
        Streamed("```py\n" + dice.choice(list(PAYLOADS.values())) + "word " * 200),
        Started(Task("x"), 1, 2),
        Proposed(first),
        Recorded(Verdict(first.id, "reject", "no"), lesson()),
        LearnerState("learning", f"l{number}", number % 3),
        credited("l3", tuple(PAYLOADS.values()), [dice.uniform(-4, 1) for _ in range(number)]),
        learned(),
        Swapped(number, 1.0),
        Proposed(again),
        retried(after=again),
        Comparing(Task("x"), (number, 3), number),
        Compared(Task("x"), Answer(number, ("l1",), Edit("a.py", None, first.after)), Answer(3, (), None, "no file")),
        NoEdit(Task("x"), "no file"),
        Undone("l1", "back"),
        SuiteOffered(dice.choice(list(PAYLOADS.values()))),
        RunStarted(dice.choice(["tests", "shell"]), dice.choice(list(PAYLOADS.values()))),  # type: ignore[arg-type]
        RunOutput(tuple(PAYLOADS.values()), "newest"),
        RunEnded("tests", "make test", "exited", 1, 1.0, tuple(PAYLOADS.values()), number, number % 4),
        Failed("It broke."),
    ]


def pasted(dice: random.Random) -> str:
    """A hostile text once, or a megabyte: of it, of one line, or of many."""
    payload = dice.choice(list(PAYLOADS.values()))
    return dice.choice([payload, (payload * MEGABYTE)[:MEGABYTE], "x" * MEGABYTE, "a line\n" * (MEGABYTE // 7)])


async def act(person: Person, dice: random.Random, number: int) -> None:
    kind = dice.random()
    if kind < 0.7:
        await person.taps(dice.choice(KEYS))
    elif kind < 0.8:
        await person.pilot.resize_terminal(*dice.choice(SIZES))
    elif kind < 0.85:
        person.app.post_message(textual_events.Paste(pasted(dice)))
    elif kind < 0.95:
        person.session.play(dice.choice(events(dice, number)))
    else:
        person.clock.pass_grace()


async def leave(person: Person) -> None:
    """Back to the main screen, whatever is open."""
    await person.pilot.resize_terminal(80, 24)
    for _ in range(8):
        await person.press("escape")
    await person.settles()
    assert person.app.is_running
    assert person.app.screen is person.app.main


@pytest.mark.parametrize("scene", SCENES)
async def test_nothing_raises_or_freezes_whatever_is_pressed_pasted_or_told(scene: str) -> None:
    dice = random.Random(scene)
    async with at_work() as person, never_frozen(LONGEST_TURN_SECONDS):
        person.session.lesson_list = [lesson(), lesson("l4", status="pending")]
        person.session.credits = {"l3": credited(), "l4": credited("l4")}
        await SCENES[scene](person)
        for number in range(ACTIONS):
            await act(person, dice, number)
        await leave(person)
