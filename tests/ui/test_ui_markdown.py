"""An answer gets its colours while it comes, and not one character of it changes by that."""

from __future__ import annotations

import pytest
from hostile import PAYLOADS
from person import Person, at_work

from continual_code.events import NoEdit, Recorded, Started, Streamed, Task, Verdict
from continual_code.ui.clean import clean
from continual_code.ui.markdown import LONGEST_OPEN, painted, settled

ANSWER = """\
# Greeting

Some **bold** words with `code` in them.

```python
def greet(name: str) -> str:
    \"\"\"A docstring
    that says: def is a word
    \"\"\"
    return name
```
"""


async def streams(person: Person, text: str, size: int = 5) -> None:
    person.session.play(Started(Task("x"), 1, 2), *(Streamed(text[at : at + size]) for at in range(0, len(text), size)))
    await person.until(lambda: person.transcript.endswith(clean(text)), "the answer")


def styles(person: Person, line: str) -> dict[str, str]:
    """The parts of a transcript's line that have a style, and which."""
    content = next(each for each in person.app.main.transcript._lines if each.plain == line)
    return {content.plain[span.start : span.end]: str(span.style) for span in content.spans}


async def test_an_answer_is_coloured_while_it_comes() -> None:
    async with at_work() as person:
        await streams(person, ANSWER.partition("    return")[0])
        assert styles(person, "# Greeting")["# Greeting"] != "$text"
        assert styles(person, "Some **bold** words with `code` in them.")["**bold**"] == "bold"
        assert "def" in styles(person, "def greet(name: str) -> str:")
        assert "def" not in styles(person, "    that says: def is a word")


async def test_what_is_said_between_two_pieces_is_not_taken_for_a_part_of_the_answer() -> None:
    async with at_work() as person:
        await streams(person, "```python\nimport sys\n")
        person.session.play(
            Recorded(Verdict("p0", "reject", "**no**"), None), Streamed("def greet():\n"), Streamed("x")
        )
        await person.until(lambda: person.transcript.endswith("x"))
        assert "def" in styles(person, "def greet():")
        assert "bold" not in styles(person, "✗ rejected p0: **no**").values()


async def test_a_block_that_grows_long_waits_for_its_colours_until_the_answer_ends() -> None:
    lines = "".join(f"value_{number} = {number}  # fine\n" for number in range(LONGEST_OPEN // 10))
    async with at_work() as person:
        await streams(person, f"```python\n{lines}", size=20_000)
        assert styles(person, "value_790 = 790  # fine") == {}
        person.session.play(NoEdit(Task("x"), "no file"))
        await person.until(lambda: "no file" in person.transcript)
        assert "# fine" in styles(person, "value_790 = 790  # fine")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_not_a_character_changes(payload: str) -> None:
    text = clean(f"{payload}\n```{payload}\n[bold]{payload}[/]\n``` {payload}\n\t# {payload}\n\n")
    lines = text.split("\n")
    for end in range(1, len(lines) + 1):
        assert [content.plain for content in painted(lines[:end])] == lines[:end]


def test_what_is_settled_looks_the_same_whatever_comes_after_it() -> None:
    lines = ANSWER.split("\n")
    for end in range(len(lines)):
        done = settled(lines[:end])
        assert painted(lines)[:done] == painted(lines[:end])[:done]
    assert settled(["```", "", "x"]) == 0
    assert settled(["a", "", "b"]) == 2
