"""A comment that the prompt repeats is repeated where it was made for, and nowhere else."""

from __future__ import annotations

import pytest

from continual_code.agent.repository import is_like


@pytest.mark.parametrize(
    ("path", "other", "like"),
    [
        ("shop/cart.py", "tool.py", True),
        ("tests/test_cart.py", "test_tool.py", True),
        ("test_cart.py", "cart.py", False),
        ("cart.py", "cart.js", False),
        ("web/cart.test.ts", "tests/shop.ts", True),
        ("Makefile", "makefile", True),
    ],
)
def test_two_files_are_alike_if_they_are_in_one_language_and_both_tests_or_neither(path: str, other: str, like: bool):
    assert is_like(path, other) == is_like(other, path) == like
