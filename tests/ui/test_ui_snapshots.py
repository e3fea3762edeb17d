"""The screens look as they did when somebody last looked at them, at three sizes and in both themes.

`UPDATE_SNAPSHOTS=1 pytest tests/ui/test_ui_snapshots.py` writes what is there now; look at it before you commit it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from person import at_work
from pictures import illegible, picture
from scenes import SCENES
from textual.widgets import TextArea

SNAPSHOTS = Path(__file__).parent / "snapshots"
DIMMED = {"palette", "shell"}  # what is behind a question is not to be read meanwhile
SIZES = [(60, 20), (80, 24), (200, 50)]


@pytest.fixture(autouse=True)
def _one_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Dates are shown in the time of the place."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES, ids=[f"{width}x{height}" for width, height in SIZES])
@pytest.mark.parametrize("scene", SCENES)
async def test_the_screen_looks_as_before(scene: str, size: tuple[int, int], theme: str) -> None:
    file = SNAPSHOTS / f"{scene}-{size[0]}x{size[1]}-{theme}.txt"
    async with at_work(size=size) as person:
        person.app.theme = f"textual-{theme}"
        await SCENES[scene](person)
        for area in person.app.screen.query(TextArea):
            area.cursor_blink = False
        await person.settles()
        now = picture(person)
        assert scene in DIMMED or illegible(person) == []
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOTS.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    assert now.splitlines() == file.read_text(encoding="utf-8").splitlines()
