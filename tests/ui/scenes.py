"""The screens of which there are snapshots, each as a person comes to it. Nothing in them depends on where and when."""

from __future__ import annotations

from person import Person
from scripted import credited, learned, lesson, proposal, retried

from continual_code.events import (
    Answer,
    Compared,
    Credited,
    Edit,
    Found,
    LearnerState,
    Match,
    Proposed,
    RunEnded,
    RunStarted,
    Started,
    Streamed,
    Task,
)
from continual_code.past import Point
from continual_code.port import TrustQuestion
from continual_code.ui.screens.confirm import Confirm
from continual_code.ui.screens.picker import Picker
from continual_code.ui.screens.trust import TrustScreen

BEFORE = """\
import sys


def greet(name, polite=False):
    print('hi ' + name)
    return name


def total(prices, tax):
    \"\"\"Sum.\"\"\"
    result = 0
    for p in prices:
        result += p
    return result * tax
"""
AFTER = """\
import sys


def greet(name: str, polite: bool = False) -> str:
    print(f"hello {name}")
    return name


def total(prices: list[float], tax: float) -> float:
    \"\"\"Sum of the prices with tax.\"\"\"
    if not prices:
        raise ValueError("There are no prices to add up, so there is no total")
    result = 0.0
    for price in prices:
        result += price
    return result * (1 + tax)
"""
ANSWER = (
    ("```", 0.0), ("python", 0.0), ("\n", 0.0), ("import", -0.7), (" sys", -0.1), ("\n\n\n", 0.0), ("def", 0.0),
    (" greet", 0.0), ("(", 0.0), ("name", 0.0), (",", -3.4), (" polite", 0.1), ("=False", -2.2), ("):", -4.1),
    ("\n   ", 0.0), (" print", 0.0), ("('", -0.2), ("hi", 0.0), (" '", -0.3), (" +", -0.4), (" name", 0.0), (")", 0.0),
    ("\n   ", 0.2), (" return", 0.0), (" name", 0.0), ("\n\n", -0.9), ("```", 0.3), ("<|im_end|>", 0.0),
)  # fmt: skip
TASK = "add type hints to everything in shop.py and refuse an empty list"


async def review(person: Person) -> None:
    """The card of a proposal, with the second hunk marked as not wanted."""
    offered = proposal(path="src/shop.py", before=BEFORE, after=AFTER, text=TASK, left_out=("src/tax.py",))
    person.session.play(Started(Task(TASK), 1_200, 4_096), Proposed(offered))
    await person.review_opens()
    person.clock.pass_grace()
    await person.settles()
    await person.press("]", "space", "[")


async def before_after(person: Person) -> None:
    """A rejected task, asked again after the lesson; the new answer waits for its verdict."""
    halfway = AFTER.replace(" -> str", "").replace(" -> float", "")
    first = proposal(path="src/shop.py", before=BEFORE, after=halfway, text=TASK)
    again = proposal("p2", "src/shop.py", BEFORE, AFTER, text=TASK, retry_of="p1", revision=4)
    person.session.play(learned(), Proposed(again), retried(before=first, after=again))
    await person.sees("p2")
    person.clock.pass_grace()
    await person.settles()


async def ab(person: Person) -> None:
    """What the base and the revision that serves answer to one prompt."""
    halfway = AFTER.replace(" -> str", "").replace(" -> float", "")
    base = Answer(0, (), Edit("src/shop.py", BEFORE, halfway))
    head = Answer(3, ("l3",), Edit("src/shop.py", BEFORE, AFTER))
    person.session.play(Compared(Task(TASK), base, head, ("use f-strings, never plus",)))
    await person.sees("answer differently")
    person.clock.pass_grace()
    await person.settles()


async def lessons(person: Person) -> None:
    """What was taught, with every way in which a lesson can end."""
    person.session.lesson_list = [
        lesson("l5", "", status="pending", revision=None, gap=None, loss_before=None, loss_after=None, seconds=None),
        lesson("l4", "thanks, nice work", status="no_signal", revision=None, reason="the remark is not about the code"),
        lesson("l3", "Always add type hints to every parameter and the return value, in tests as well."),
        lesson("l2", "wrong file", status="memory", revision=None, reason="the weights cannot learn it from this"),
        lesson("l1", "use f-strings, never plus", status="undone"),
    ]
    await person.press("f4")
    await person.sees("l5")
    await person.press("down", "down")
    await person.settles()


async def credit(person: Person) -> None:
    """What the comment says of each token, opened at the prompt while the lesson is learned."""
    comment = "Always add type hints to every parameter and the return value, in tests as well."
    person.session.lesson_list = [lesson("l3", comment, status="pending", revision=None)]
    event: Credited = credited("l3", *zip(*ANSWER, strict=True))
    person.session.credits["l3"] = event
    person.session.play(LearnerState("learning", "l3"), event)
    await person.sees("what you wrote argues most against")
    await person.types("/credit")
    await person.press("enter")
    await person.sees("in favour")
    await person.settles()


async def help(person: Person) -> None:
    """All keys and commands."""
    await person.press("f1")
    await person.settles()


async def working(person: Person) -> None:
    """The main screen: an answer streams in while a lesson is learned, tests have failed, and a message waits."""
    failed = ("FAILED tests/test_shop.py::test_total - AssertionError: 3 != 4", "1 failed, 12 passed in 0.31s")
    person.session.play(
        RunStarted("tests", "make test"), RunEnded("tests", "make test", "exited", 1, 0.4, failed, 2, 3),
        Started(Task(TASK), 1_200, 4_096), LearnerState("learning", "l3", 1, "rewriting", 3.1),
        Streamed("Here is **all** of `shop.py`:\n\n```python\nimport sys\n\n\ndef greet(name: str):\n    print("),
    )  # fmt: skip
    await person.sees("print(")
    await person.types("then sort the imports")
    await person.press("enter")
    await person.sees("then sort the imports")
    await person.settles()


async def welcome(person: Person) -> None:
    """Nothing was asked yet."""
    await person.sees("Ask for a change.")


async def comment(person: Person) -> None:
    """A proposal is being rejected, and the reason is half typed."""
    await review(person)
    await person.press("n")
    await person.types("the tax belongs into the sum")
    await person.settles()


async def editor(person: Person) -> None:
    """A proposal is being changed by hand before it is accepted."""
    await review(person)
    await person.press("e")
    await person.sees("Ctrl+S accepts this text")
    await person.settles()


async def commands(person: Person) -> None:
    """What a slash completes to."""
    await person.types("/")
    await person.sees("/ab")
    await person.settles()


async def palette(person: Person) -> None:
    """Ctrl+P, looking for a command."""
    await person.press("ctrl+p")
    await person.types("rew")
    await person.until(lambda: "earlier task" in person.screen)
    await person.settles()


async def history(person: Person) -> None:
    """Ctrl+R, looking for an earlier task."""
    for text in ("add a total", "sort the imports", TASK):
        await person.types(text)
        await person.press("enter")
    await person.press("ctrl+r")
    await person.types("so")
    await person.sees("sort the imports")
    await person.settles()


async def search(person: Person) -> None:
    """The lines that hold a text."""
    lines = ("def greet(name, polite=False):", "    return greet(name)", "greet('you')")
    person.session.found = Found(tuple(Match("src/shop.py", at * 7 + 1, line, 4, 9) for at, line in enumerate(lines)))
    await person.types("/search greet")
    await person.press("enter")
    await person.sees("stands in 3 lines")
    await person.settles()


async def rewind(person: Person) -> None:
    """The tasks that can be gone back to."""
    person.session.point_list = [
        Point("t1", Task("greet politely")), Point("p1", Task("greet politely"), "src/shop.py"),
        Point("t2", Task(TASK)),
    ]  # fmt: skip
    await person.types("/rewind")
    await person.press("enter")
    await person.until(lambda: isinstance(person.app.screen, Picker), "the list")
    await person.settles()


async def commit(person: Person) -> None:
    """The message of a commit, to be changed before it is made."""
    await person.press("f7")
    await person.sees("Ctrl+S commits")
    await person.settles()


async def shell(person: Person) -> None:
    """The question before the first command of the person's own runs."""
    await person.types("! git log --oneline")
    await person.press("enter")
    await person.until(lambda: isinstance(person.app.screen, Confirm), "the question")
    await person.settles()


async def trust(person: Person) -> None:
    """The question about a project's own settings."""
    question = TrustQuestion("/project/.continual-code.toml", ("tests.command = 'make check'", "learning.anchors = 3"))
    person.app.push_screen(TrustScreen(person.app, question))
    await person.sees("Trust the settings")
    person.clock.pass_grace()
    await person.settles()


async def no_lessons(person: Person) -> None:
    """The list before anything was taught."""
    await person.press("f4")
    await person.until(lambda: person.app.screen is not person.app.main)
    await person.settles()


SCENES = {
    "review": review, "before-after": before_after, "ab": ab, "lessons": lessons, "credit": credit, "help": help,
    "working": working, "welcome": welcome, "comment": comment, "editor": editor, "commands": commands,
    "palette": palette, "history": history, "search": search, "rewind": rewind, "commit": commit, "shell": shell,
    "trust": trust, "no-lessons": no_lessons,
}  # fmt: skip
