"""Whether a text compiles, and where it does not.

A fault is found without running anything: Python is compiled but never executed, other
languages are only parsed. An unknown language has no faults.
"""

from __future__ import annotations

import ast
import json
import tomllib
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TypeVar

from continual_code.agent.languages import PYTHON, language_of, syntax_root

T = TypeVar("T")

# What `compile` and `ast.parse` raise on text that is not Python: ValueError for NUL bytes and
# lone surrogates, the last two for nesting deeper than the parser's stack.
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def python_tree(text: str) -> ast.Module | None:
    """The syntax tree of Python text, or None when it has none."""
    try:
        return _quietly(lambda: ast.parse(text.removeprefix("\ufeff")))
    except UNPARSABLE:
        return None


def fault(text: str, path: str) -> str | None:
    """The first reason why `text` cannot be a file named `path` ("line 3: invalid syntax"), or None."""
    reader = _DATA.get(PurePosixPath(path).suffix.lower())
    if reader:
        return _raised(lambda: reader(text))
    language = language_of(path)
    if language is PYTHON:
        return _raised(
            lambda: _quietly(lambda: compile(text.removeprefix("\ufeff"), "file", "exec", dont_inherit=True))
        )
    errors = error_lines(text, path)
    return f"line {errors[0]}: not valid {language.name}" if language and errors else None


def error_lines(text: str, path: str) -> list[int]:
    """The lines, counted from 1, where the tree of a language other than Python has an error or a gap."""
    language = language_of(path)
    root = syntax_root(text, language) if language else None
    waiting, lines = [root] if root is not None else [], []
    while waiting:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            lines.append(node.start_point.row + 1)
        waiting += [child for child in node.children if child.has_error]
    return sorted(lines)


def _raised(action: Callable[[], object]) -> str | None:
    try:
        action()
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except UNPARSABLE as error:
        return str(error) or type(error).__name__
    return None


def _quietly(action: Callable[[], T]) -> T:
    """Run without the warnings about odd escapes, which would be printed over the screen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


_DATA: dict[str, Callable[[str], object]] = {".json": json.loads, ".toml": tomllib.loads}
