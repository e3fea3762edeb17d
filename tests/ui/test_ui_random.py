"""Two hundred random keys, sizes, pastes and events: nothing raises, nothing hangs."""

from __future__ import annotations

import random

import pytest
from hostile import PAYLOADS
from person import Person, at_work
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


async def act(person: Person, dice: random.Random, number: int) -> None:
    kind = dice.random()
    if kind < 0.7:
        await person.taps(dice.choice(KEYS))
    elif kind < 0.8:
        await person.pilot.resize_terminal(*dice.choice(SIZES))
    elif kind < 0.85:
        person.app.post_message(textual_events.Paste(dice.choice(list(PAYLOADS.values())) * dice.choice([1, 4_000])))
    elif kind < 0.95:
        person.session.play(dice.choice(events(dice, number)))
    else:
        person.clock.pass_grace()


@pytest.mark.parametrize("seed", [1])
async def test_nothing_raises_whatever_is_pressed_pasted_or_told(seed: int) -> None:
    dice = random.Random(seed)
    async with at_work() as person:
        person.session.lesson_list = [lesson(), lesson("l4", status="pending")]
        person.session.credits = {"l3": credited(), "l4": credited("l4")}
        for number in range(200):
            await act(person, dice, number)
        await person.settles()
        assert person.app.is_running
        await person.pilot.resize_terminal(80, 24)
        for _ in range(6):
            await person.press("escape")
        await person.settles()
        assert person.app.screen is person.app.main
