"""Invisible differences: kept as they were, unless the task is about them."""

from __future__ import annotations

import time

import pytest

from continual_code.agent.formats import keep_spacing

BEFORE = '"""Shapes."""\n\n\ndef area(w, h):  \n    return w * h\n\n\ndef load(path):\n    return open(path)\n'
COPY = '"""Shapes."""\n\ndef area(w, h):\n    return w * h\n\ndef load(path):\n    return open(path)\n'


def test_a_copy_that_only_lost_space_is_the_file_as_it_was() -> None:
    assert keep_spacing(BEFORE, COPY, "add a function volume") == BEFORE


def test_a_real_change_stays_and_the_space_around_it_too() -> None:
    asked = COPY.replace("return open(path)", "return path.read_text()")
    expected = BEFORE.replace("return open(path)", "return path.read_text()")
    assert keep_spacing(BEFORE, asked, "use read_text") == expected


def test_new_lines_keep_the_space_that_they_bring() -> None:
    longer = COPY + "\n\ndef volume(w, h, d):\n    size = w * h * d\n\n    return size\n"
    assert keep_spacing(BEFORE, longer, "add volume") == BEFORE + longer.removeprefix(COPY)


@pytest.mark.parametrize("task", ["remove the blank line", "strip trailing whitespace", "format it", "fix the spacing"])
def test_a_task_about_space_gets_what_it_asked_for(task: str) -> None:
    assert keep_spacing(BEFORE, COPY, task) == COPY


def test_indentation_is_never_taken_for_invisible() -> None:
    indented = BEFORE.replace("    return w", "        return w")
    assert keep_spacing(BEFORE, indented, "add volume") == indented


def test_a_composed_character_is_no_change() -> None:
    before = "name = 'e\u0301'\nsize = 1\n"
    assert keep_spacing(before, "name = '\u00e9'\nsize = 2\n", "set size to 2") == "name = 'e\u0301'\nsize = 2\n"


def test_a_new_file_and_an_empty_answer_stay_as_they_are() -> None:
    assert keep_spacing("", COPY, "write shapes") == COPY
    assert keep_spacing(BEFORE, "", "x") == ""


def test_one_changed_function_of_a_long_file_takes_no_time() -> None:
    before = "".join(f"def f{number}():\n    return {number}\n\n\n" for number in range(5_000))
    after = before.replace("return 2500\n", "return 0\n")
    started = time.perf_counter()
    assert keep_spacing(before, after, "return 0") == after
    assert time.perf_counter() - started < 5
