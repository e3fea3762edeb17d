"""An answer that holds only what is new is added to the file; one that drops something else is refused."""

from __future__ import annotations

import pytest

from continual_code.agent.formats import check, with_addition
from continual_code.agent.targets import asks_to_add
from continual_code.errors import ProposalError

STATS = '"""Small statistics helpers."""\n\n\ndef mean(values):\n    return sum(values) / len(values)\n'
MEDIAN = "def median(values):\n    return sorted(values)[len(values) // 2]\n"
TASK = "Add a function median(values) that returns the middle value."


def test_the_new_function_alone_is_added_below_the_old_ones():
    added = with_addition(STATS, MEDIAN, "stats.py")
    assert added == f"{STATS}\n\n{MEDIAN}"
    check(STATS, added, "stats.py", task=TASK)


def test_an_import_that_it_brings_goes_to_the_top():
    added = with_addition(STATS, f"import math\n\n\n{MEDIAN}", "stats.py")
    assert added is not None
    assert added.index("import math") < added.index("def mean") < added.index("def median")


def test_a_javascript_function_is_added_too():
    before = "function mean(values) {\n  return 0;\n}\n"
    added = with_addition(before, "function median(values) {\n  return 1;\n}\n", "stats.js")
    assert added is not None
    assert "function mean" in added
    assert "function median" in added


@pytest.mark.parametrize(
    ("before", "code", "path"),
    [
        (STATS, STATS + MEDIAN, "stats.py"),  # the whole file, as asked
        (STATS, "def mean(values):\n    return 0\n", "stats.py"),  # an old one, changed
        (STATS, "LIMIT = 3\n", "stats.py"),
        ("LIMIT = 3\n", MEDIAN, "settings.py"),  # nothing to lose
        ("# Notes\n", "## More\n", "notes.md"),
    ],
    ids=["whole", "changed", "no definition", "none before", "prose"],
)
def test_any_other_answer_is_read_as_the_whole_file(before: str, code: str, path: str):
    assert with_addition(before, code, path) is None


def test_an_answer_that_drops_a_function_where_one_is_to_be_added_is_refused():
    two = f"{STATS}\n\ndef spread(values):\n    return max(values) - min(values)\n"
    with pytest.raises(ProposalError, match="drops 1 of 2 definitions"):
        check(two, f"{STATS}\n\n{MEDIAN}", "stats.py", task=TASK)
    check(two, f"{STATS}\n\n{MEDIAN}", "stats.py", task="Add a function median(values) and remove spread.")


def test_a_class_written_in_another_way_drops_nothing():
    before = "class Point:\n    def __init__(self, x):\n        self.x = x\n"
    after = "@dataclass\nclass Point:\n    x: int\n\n\n@dataclass\nclass Line:\n    a: Point\n"
    check(before, after, "shapes.py", task="Add a class Line(a) for a line.")


@pytest.mark.parametrize(
    ("task", "adds"),
    [
        (TASK, True),
        ("Write a test for mean.", True),
        ("Rename mean to average.", False),
        ("Make mean return 0 for an empty list.", False),
    ],
)
def test_which_tasks_ask_for_something_new(task: str, adds: bool):
    assert asks_to_add(task) is adds
