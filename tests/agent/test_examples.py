"""Answers that never come to an end because they show how their code is used."""

from __future__ import annotations

import pytest

from continual_code.agent.formats import up_to_its_examples

BEFORE = "def one():\n    return 1\n"
CODE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
EXAMPLES = "\n# Example usage:\nresult = two()\n" + "print(two() == result)\n" * 4
BEGUN = "print(two() =="


@pytest.mark.parametrize("tail", [EXAMPLES, EXAMPLES + BEGUN, "\nprint(\n    two(),\n)\nprint(\n    two(),"])
def test_the_code_is_taken_without_the_examples(tail: str) -> None:
    assert up_to_its_examples(f"```python\n{CODE}{tail}", "numbers.py", BEFORE) == CODE


def test_what_the_file_had_there_stays() -> None:
    main = "\n\nmain = one()\nprint(main)\n"
    answer = f"```python\n{CODE}{main}{EXAMPLES}{BEGUN}"
    assert up_to_its_examples(answer, "numbers.py", BEFORE + main) == CODE + main


@pytest.mark.parametrize(
    "answer",
    [
        f"```python\n{CODE}",
        f"```python\n{CODE}\n\ndef three():\n    return 3\n    return 3\n    ret",
        f"```python\n{CODE}TABLE = [1]\nTABLE_2 = [1]\nTABLE_3 = [1",
        f"```python\n{EXAMPLES}{BEGUN}",
        f"```python\n{CODE}{EXAMPLES}```\nAnd so on. And so on.",
        f"```python\n{CODE}{EXAMPLES}(" + "\n(" * 9,
        f"File: other.py\n```python\n{CODE}{EXAMPLES}",
        "And so on. And so on.",
    ],
)
def test_an_answer_that_goes_on_about_something_else_is_no_edit(answer: str) -> None:
    assert up_to_its_examples(answer, "numbers.py", BEFORE, ["other.py"]) is None


def test_where_no_language_is_known_nobody_can_tell_the_end() -> None:
    assert up_to_its_examples(f"```\n{CODE}{EXAMPLES}", "notes.txt", BEFORE) is None
