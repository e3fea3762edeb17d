"""Every key that works is named, whole, on a terminal of any width; and no colour is needed to read any screen."""

from __future__ import annotations

import pytest
from person import Person, at_work
from pictures import _colours, _hue, _rows
from scenes import SCENES

from continual_code.ui.commands import COMMANDS
from continual_code.ui.screens.help import KEYS, HelpScreen
from continual_code.ui.widgets.key_list import KeyList


async def read(person: Person) -> str:
    """All of the help, page by page, its lines joined."""
    await person.press("f1")
    await person.sees("new line")
    keys, pages = person.app.screen.query_one(KeyList), list[str]()
    for top in range(0, keys.virtual_size.height, keys.size.height - 2):
        keys.scroll_to(y=top, animate=False)
        await person.settles()
        pages.append(person.screen.replace("▃", " ").replace("▅", " "))
    return " ".join(" ".join(pages).split())


@pytest.mark.parametrize("size", [(60, 20), (75, 24), (80, 24), (200, 50)])
async def test_no_word_of_the_help_is_cut_off(size: tuple[int, int]) -> None:
    async with at_work(size=size) as person:
        seen = await read(person)
        for about in [text for keys in KEYS.values() for text in keys.values()] + list(COMMANDS.values()):
            assert " ".join(about.split()[-2:]) in seen, about


@pytest.mark.parametrize("scene", ["lessons", "credit", "rewind", "search", "ab", "no-lessons"])
async def test_a_question_mark_opens_the_help_on_every_screen_without_a_text(scene: str) -> None:
    async with at_work() as person:
        await SCENES[scene](person)
        if scene == "ab":
            await person.press("f3")
        below = person.app.screen
        assert below is not person.app.main
        await person.press("?")
        await person.until(lambda: isinstance(person.app.screen, HelpScreen), "the help")
        await person.press("escape")
        await person.until(lambda: person.app.screen is below, "the screen of before")


@pytest.mark.parametrize(
    ("scene", "heading"),
    [("working", "Prompt"), ("review", "Proposal (F2)"), ("lessons", "Lists"), ("search", "Lists")],
)
async def test_the_help_begins_with_the_keys_of_where_it_was_called(scene: str, heading: str) -> None:
    async with at_work() as person:
        await SCENES[scene](person)
        await person.press("f1")
        await person.until(lambda: isinstance(person.app.screen, HelpScreen), "the help")
        await person.settles()
        assert person.screen.strip().startswith(heading)


@pytest.mark.parametrize("scene", SCENES)
async def test_without_colours_a_screen_says_the_same(scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with at_work() as person:
        await SCENES[scene](person)
        coloured = person.screen
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_work() as person:
        await SCENES[scene](person)
        assert {_hue(colour) for row in _rows(person) for segment in row for colour in _colours(segment)} == {""}
        assert person.screen == coloured
