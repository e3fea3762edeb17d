"""/search: the lines that hold a text, and what Enter on one does."""

from __future__ import annotations

import threading

import pytest
from hostile import PAYLOADS, unsafe
from person import Person, at_work

from continual_code.errors import UsageError
from continual_code.events import Found, Match
from continual_code.ui.screens.picker import Picker

LINES = Found((
    Match("greet.py", 1, "def greet(name):", 4, 9),
    Match("src/my app.py", 12, "\tgreet('you')  # [bold]not markup[/bold]", 1, 6),
))  # fmt: skip


async def searches(person: Person, found: Found = LINES, wanted: str = "greet") -> None:
    person.session.found = found
    await person.types(f"/search {wanted}")
    await person.press("enter")


async def test_every_line_stands_with_its_place_and_the_match_of_the_chosen_one_is_marked() -> None:
    async with at_work() as person:
        await searches(person)
        await person.sees("“greet” stands in 2 lines.")
        for words in ("greet.py:1: def greet(name):", "src/my app.py:12: greet('you')  # [bold]not markup[/bold]"):
            assert " ".join(words.split()) in " ".join(person.screen.split()), words
        assert person.session.calls[-1] == ("search", "greet", "text")
        strips = person.app.screen._compositor.render_strips()
        marked = [s.text for strip in strips for s in strip if s.text == "greet" and s.style and s.style.bold]
        assert marked


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        (r"--regex def \w+", (r"def \w+", "regex")),
        ("--word  greet you", ("greet you", "word")),
        ("--wordy", ("--wordy", "text")),
        ("greet --word", ("greet --word", "text")),
        ("--regex", ("", "regex")),
    ],
)
async def test_a_word_or_a_pattern_is_asked_for_by_the_flags_of_the_command(typed: str, asked: tuple[str, str]) -> None:
    async with at_work() as person:
        await searches(person, wanted=typed)
        await person.sees("stands in 2 lines")
        assert person.session.calls[-1] == ("search", *asked)


@pytest.mark.parametrize(
    ("typed", "keys", "prompt"),
    [
        ("", ("enter",), "@greet.py "),
        ("", ("down", "enter"), '@"src/my app.py" '),
        ("", ("escape",), ""),
    ],
)
async def test_enter_names_the_file_in_the_prompt_and_esc_nothing(
    typed: str, keys: tuple[str, ...], prompt: str
) -> None:
    async with at_work() as person:
        await searches(person)
        await person.sees("stands in 2 lines")
        await person.press(*keys)
        await person.until(lambda: not isinstance(person.app.screen, Picker), "the list closed")
        await person.until(lambda: person.prompt.text == prompt and person.prompt.has_focus, "the mention")


async def test_a_pattern_that_is_refused_comes_back_to_be_put_right() -> None:
    async with at_work() as person:
        person.session.errors["search"] = UsageError("The pattern ( is not closed.")
        await searches(person, wanted="--regex (")
        await person.until(lambda: "The pattern ( is not closed." in person.transcript)
        assert person.prompt.text == "/search --regex ("


async def test_at_60_columns_the_footer_names_enter_and_a_long_path_leaves_room_for_the_line() -> None:
    path = "src/some/very/deep/package/of/a/large/repository/with/long/names/module.py"
    async with at_work(size=(60, 20)) as person:
        await searches(person, Found((Match(path, 123, "def greet(name):", 4, 9), *LINES.matches)))
        await person.sees("names/module.py:123: def greet(name):")
        assert "greet.py:1: def greet(name):" in person.screen
        assert "Up, Down choose · Enter names the file · Esc back" in person.footer


@pytest.mark.parametrize("path", ["a" * 200, "日本語" * 60, "e\u0301" * 150])
async def test_a_path_of_any_width_is_cut_at_its_beginning(path: str) -> None:
    async with at_work(size=(60, 20)) as person:
        await searches(person, Found((Match(f"{path}.py", 7, "x" * 300, 0, 1),)))
        await person.sees(".py:7: xxxxxxxxxxxxxxxxxxxxxxx")
        row = next(row for row in person.screen.splitlines() if ".py:7: x" in row)
        assert "› …" in row
        assert row.rstrip().endswith("…")


async def test_what_is_typed_meanwhile_keeps_its_keys() -> None:
    async with at_work() as person:
        person.session.held = threading.Event()
        await searches(person)
        await person.types("make it")
        person.session.held.set()
        await person.until(lambda: "Search again to see them." in person.transcript)
        assert person.prompt.text == "make it"
        assert not isinstance(person.app.screen, Picker)


async def test_a_text_that_stands_nowhere_and_a_result_that_was_cut_are_said() -> None:
    async with at_work() as person:
        await searches(person, Found(()), "nonsense")
        await person.until(lambda: "“nonsense” stands in no file here." in person.transcript)
        await searches(person, Found(LINES.matches, "These are the first 2 lines; there are more."))
        await person.sees("there are more.")


async def test_no_line_of_a_file_steers_the_terminal_or_the_screen() -> None:
    everything = "".join(PAYLOADS.values()).replace("\n", "")
    async with at_work(size=(120, 30)) as person:
        person.takes_the_net_away()
        await searches(person, Found((Match(everything, 1, everything, 2, 40),)), "evil")
        await person.sees("stands in 1 line.")
        assert unsafe(person.screen) == set()
        await person.press("escape")
        await person.until(lambda: not isinstance(person.app.screen, Picker))
