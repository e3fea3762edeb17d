"""/model: which models there are, and leaving for one of them."""

from __future__ import annotations

from person import Person, at_work

from continual_code.port import Switch


async def asks_which(person: Person) -> None:
    await person.types("/model")
    await person.press("enter")
    await person.sees("Which model goes on?")


async def test_a_list_says_what_serves_and_what_is_there_and_a_choice_leaves_for_it() -> None:
    async with at_work() as person:
        await asks_which(person)
        for words in ("tiny-coder", "serves", "big-coder", "installed", "a tiny one", "each has lessons of its own"):
            assert words in person.screen, words
        await person.press("down")
        await person.sees("a [bold]big")
        await person.press("enter")
        await person.until(lambda: person.app.return_value == Switch("big-coder", "s3"))


async def test_esc_leaves_the_list_and_everything_as_it_is() -> None:
    async with at_work() as person:
        await asks_which(person)
        await person.press("escape")
        await person.until(lambda: "Which model" not in person.screen)
        assert person.app.is_running
        assert person.app.return_value is None


async def test_a_model_can_be_named_at_once_and_an_unknown_one_closes_nothing() -> None:
    async with at_work() as person:
        await person.types("/model nonsense")
        await person.press("enter")
        await person.until(lambda: "No model is called nonsense." in person.transcript)
        assert person.prompt.text == "/model nonsense"
        await person.press("ctrl+u")
        await person.types("/model big-coder")
        await person.press("enter")
        await person.until(lambda: person.app.return_value == Switch("big-coder", "s3"))
