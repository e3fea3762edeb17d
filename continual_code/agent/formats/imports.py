"""Bringing an answer's imports into the file: only what the file does not import yet.

The imports that the file has keep their lines; new ones follow the last of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from continual_code.agent.formats.fitting import newline_of
from continual_code.agent.languages import PYTHON, Language
from continual_code.agent.symbols import import_ranges
from continual_code.agent.syntax import python_tree

_GO_SPEC = re.compile(r'(?:[\w.]+[ \t]+)?"[^"\n]+"')


def missing_imports(text: str, wanted: Sequence[str], language: Language) -> list[str]:
    """The import lines to add to `text` so that it imports all that the statements `wanted` do."""
    lines = text.split("\n")
    had = ["\n".join(lines[start - 1 : end]) for start, end in import_ranges(text, language)]
    known = {unit for statement in had for unit in _units(statement, language)}
    new = [unit for statement in wanted for unit in _units(statement, language)]
    return [unit for unit in dict.fromkeys(new) if unit not in known]


def import_line(text: str, new: Sequence[str], language: Language) -> int:
    """The line, from 1, before which new imports go."""
    ranges = import_ranges(text, language)
    if not ranges:
        return _first_code_line(text, language)
    is_future = any(line.startswith("from __future__") for line in new)
    return ranges[0][0] if is_future else ranges[-1][1] + 1


def with_imports(text: str, wanted: Sequence[str], language: Language) -> str:
    """`text` that imports all that the statements `wanted` do, too; its other lines stay byte for byte."""
    raw, end = text.split("\n"), newline_of(text).removesuffix("\n")
    at, new = new_import_lines([line.removesuffix("\r") for line in raw], wanted, language)
    raw[at - 1 : at - 1] = [line + end for line in new]
    return "\n".join(raw)


def new_import_lines(lines: Sequence[str], wanted: Sequence[str], language: Language) -> tuple[int, list[str]]:
    """The line, from 1, before which to insert the imports that `lines` lack, and what to insert; [] if none does."""
    text = "\n".join(lines)
    new = missing_imports(text, wanted, language)
    if not new:
        return 1, []
    at = import_line(text, new, language)
    above = [] if at == 1 or lines[at - 2].strip().startswith(("import", "from", "use", ")", "}")) else [""]
    below = [""] if "".join(lines[at - 1 : at]).strip() and (above or at == 1) else []
    return at, [*above, *new, *below]


def _units(statement: str, language: Language) -> Iterator[str]:
    """A statement as one-name imports, so that two spellings of the same import compare equal."""
    if language is PYTHON:
        tree = python_tree(statement.strip())
        yield from (unit for node in (tree.body if tree else ()) for unit in _python_units(node))
    elif language.name == "go":
        yield from (f"import {spec}" for spec in _GO_SPEC.findall(statement))
    else:
        yield " ".join(statement.split())


def _python_units(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (ast.unparse(ast.Import([alias])) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (ast.unparse(ast.ImportFrom(node.module, [alias], node.level)) for alias in node.names)


def _first_code_line(text: str, language: Language) -> int:
    """Below the comment and docstring, or the package clause, that the file begins with."""
    lines = text.split("\n")
    tree = python_tree(text) if language is PYTHON else None
    if tree and tree.body and ast.get_docstring(tree, clean=False) is not None:
        return (tree.body[0].end_lineno or 1) + 1
    package = [index for index, line in enumerate(lines) if re.match(r"package\s", line)]
    if package:
        return package[0] + 2
    return next((i + 1 for i, line in enumerate(lines) if not line.startswith(language.comment)), len(lines))
