"""What the tests of the screen share: a running app, waiting for it, reading it."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from statistics import median

from scripted import ScriptedGate, ScriptedSession, ready
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from continual_code.ui.app import ContinualApp
from continual_code.ui.widgets.prompt import Prompt
from continual_code.ui.widgets.status_bar import StatusBar
from continual_code.ui.widgets.transcript import Transcript


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_grace(self) -> None:
        self.now += 0.6


class Person:
    """What a person does and sees."""

    def __init__(self, app: ContinualApp, pilot: Pilot[None], session: ScriptedSession, clock: Clock) -> None:
        self.app, self.pilot, self.session, self.clock = app, pilot, session, clock

    async def press(self, *keys: str) -> None:
        """One key after the other, each once the screen has followed the one before."""
        for key in keys:
            await self.taps(key)
            await self.pilot.pause()

    async def types(self, text: str) -> None:
        """Faster than the screen can follow: all keys arrive before the first is handled."""
        for letter in text:
            self._send(_character_to_key(letter), letter)
        await self.pilot.pause()

    async def taps(self, key: str) -> None:
        """One key, and hardly a moment to react."""
        letter = " " if key == "space" else key
        self._send(_character_to_key(letter) if len(letter) == 1 else key, letter if len(letter) == 1 else None)
        await asyncio.sleep(0.002)

    def _send(self, key: str, character: str | None) -> None:
        driver = self.app._driver
        assert driver is not None
        driver.send_message(events.Key(key, character))

    async def sees(self, text: str) -> None:
        await self.until(lambda: text in self.screen, f"{text!r} on the screen", seen=True)

    async def until(self, condition: Callable[[], bool], what: str = "the condition", *, seen: bool = False) -> None:
        for _ in range(500):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"never came: {what}\n{self.screen}")

    async def settles(self) -> None:
        with suppress(WorkerCancelled):  # of a card that closed meanwhile
            await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def review_opens(self) -> None:
        await self.until(lambda: self.app.main.review is not None and self.app.main.review.has_focus, "the card")

    def takes_the_net_away(self) -> None:
        """From now on what a widget forgot to clean is on the screen as it is."""
        self.app._guard.apply = lambda segments, background: segments  # type: ignore[method-assign]

    @property
    def screen(self) -> str:
        """The text on the screen, row by row, exactly as it would be written."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def prompt(self) -> Prompt:
        return self.app.main.prompt

    @property
    def transcript(self) -> str:
        return self.app.main.query_one(Transcript).text

    @property
    def footer(self) -> str:
        return str(self.app.screen.query_one(StatusBar).render())


@asynccontextmanager
async def at_work(
    *, size: tuple[int, int] = (80, 24), loaded: bool = True, gate: ScriptedGate | None = None, **session: object
) -> AsyncIterator[Person]:
    """A person in front of the app; `loaded` plays Ready first. With a `gate`, the session waits for the answer."""
    engine, clock = ScriptedSession(**session), Clock()  # type: ignore[arg-type]
    app = ContinualApp(engine, gate, clock=clock)
    async with app.run_test(size=size) as pilot:
        person = Person(app, pilot, engine, clock)
        if gate:
            yield person
            return
        await person.until(lambda: any(call[0] == "start" for call in engine.calls), "start")
        await person.settles()
        if loaded:
            engine.play(ready())
            await person.until(lambda: app.status.loading is None, "Ready")
        yield person


def slowness() -> float:
    """How much longer than 20 ms a piece of plain Python takes here and now; at least 1.

    Limits of seconds hold for a core that needs 20 ms: a busy or an older one is no reason to fail.
    """
    seconds = []
    for _ in range(5):
        started = time.thread_time()
        for number in range(200_000):
            f"{number}x"
        seconds.append(time.thread_time() - started)
    return max(1.0, median(seconds) / 0.02)


@asynccontextmanager
async def never_frozen(longest: float) -> AsyncIterator[None]:
    """Fails when the screen computed for more than `longest` seconds without looking at the keys; see `slowness`.

    Waiting for other threads and programs is not counted.
    """
    turns: list[float] = []

    async def beat() -> None:
        while True:
            started = time.thread_time()
            await asyncio.sleep(0.01)  # more often, and `wait_for_idle` of Textual takes it for work
            turns.append(time.thread_time() - started)

    gc.collect()
    gc.freeze()  # as the program does once it is loaded: what earlier tests left alive is not this screen's to look at
    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        gc.unfreeze()
    assert turns
    assert max(turns) < longest * slowness()
