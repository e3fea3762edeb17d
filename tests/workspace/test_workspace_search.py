"""A search finds the lines that a person means, in the files that may be read, and comes to an end."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

import pytest
from workspace_trees import SECRET, plant

from continual_code.errors import UsageError
from continual_code.events import Found
from continual_code.workspace import Root, list_files, search
from continual_code.workspace.search import AFTER, BEFORE, MOST_MATCHES, SECONDS, search_files


def find(text: str, wanted: str, *, word: bool = False) -> list[str]:
    """What was found in one file, as its line numbers with what matched."""
    matches = search_files(wanted, ["a.py"], {"a.py": text}.get, word=word).matches
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
    assert find(text, "load", word=True) == ["3 load", "4 load", "7 load"]
    assert len(find(text, "load")) == 7


def test_a_line_is_found_once_with_its_number_also_the_last_one_without_an_end():
    assert find("x x x\n\ny\nx", "x") == ["1 x", "4 x"]


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


@pytest.mark.parametrize("word", [False, True])
def test_thirty_megabytes_in_two_thousand_files_take_about_a_second(word: bool):
    body = "def step_number(order, item: str) -> int:\n    return number + something_else\n" * 190
    files = {f"pkg/module{number}.py": f"{body}cart{number}()\n" for number in range(2000)}
    started = time.process_time()  # the machine may be busy with something else
    found = search_files("cart77", list(files), files.get, word=word)
    assert time.process_time() - started < 1.5
    assert [match.path for match in found.matches if match.text == "cart77()"] == ["pkg/module77.py"]
