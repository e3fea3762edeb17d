"""The subject of a commit, out of what models really answer."""

from __future__ import annotations

import pytest

from continual_code.subjects import subject_in

ADD = "Add type hints to `Stack.push`"


@pytest.mark.parametrize(
    "answer",
    [
        ADD,
        f"{ADD}.",
        f'"{ADD}"',
        f"“{ADD}”",
        f"'{ADD}",
        f"**{ADD}**",
        f"```\n{ADD}\n```",
        f"```text\n{ADD}",
        f"Subject: {ADD}",
        f"**Subject:** {ADD}",
        f'Commit message: "{ADD}"\n\nThis commit adds hints.',
        f"Here is the subject line:\n\n- {ADD}",
        f"# {ADD}",
        f"\x1b {ADD}\x07\u202e",
        "Add   type\thints to `Stack.push`",
        f"+def push(self):\n{ADD}",
    ],
)
def test_the_subject_is_found_whatever_surrounds_it(answer: str) -> None:
    assert subject_in(answer) == ADD


def test_quotes_around_a_whole_line_go_and_those_within_it_stay() -> None:
    assert subject_in("`Add hints to push`") == "Add hints to push"
    assert subject_in("```Add hints```") == "Add hints"
    assert subject_in("`a` becomes `b`") == "`a` becomes `b`"
    assert subject_in('"Don\'t print"') == "Don't print"
    assert subject_in("fix: close the file") == "fix: close the file"


@pytest.mark.parametrize(
    "answer", ["", "\n \n", "```", "```python\n```", "12345", '"" …', "Sure, here it is:", "@@ -1 +1 @@"]
)
def test_what_is_no_subject_is_none(answer: str) -> None:
    assert subject_in(answer) == ""


def test_a_long_one_is_cut_after_a_word_and_one_long_word_somewhere() -> None:
    cut = subject_in("word " * 40)
    assert cut == "word " * 14 + "…"
    assert len(subject_in("x" * 200)) == 72
