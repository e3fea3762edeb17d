"""What of a file that a person edited is shown as the better answer, where the model answered one symbol."""

from __future__ import annotations

import pytest

from continual_code.agent.formats.excerpt import excerpt

ONE = "def one():\n    return 1"
TWO = "def two():\n    return 2"
CLASS = "class Box:\n    def open(self):\n        return True\n\n    def close(self):\n        return False"
BEFORE = f"import math\n\n\n{ONE}\n\n\n{TWO}\n\n\n{CLASS}\n"


def edited(*changes: tuple[str, str]) -> str:
    text = BEFORE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def part(answer: str, text: str, path: str = "box.py") -> str:
    return excerpt(text, BEFORE, f"Here it is:\n```python\n{answer}\n```", path)


def test_the_symbol_that_was_answered_is_taken_as_the_person_has_it() -> None:
    assert part("def one():\n    return 7", edited(("return 1", "return 10"))) == "def one():\n    return 10\n"


def test_what_else_was_changed_stays_out_and_what_is_new_comes_along() -> None:
    text = edited(("return 1", "return TEN()"), ("return 2", "return 20"), ("import math", "import math\nimport re"))
    text += "\n\ndef TEN():\n    return 10\n"
    expected = "import re\n\ndef one():\n    return TEN()\n\ndef TEN():\n    return 10\n"
    assert part("def one():\n    return 7", text) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("    def open(self):\n        return 1", "    def open(self):\n        return 3\n"),
        ("def open(self):\n    return 1", "def open(self):\n    return 3\n"),
        ("class Box:\n    def open(self):\n        return 1", "def open(self):\n    return 3\n"),
    ],
)
def test_a_method_is_taken_however_it_was_answered(answer: str, expected: str) -> None:
    assert part(answer, edited(("return True", "return 3"))) == expected


def test_a_class_that_was_answered_as_a_whole_is_taken_as_a_whole() -> None:
    text = edited(("return True", "return 3"))
    assert part(CLASS, text) == CLASS.replace("return True", "return 3") + "\n"


@pytest.mark.parametrize("answer", ["def gone():\n    return 1", "x = (", ""])
def test_where_nothing_of_the_answer_is_in_the_file_all_of_it_is_shown(answer: str) -> None:
    assert part(answer, edited(("return 1", "return 10"))) == edited(("return 1", "return 10"))


def test_so_it_is_where_no_language_is_known() -> None:
    assert part("def one():\n    return 7", BEFORE, "box.txt") == BEFORE
