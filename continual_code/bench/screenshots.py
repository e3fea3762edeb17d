"""The pictures of the README: a real session in the real screen, saved as SVG.

`python -m continual_code.bench.screenshots docs --model ID` asks, rejects with a comment,
lets the model learn and saves the review card and the before/after screen.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from continual_code import sample
from continual_code.app import open_session
from continual_code.events import Event, Proposed, Ready, Retried
from continual_code.settings import load_settings
from continual_code.ui.app import ContinualApp

SIZE = (110, 34)


async def record(out: Path, model: str) -> None:
    """Play the session and write the pictures into `out`."""
    with sample.trial(load_settings({"model": model})[0]) as (settings, root):
        session = open_session(settings, root)
        seen: list[Event] = []
        begin = session.start
        session.start = lambda listener: begin(lambda event: (seen.append(event), listener(event))[1])  # type: ignore[method-assign]
        app = ContinualApp(session)
        async with app.run_test(size=SIZE) as pilot:
            await _until(lambda: any(isinstance(event, Ready) for event in seen))
            await pilot.press(*_keys(f"{sample.TASK} @{sample.TASK_FILE} "), "enter")
            await _until(lambda: any(isinstance(event, Proposed) for event in seen))
            await asyncio.sleep(2)
            app.save_screenshot("review.svg", path=str(out))
            await pilot.press("n", *_keys(sample.COMMENT))
            await pilot.press("enter")
            await _until(lambda: any(isinstance(event, Retried) for event in seen))
            await asyncio.sleep(1)
            await pilot.press("f3")
            await asyncio.sleep(1)
            app.save_screenshot("before-after.svg", path=str(out))
        session.close()
        for picture in out.glob("*.svg"):
            text = picture.read_text(encoding="utf-8")
            picture.write_text(text.replace(str(root), "~/sample"), encoding="utf-8")


def _keys(text: str) -> list[str]:
    return [{" ": "space"}.get(letter, letter) for letter in text]


async def _until(done: Callable[[], bool]) -> None:
    while not done():
        await asyncio.sleep(0.2)


def main() -> int:
    """Record into a directory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(record(arguments.out, arguments.model))
    return 0


if __name__ == "__main__":
    sys.exit(main())
