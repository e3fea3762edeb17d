"""What is refused before a person has to read it, and what is not."""

from __future__ import annotations

import pytest

from continual_code.agent.formats import check, fit
from continual_code.errors import ProposalError

FUNCTIONS = [f"def step_{n}(value):\n    total = value + {n}\n    return total\n" for n in range(10)]
BEFORE = "\n\n".join(FUNCTIONS)
CHANGED = BEFORE.replace("value + 3", "value * 3")


def refusal(before: str | None, after: str, path: str = "app.py", task: str = "make step_3 multiply") -> str:
    with pytest.raises(ProposalError) as caught:
        check(before, after, path, task=task)
    return caught.value.what


def test_a_whole_and_valid_edit_passes() -> None:
    check(BEFORE, CHANGED, "app.py", task="make step_3 multiply")


@pytest.mark.parametrize("after", ["", "\n\n", "   \n"])
def test_no_text_is_refused(after: str) -> None:
    assert "nothing in app.py" in refusal(BEFORE, after)


def test_an_unchanged_file_is_refused() -> None:
    assert "nothing changed" in refusal(BEFORE, BEFORE)


def test_fence_marks_alone_are_refused() -> None:
    assert "only fence marks" in refusal(None, "```python\n```\n")


def test_a_stray_fence_in_the_code_is_refused() -> None:
    assert "Markdown fences" in refusal("a: 1\n", "a: 2\n```\n", "settings.yaml")


def test_a_fence_in_a_docstring_passes() -> None:
    check("X = 1\n", '"""Use:\n\n```\nrun\n```\n"""\nX = 1\n', "app.py", task="document it")


@pytest.mark.parametrize("after", ["Sure\n", "not_done\n"])
def test_a_word_that_parses_is_not_a_file(after: str) -> None:
    assert "prose" in refusal("import os\n", after)


def test_prose_does_not_compile() -> None:
    assert "does not compile" in refusal("import os\n", "I changed the import.\n")


ELISIONS = [
    "# ... rest unchanged",
    "# ... (rest of the code remains the same)",
    "# … existing code …",
    "# existing code ...",
    "# rest of the file",
    "# The rest of the class remains unchanged.",
    "# remaining methods stay the same",
    "# other methods here",
    "# same as before",
    "# omitted for brevity",
    "# your code here",
    "# Add your implementation here",
    "# ... keep the previous implementation",
    "...",
]


@pytest.mark.parametrize("line", ELISIONS)
def test_a_placeholder_for_code_is_refused(line: str) -> None:
    after = CHANGED.replace("    total = value + 7\n    return total\n", f"    {line}\n    return value\n")
    assert "leaves code out" in refusal(BEFORE, after)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app.js", "// ... existing code"),
        ("app.js", "/* rest of the functions */"),
        ("app.js", "  ..."),
        ("app.tsx", "{/* ... existing code ... */}"),
        ("page.html", "<!-- ... rest unchanged -->"),
        ("query.sql", "-- ... rest of the file"),
        ("notes.md", "(rest of the file unchanged)"),
        ("notes.md", "... rest of the content remains the same"),
    ],
)
def test_a_placeholder_is_refused_in_other_languages(path: str, line: str) -> None:
    assert "leaves code out" in refusal("one\ntwo\n", f"one\n{line}\n", path)


@pytest.mark.parametrize(
    "line",
    [
        "# keep the existing code path for version 1",
        "# Waiting for the rest of the bytes",
        "# the same lock guards both",
        "# other functions call this with None",
        "# parse here, not in the caller",
        "x = [*value, ...]",
    ],
)
def test_an_ordinary_comment_is_no_placeholder(line: str) -> None:
    check(BEFORE, CHANGED.replace("    total = value + 7", f"    {line}\n    total = value + 7"), "app.py", task="go")


def test_a_placeholder_that_the_file_had_already_passes() -> None:
    before = "# ... rest unchanged\nX = 1\n"
    check(before, before.replace("1", "2"), "app.py", task="go")


@pytest.mark.parametrize(
    "after",
    [
        "from typing import Protocol\n\n\nclass Reader(Protocol):\n    def read(self) -> str: ...\n",
        "from abc import abstractmethod\n\n\nclass Reader:\n    @abstractmethod\n    def read(self) -> str: ...\n",
        "class Refused(Exception): ...\n",
    ],
)
def test_a_stub_where_python_expects_one_passes(after: str) -> None:
    check(None, after, "app.py", task="add a reader")


def test_dots_for_a_body_are_refused_and_named() -> None:
    after = CHANGED.replace("    total = value + 7\n    return total\n", "    ...\n")
    assert "step_7" in refusal(BEFORE, after)


def test_losing_most_of_a_file_is_refused() -> None:
    assert "keeps 12 of 30 lines" in refusal(BEFORE, "\n\n".join(FUNCTIONS[:4]).replace("+ 3", "* 3"))


def test_losing_most_definitions_is_refused_although_the_length_is_kept() -> None:
    padded = "\n\n".join(FUNCTIONS[:4]) + "\n" + "".join(f"CONSTANT_{n} = {n}\n" for n in range(18))
    assert "drops 6 of 10 definitions" in refusal(BEFORE, padded)


@pytest.mark.parametrize("task", ["remove all steps but three", "Simplify this", "split it in two", "delete the rest"])
def test_losing_lines_passes_when_the_task_asks_for_it(task: str) -> None:
    check(BEFORE, "\n\n".join(FUNCTIONS[:3]), "app.py", task=task)


def test_renaming_every_definition_loses_nothing() -> None:
    check(BEFORE, BEFORE.replace("step_", "stage_"), "app.py", task="call them stages")


def test_a_short_file_may_shrink() -> None:
    check("a = 1\nb = 2\nc = 3\nd = 4\n", "a = [1, 2, 3, 4]\n", "app.py", task="use a list")


def test_one_line_over_and_over_is_refused() -> None:
    assert "1 line(s) 12 times" in refusal(BEFORE, CHANGED + "print(step_1(1))\n" * 12)


def test_a_block_over_and_over_is_refused() -> None:
    assert "3 line(s) 6 times" in refusal(BEFORE, CHANGED + "\n\n" + FUNCTIONS[1] * 6)


def test_a_loop_in_the_middle_is_refused_too() -> None:
    assert "times" in refusal(BEFORE, "LIMIT = 1\n" * 9 + CHANGED)


def test_a_repetition_that_the_file_had_already_passes() -> None:
    before = "X = [\n" + "    [0, 10, 0],\n" * 20 + "]\n"
    check(before, before + "Y = 1\n", "app.py", task="add Y")


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("app.py", "x = 1\n", "def f(:\n"),
        ("app.py", "x = 1\n", "return 1\n"),
        ("app.py", "x = 1\n", "x = '\0'\n"),
        ("app.py", "x = 1\n", "x = " + "(" * 500 + "\n"),
        ("data.json", '{"a": 1}\n', '{"a": 1,}\n'),
        ("pyproject.toml", "a = 1\n", "a =\n"),
        ("app.js", "const a = 1;\n", "const a = {;\n"),
        ("app.ts", "const a = 1;\n", "const a: = 1;\n"),
        ("app.go", "package a\n", "package a\n\nfunc f( {\n"),
        ("app.rs", "fn f() {}\n", "fn f() {\n"),
        ("App.java", "class App {}\n", "class App { int f( }\n"),
    ],
)
def test_what_does_not_compile_is_refused(path: str, before: str, after: str) -> None:
    assert "does not compile" in refusal(before, after, path)
    assert "does not compile" in refusal(None, after, path)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("app.py", "def f(:\n", "def g(:\n"),
        ("data.json", "{'a': 1}\n", "{'a': 2}\n"),
        ("app.js", "const a = {;\n", "const b = {;\n"),
    ],
)
def test_a_file_that_was_broken_may_stay_broken(path: str, before: str, after: str) -> None:
    check(before, after, path, task="rename")


def test_a_broken_script_may_not_get_worse() -> None:
    assert "does not compile" in refusal("const a = {;\n", "const a = {;\nfunction (] {}\nlet = ;;)\n", "app.js")


def test_a_byte_order_mark_is_not_a_fault() -> None:
    check("\ufeffx = 1\n", "\ufeffx = 2\n", "app.py", task="two")


def test_unknown_languages_are_not_judged_by_syntax() -> None:
    check("a\n", "b (\n", "notes.xyz", task="change it")


@pytest.mark.parametrize(
    ("before", "after", "fitted"),
    [
        ("a = 1\r\n", "a = 2\n", "a = 2\r\n"),
        ("a = 1", "a = 2\n", "a = 2"),
        ("\ufeffa = 1\n", "a = 2\n", "\ufeffa = 2\n"),
        ("a = 1\n\n\n", "a = 2\n", "a = 2\n\n\n"),
        ("a = 1\n", "# app.py\na = 2\n", "a = 2\n"),
        ("# app.py\na = 1\n", "# app.py\na = 2\n", "# app.py\na = 2\n"),
        ("", "a = 2\n", "a = 2\n"),
        (None, "a = 2\n", "a = 2\n"),
    ],
)
def test_an_answer_takes_on_the_habits_of_the_file(before: str | None, after: str, fitted: str) -> None:
    assert fit(before, after, "app.py") == fitted
