"""What an answer leaves out of a file that it should add to stays where it was."""

from __future__ import annotations

import pytest

from continual_code.agent.formats import with_what_it_lost
from continual_code.agent.formats.additions import adds_nothing

STORE = (
    "import json\nimport os\n\n\n"
    "def load(path):\n    with open(path) as file:\n        return json.load(file)\n\n\n"
    "# Nothing is said of directories.\n"
    "def exists(path):\n    return os.path.isfile(path)\n\n\n"
    "def size(path):\n    return len(load(path))\n"
)
LOAD, EXISTS, SIZE = STORE.removeprefix("import json\nimport os\n\n\n").rstrip("\n").split("\n\n\n")
NAMES = "def names(path):\n    return sorted(load(path))"
TASK = "Add a function names(path) that returns the sorted keys."


def file(*parts: str) -> str:
    return "\n\n\n".join(parts) + "\n"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (file("import json\nimport os", LOAD, SIZE, NAMES), file("import json\nimport os", LOAD, EXISTS, SIZE, NAMES)),
        (file("import json\nimport os", LOAD, NAMES), file("import json\nimport os", LOAD, EXISTS, SIZE, NAMES)),
        (file("import os", EXISTS, NAMES), file("import os\nimport json", LOAD, EXISTS, SIZE, NAMES)),
        (file("import json", LOAD, NAMES, SIZE), file("import json\nimport os", LOAD, EXISTS, NAMES, SIZE)),
    ],
    ids=["one between", "two", "the first, and its import", "behind its neighbour"],
)
def test_definitions_are_put_back_in_their_order_with_the_imports_that_they_need(answer: str, expected: str) -> None:
    assert with_what_it_lost(STORE, answer, "store.py", TASK) == expected


def test_what_the_answer_changes_stays_changed() -> None:
    utf8 = LOAD.replace("open(path)", "open(path, encoding='utf-8')")
    restored = with_what_it_lost(STORE, file("import json", utf8, NAMES), "store.py", TASK)
    assert restored.count("encoding='utf-8'") == 1
    assert "def size" in restored
    assert "# Nothing is said of directories.\ndef exists" in restored


def test_another_line_end_is_kept() -> None:
    windows = STORE.replace("\n", "\r\n")
    restored = with_what_it_lost(
        windows, file("import json\nimport os", LOAD, NAMES).replace("\n", "\r\n"), "a.py", TASK
    )
    assert restored == file("import json\nimport os", LOAD, EXISTS, SIZE, NAMES).replace("\n", "\r\n")


def test_other_languages_too() -> None:
    before = "function one() {\n  return 1;\n}\n\nfunction two() {\n  return 2;\n}\n"
    answer = "function two() {\n  return 2;\n}\n\nfunction three() {\n  return 3;\n}\n"
    assert with_what_it_lost(before, answer, "a.js", "Add a function three().") == (
        "function one() {\n  return 1;\n}\n\nfunction two() {\n  return 2;\n}\n\nfunction three() {\n  return 3;\n}\n"
    )


@pytest.mark.parametrize(
    ("answer", "task"),
    [
        (file(LOAD, NAMES), "Add a function names(path) and remove exists and size."),
        (file(LOAD, NAMES), "Use names where it fits."),
        (file(LOAD, SIZE), TASK),  # nothing new: who knows what it is
        (file(NAMES), TASK),  # nothing old: see `with_addition`
        (file(LOAD, "def names(path:\n    return 1"), TASK),
    ],
    ids=["to be removed", "nothing to add", "nothing new", "nothing old", "broken"],
)
def test_any_other_answer_stays_as_it_is(answer: str, task: str) -> None:
    assert with_what_it_lost(STORE, answer, "store.py", task) == answer


@pytest.mark.parametrize(
    ("code", "task", "expected"),
    [
        (STORE, TASK, True),
        (file(LOAD), "Write tests for load.", True),
        (file(STORE, NAMES), TASK, False),
        (NAMES, TASK, False),
        (file(STORE, "def keys(path):\n    return 1"), TASK, False),  # under another name
        (STORE, "Sort the keys.", False),
        (STORE, "Implement the function size(path).", False),  # it is there, and may be changed
        (file(LOAD, "def names(path:"), TASK, False),
    ],
)
def test_an_answer_adds_nothing_where_something_new_is_asked_for_and_it_is_not_there(
    code: str, task: str, expected: bool
) -> None:
    assert adds_nothing(task, STORE, code, "store.py") is expected


def test_of_another_language_than_those_that_are_read_nothing_is_said() -> None:
    assert not adds_nothing(TASK, "x", "x", "notes.txt")
