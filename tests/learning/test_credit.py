"""Which tokens are blamed for a hunk that the person does not want."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from continual_code.diffs import hunks_of
from continual_code.learning.alignment import departures
from continual_code.learning.credit import positions_of

BEFORE = "import os\n\n\ndef a(x):\n    return x\n\n\ndef b(y):\n    return y\n"
AFTER = "import os\nimport sys\n\n\ndef a(x):\n    return x\n\n\ndef b(y):\n    print(y)\n    return y\n"


def pieces_of(answer: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", answer)


def blamed(answer: str, *unwanted: int) -> str | None:
    pieces, hunks = pieces_of(answer), hunks_of(BEFORE, AFTER)
    positions = positions_of(pieces, [hunks[index].new_lines for index in unwanted])
    return None if positions is None else "".join(pieces[index] for index in sorted(positions))


def test_the_tokens_of_an_unwanted_hunk_are_blamed_and_no_others() -> None:
    answer = f"```python\n{AFTER}```"
    assert (blamed(answer, 0) or "").strip() == "import sys"
    assert (blamed(answer, 1) or "").strip() == "print(y)"
    assert "".join((blamed(answer, 0, 1) or "").split()) == "importsysprint(y)"


def test_a_method_that_was_answered_as_if_it_stood_alone_is_found() -> None:
    assert (blamed("```python\ndef b(y):\nprint(y)\nreturn y\n```", 1) or "").strip() == "print(y)"


@pytest.mark.parametrize("answer", ["```python\nsomething else\n```", ""])
def test_what_is_not_in_the_answer_cannot_be_told(answer: str) -> None:
    assert blamed(answer, 0) is None


def test_a_deletion_was_written_by_no_token() -> None:
    assert positions_of(["a", "\n", "b"], [()]) is None
    assert positions_of(["a", "\n", "b"], [("\n",)]) is None


def test_a_departure_outside_of_what_was_rejected_is_left_out() -> None:
    rejected, corrected = [1, 2, 3, 4, 5], [9, 2, 3, 8, 5]
    assert departures(rejected, corrected) == ([0, 3], [0, 3])
    assert departures(rejected, corrected, {3}) == ([3], [3])
    assert departures(rejected, corrected, frozenset()) == ([], [])


@given(st.lists(st.integers(0, 5), max_size=20), st.lists(st.integers(0, 5), max_size=20))
def test_blaming_every_token_leaves_out_nothing_that_has_one(rejected: list[int], corrected: list[int]) -> None:
    whole = departures(rejected, corrected)
    assert departures(rejected, corrected, range(len(rejected)))[0] == whole[0]
