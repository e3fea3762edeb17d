"""Placeholders that a model writes instead of code it was to repeat.

Only lines that the old text does not hold are judged, so a file that talks about
placeholders can still be edited.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from continual_code.agent.languages import is_prose
from continual_code.agent.syntax import python_tree

_LEADER = r"^\s*(?:#+|//+|/\*+|\*+|--|<!--|;+|%|\{/\*|\[|\()\s*"
_TRAILER = r"\s*[.!:]?\s*(?:\*/\}?|-->|\]|\))?\s*$"
_DOTS = r"(?:\.{3,}|…)"
_KEPT = r"(?:rest|remain\w*|existing|unchanged|same|previous|other|original|omitted|code|implementation|as before)"
_STAYS = r"(?:(?:remains?|stays?|is|are|goes|go)\s+)?(?:the\s+)?(?:same|unchanged|here|as before|omitted|as is)"
_WHAT = (
    r"(?:code|files?|functions?|class(?:es)?|methods?|modules?|implementation|content|imports|logic|definitions|tests)"
)
_ELISIONS = [
    re.compile(rf"{_LEADER}(?:{pattern}){_TRAILER}", re.IGNORECASE)
    for pattern in (
        rf"{_DOTS}.*\b{_KEPT}\b.*",
        rf"(?:the |your |all |keep |and )*(?:{_KEPT})\b[^.…]*{_DOTS}",
        rf"(?:keep )?(?:the )?(?:rest|remainder) of (?:the |your |this )?(?:existing |original )?{_WHAT}(?: {_STAYS})?",
        rf"(?:the |your |all |keep )*(?:existing|previous|original|unchanged) {_WHAT}(?: {_STAYS})?",
        rf"(?:the |all )*(?:other|remaining) {_WHAT} {_STAYS}",
        rf"(?:{_WHAT}|everything else|no changes?) (?:{_STAYS}|above|below)",
        r"(?:the )?same as (?:before|above)|unchanged|omitted(?: for brevity)?|no changes?",
        rf"(?:add |put |insert |write )?your {_WHAT} (?:goes )?here",
    )
]
_BARE_DOTS = re.compile(rf"^\s*{_DOTS}\s*$")
_BARE_SENTENCE = re.compile(
    rf"^\s*{_DOTS}?\s*[(\[]?\s*(?:the )?rest of (?:the )?{_WHAT}.*(?:same|unchanged|here|omitted)", re.I
)
_ABSTRACT = frozenset({"abstractmethod", "overload", "abc.abstractmethod", "typing.overload", "t.overload"})


def placeholder(before: str, after: str, path: str) -> str | None:
    """Why the text is not whole, as a sentence; None when it is."""
    had = {line.strip() for line in before.split("\n")}
    for line in after.split("\n"):
        if line.strip() and line.strip() not in had and _is_elision(line):
            return f"The answer leaves code out: it says {line.strip()!r} where the code should be."
    return _dots(before, after, path)


def _is_elision(line: str) -> bool:
    return any(pattern.match(line) for pattern in _ELISIONS) or _BARE_SENTENCE.match(line) is not None


def _dots(before: str, after: str, path: str) -> str | None:
    """Bare "..." is ordinary in prose and in Python stubs, and a hole anywhere else."""
    old, new = python_tree(before), python_tree(after)
    if is_prose(path) or path.endswith(".pyi"):
        return None
    if path.endswith(".py") and new is not None:
        lines = sorted((Counter(_holes(new)) - Counter(_holes(old) if old else ())).elements())
        return f'The answer leaves code out: it writes "..." for the body of {lines[0]}.' if lines else None
    had = sum(_BARE_DOTS.match(line) is not None for line in before.split("\n"))
    has = sum(_BARE_DOTS.match(line) is not None for line in after.split("\n"))
    return 'The answer leaves code out: it writes "..." where the code should be.' if has > had else None


def _holes(node: ast.AST, place: str = "the file", allowed: bool = False) -> Iterator[str]:
    """The names of what holds a bare `...` that is neither a stub nor the whole body of a class."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _holes(child, child.name, _is_protocol(child) or _is_only_dots(child.body))
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _holes(child, child.name, allowed or _is_abstract(child))
        elif _is_dots(child):
            yield from () if allowed else (place,)
        else:
            yield from _holes(child, place, allowed)


def _is_dots(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is Ellipsis


def _is_only_dots(body: list[ast.stmt]) -> bool:
    return len(body) == 1 and _is_dots(body[0])


def _is_protocol(node: ast.ClassDef) -> bool:
    return any("Protocol" in ast.unparse(base) for base in node.bases)


def _is_abstract(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(decorator) in _ABSTRACT for decorator in node.decorator_list)
