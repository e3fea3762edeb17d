"""Moving code to another depth without changing what its strings say.

Lines inside a string of several lines are data: they move only if the old code shows
that they stood deeper there.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence

from tree_sitter import Node

from continual_code.agent.languages import PYTHON, Language, syntax_root
from continual_code.agent.syntax import python_tree

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def indent_of(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def unit_of(lines: Sequence[str]) -> str:
    """One step of indentation as a text uses it; four spaces when it shows none."""
    indents = [indent for line in lines if line.strip() and (indent := indent_of(line))]
    if sum(indent.startswith("\t") for indent in indents) * 2 > len(indents):
        return "\t"
    return min((indent for indent in indents if "\t" not in indent), key=len, default="    ")


def reindent(
    lines: Sequence[str], data: Collection[int], own: str, wanted: str, step: str, old: Collection[str]
) -> list[str]:
    """Lines that stand at indentation `own`, moved to `wanted`.

    Args:
        data: indices of the lines inside strings.
        step: one step of indentation in the file; tabs replace steps of spaces and the reverse.
        old: the lines being replaced, which show where their strings stood.
    """
    rests = [line.removeprefix(own) for line in lines]
    own_step = unit_of([rest for index, rest in enumerate(rests) if index not in data])
    if own == wanted and ("\t" in own_step) == ("\t" in step):
        return list(lines)
    moved = [wanted + _restep(rest, own_step, step) if rest.strip() else rest.strip() for rest in rests]
    return [_data_line(line, own, wanted, old) if i in data else moved[i] for i, line in enumerate(lines)]


def _restep(line: str, own_step: str, step: str) -> str:
    indent = indent_of(line)
    if ("\t" in own_step) == ("\t" in step):
        return line
    steps = len(indent) // len(own_step)
    return step * steps + " " * (len(indent) - steps * len(own_step)) + line.lstrip(" \t")


def _data_line(line: str, own: str, wanted: str, old: Collection[str]) -> str:
    shifted = wanted + line.removeprefix(own) if line.strip() else line
    return shifted if line not in old and shifted in old else line


def data_lines(text: str, language: Language) -> set[int]:
    """Indices of the lines that begin inside a string, but for Python's docstrings, which may move."""
    if language is PYTHON:
        tree = python_tree(text)
        return _python_data(tree) if tree else set()
    root = syntax_root(text, language)
    return set(_tree_data(root, language)) if root is not None else set()


def _python_data(tree: ast.Module) -> set[int]:
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, _DOCUMENTED) and node.body and isinstance(node.body[0], ast.Expr)
    }
    strings = [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)))
        and id(node) not in docstrings
    ]
    return {line for node in strings for line in range(node.lineno, node.end_lineno or node.lineno)}


def _tree_data(root: Node, language: Language) -> list[int]:
    waiting, found = [root], list[int]()
    while waiting:
        node = waiting.pop()
        if node.type in language.strings:
            found += range(node.start_point.row + 1, node.end_point.row + 1)
        waiting += node.children
    return found
