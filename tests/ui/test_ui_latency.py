"""Typing goes on while another thread holds the interpreter in bursts.

How many milliseconds a key takes is measured, not tested: `continual-code bench speed`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from person import Person, at_work, never_frozen
from scripted import learned, proposal
from textual.content import Content

from continual_code.events import LearnerState, NoEdit, Proposed, Started, Streamed, Task
from continual_code.ui import SWITCH_SECONDS

KEYS = 60
FROZEN_SECONDS = 2.0  # far above any machine's jitter, far below the step or the answer that must not be waited for
LONGEST_TURN_SECONDS = 0.5  # of computing; comparing five thousand lines takes longer


@contextmanager
def busy_interpreter(switch: float = SWITCH_SECONDS) -> Iterator[None]:
    """Another thread computes in pure Python for 20 ms, then lets go for 5 ms, as a training step does."""
    stop = threading.Event()

    def burst() -> None:
        while not stop.is_set():
            until = time.perf_counter() + 0.020
            while time.perf_counter() < until:
                sum(range(50))
            time.sleep(0.005)

    before = sys.getswitchinterval()
    sys.setswitchinterval(switch)
    thread = threading.Thread(target=burst)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)


async def key_to_paint(person: Person, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds from each key to the frame that shows it, sorted."""
    frames: list[tuple[int, float]] = []
    display = person.app._display

    def displayed(*arguments: object) -> None:
        display(*arguments)  # type: ignore[arg-type]
        frames.append((len(person.prompt.text), time.perf_counter()))

    monkeypatch.setattr(person.app, "_display", displayed)
    seconds: list[float] = []
    for number in range(KEYS):
        wanted = len(person.prompt.text) + 1
        frames.clear()
        started = time.perf_counter()
        await person.taps("abcdefghij"[number % 10])
        await person.until(lambda wanted=wanted: any(length >= wanted for length, _ in frames), "the frame")
        seconds.append(next(at for length, at in frames if length >= wanted) - started)
        await asyncio.sleep(0.003 * (number % 7))
    return sorted(seconds)


async def assert_fluent(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    with busy_interpreter():
        seconds = await key_to_paint(person, monkeypatch)
    assert seconds[-1] < FROZEN_SECONDS


async def test_every_key_is_painted_while_a_lesson_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work() as person:
        person.session.play(LearnerState("learning", "l1"), *(learned() for _ in range(50)))
        await assert_fluent(person, monkeypatch)


async def test_every_key_is_painted_beside_a_streaming_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work() as person:
        talking = asyncio.create_task(talk(person))
        await assert_fluent(person, monkeypatch)
        talking.cancel()


async def talk(person: Person) -> None:
    """Two hundred pieces of an answer a second, forever."""
    while True:
        person.session.play(Streamed("token "), Streamed("of an\nanswer "))
        await asyncio.sleep(0.01)


async def test_an_answer_that_comes_line_by_line_reads_as_it_was_written() -> None:
    async with at_work() as person:
        for line in ("one", "two", "three"):
            person.session.play(Streamed(f"{line}\n"))
            await person.until(lambda line=line: line in person.transcript)
        assert "one\ntwo\nthree" in person.transcript


async def test_a_diff_of_five_thousand_lines_opens_and_follows_every_key() -> None:
    lines = [f"value_{number} = {number}" for number in range(5_000)]
    before = "".join(f"{line}\n" for line in lines)
    after = "".join(f"{line}{' + 1' * (number % 2)}\n" for number, line in enumerate(lines))
    async with at_work() as person, never_frozen(LONGEST_TURN_SECONDS):
        person.session.play(Proposed(proposal(before=before, after=after)))
        await person.review_opens()
        person.clock.pass_grace()
        await person.sees("hunk 1 of")
        await person.press("end", "d", "home", "]", "space", "[", "e")
        await person.sees("Ctrl+S accepts this text")


async def test_five_hundred_turns_later_every_key_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with at_work() as person:
        for number in range(500):
            answer = Streamed(f"Here it is:\n```python\n{'x = 1' * 20}\n```\n" * 3)
            person.session.play(Started(Task(f"task {number}"), 100, 4_000), answer, NoEdit(Task("x"), f"no {number}"))
        await person.sees("no 499")
        await assert_fluent(person, monkeypatch)


async def test_a_long_transcript_costs_no_more_to_append_to_than_a_short_one() -> None:
    async with at_work() as person:
        transcript = person.app.main.transcript

        def cost() -> float:
            started = time.thread_time()
            for _ in range(200):
                transcript.write([Content("one more line of the transcript")])
            return time.thread_time() - started

        short = cost()
        transcript.write([Content(f"line {number} " * 12) for number in range(3_000)])
        assert cost() < 10 * short + 0.1


async def test_a_transcript_without_end_keeps_its_newest_lines_and_a_steady_size() -> None:
    async with at_work() as person:
        for batch in range(12):
            person.session.play(Streamed("".join(f"answer {batch}-{number}\n" for number in range(1_000))))
            await person.until(lambda batch=batch: f"answer {batch}-999" in person.transcript)
        person.session.play(NoEdit(Task("x"), "the very end"))
        await person.sees("the very end")
        await person.sees("answer 11-999")
        assert person.app.main.transcript.line_count <= 3_000
        await person.press("pageup")
        await person.sees("answer 11-970")
        started = time.thread_time()
        await person.pilot.resize_terminal(60, 20)
        await person.settles()
        assert time.thread_time() - started < FROZEN_SECONDS
