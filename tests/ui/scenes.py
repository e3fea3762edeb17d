"""The screens of which there are snapshots, each as a person comes to it. Nothing in them depends on where and when."""

from __future__ import annotations

from person import Person
from scripted import credited, learned, lesson, proposal, retried

from continual_code.events import Answer, Compared, Credited, Edit, LearnerState, Proposed, Started, Task

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


SCENES = {"review": review, "before-after": before_after, "ab": ab, "lessons": lessons, "credit": credit, "help": help}
