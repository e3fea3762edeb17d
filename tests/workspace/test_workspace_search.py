"""A search finds the lines that a person means, in the files that may be read, and comes to an end."""

from __future__ import annotations

import re
import time
from itertools import count
from pathlib import Path

import pytest
from workspace_trees import SECRET, plant

from continual_code.errors import UsageError
from continual_code.events import Found, SearchMode
from continual_code.workspace import Root, list_files, search
from continual_code.workspace.search import AFTER, BEFORE, MOST_MATCHES, SECONDS, search_files


def find(text: str, wanted: str, mode: SearchMode = "text") -> list[str]:
    """What was found in one file, as its line numbers with what matched."""
    matches = search_files(wanted, ["a.py"], {"a.py": text}.get, mode=mode).matches
    return [f"{match.number} {match.text[match.start : match.end]}" for match in matches]


def beneath(tree: Path, wanted: str) -> Found:
    return search(Root(tree), wanted)


# --- What it finds ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("load", ["1 Load", "2 load", "4 load"]),
        ("Load", ["1 Load"]),
        ("load(", ["2 load("]),
        (".*", []),
        ("/load/", []),
    ],
)
def test_text_is_found_as_it_stands_and_case_counts_once_there_is_an_upper_case_letter(wanted: str, found: list[str]):
    assert find("class Load:\n    load()\n\nreload = load\n", wanted) == found


def test_a_word_of_its_own_has_nothing_of_a_name_beside_it():
    text = "reload\nload_all\nload\nx.load(1)\n_load\nLoad2\nreload load\n"
    assert find(text, "load", "word") == ["3 load", "4 load", "7 load"]
    assert len(find(text, "load")) == 7


def test_a_line_is_found_once_with_its_number_also_the_last_one_without_an_end():
    assert find("x x x\n\ny\nx", "x") == ["1 x", "4 x"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"def \w+_total", ["1 def order_total", "4 def cart_total"]),
        (r"^\s+return", ["2     return", "5     return"]),
        (r"RATE\b", ["2 RATE", "6 RATE"]),
        (r"\brate\b", ["2 RATE", "6 RATE"]),
        (r"\w+É", ["6 caFÉ"]),
        (r"\d$", ["5 5", "6 7"]),
        (r"total\(\)\s+return", []),
        ("total[^x]+return", []),
        ("q*", []),
    ],
)
def test_a_pattern_is_matched_line_by_line_and_its_case_counts_as_that_of_a_text(pattern: str, found: list[str]):
    text = "def order_total():\n    return RATE\n\ndef cart_total():\n    return 1.5\nRATE = 'caFÉ', 7\n"
    assert find(text, pattern, "regex") == found


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(", "missing )"), ("(?=a)b", "invalid perl operator"), (r"(a)\1", "invalid escape"), ("a{2000}", "repetition")],
)
def test_what_is_no_pattern_is_refused_in_words_and_not_printed(
    pattern: str, said: str, capfd: pytest.CaptureFixture[str]
):
    with pytest.raises(UsageError, match="no regular expression") as refused:
        search_files(pattern, [], lambda path: None, mode="regex")
    assert said in str(refused.value)
    assert "(?m)" not in str(refused.value)
    assert capfd.readouterr() == ("", "")


def test_a_pattern_that_would_take_hours_takes_none():
    """`re` goes through every way to divide the text: twice the time for each letter more."""
    text = "x" * 500_000 + "\n"
    started = time.process_time()
    assert find(text, "(x+x+)+y", "regex") == []
    with pytest.raises(UsageError, match="take too long"):
        search_files(".{0,900}.{0,90}", [], lambda path: None, mode="regex")
    assert time.process_time() - started < 1.0
    shorter, started = "x" * 22, time.process_time()
    assert re.search("(x+x+)+y", shorter) is None
    assert time.process_time() - started > 0.02


def test_matches_come_in_the_order_of_the_files(tree: Path):
    plant(tree / "pkg/c.py", "one again\n")
    found = beneath(tree, "one")
    assert [(match.path, match.number, match.text) for match in found.matches] == [
        ("a.py", 1, "one"), ("pkg/c.py", 1, "one again"),
    ]  # fmt: skip
    assert found.cut == ""


@pytest.mark.parametrize("wanted", ["", "   ", "two\nlines", "x" * 201])
def test_what_cannot_be_in_a_line_is_refused(wanted: str):
    with pytest.raises(UsageError):
        search_files(wanted, [], lambda path: None)


# --- What it may read -------------------------------------------------------------------


def test_links_binaries_and_what_is_no_utf8_or_too_large_are_passed_over(tree: Path, outside: Path):
    (tree / "link.txt").symlink_to(outside / "secret.txt")
    (tree / "linked").symlink_to(outside)
    plant(tree / "binary.bin", b"person\0")
    plant(tree / "latin.txt", b"person \xe9\xff\n")
    plant(tree / "large.txt", "person\n" * 200_000)
    plant(tree / "fine.txt", "person\n")
    assert (outside / "secret.txt").read_text() == SECRET
    assert "person" in SECRET
    assert [match.path for match in beneath(tree, "person").matches] == ["fine.txt"]


def test_a_link_is_not_followed_even_when_it_was_listed_as_a_file(tree: Path, outside: Path):
    plant(tree / "swapped.txt", "harmless\n")
    root, listed = Root(tree), list_files(tree)
    (tree / "swapped.txt").unlink()
    (tree / "swapped.txt").symlink_to(outside / "secret.txt")
    assert "swapped.txt" in listed
    assert search_files("person", listed, root.text).matches == ()


# --- Where it ends ----------------------------------------------------------------------


def test_of_a_huge_line_only_what_stands_around_the_match_is_kept():
    text = "a" * 400_000 + "needle" + "b" * 400_000
    (match,) = search_files("needle", ["a.js"], {"a.js": text}.get).matches
    assert match.text[match.start : match.end] == "needle"
    assert len(match.text) == BEFORE + len("needle") + AFTER


def test_more_matches_than_can_be_shown_are_cut_and_that_is_said():
    exact, more = ("x\n" * (MOST_MATCHES + extra) for extra in (0, 1))
    assert search_files("x", ["a"], {"a": exact}.get).cut == ""
    found = search_files("x", ["a"], {"a": more}.get)
    assert len(found.matches) == MOST_MATCHES
    assert "there are more" in found.cut


def test_a_search_that_takes_too_long_says_how_far_it_came():
    seconds = count(0.0, SECONDS / 2)
    found = search_files("x", ["a", "b", "c", "d"], lambda path: "x\n", clock=lambda: next(seconds))
    assert [match.path for match in found.matches] == ["a", "b"]
    assert found.cut == "Only the first 2 of 4 files were looked at."


@pytest.mark.parametrize("mode", ["text", "word", "regex"])
def test_thirty_megabytes_in_two_thousand_files_take_about_a_second(mode: SearchMode):
    body = "def step_number(order, item: str) -> int:\n    return number + something_else\n" * 190
    files = {f"pkg/module{number}.py": f"{body}cart{number}()\n" for number in range(2000)}
    started = time.process_time()  # the machine may be busy with something else
    found = search_files("cart77", list(files), files.get, mode=mode)
    assert time.process_time() - started < 1.5
    assert [match.path for match in found.matches if match.text == "cart77()"] == ["pkg/module77.py"]
