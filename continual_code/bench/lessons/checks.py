"""The words that a rule's check is written in, and how one is evaluated on an edit.

Invariant: a check sees only what the edit added, and one that fails on some code does not hold for it.
"""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from continual_code.diffs import hunks_of

Function = ast.FunctionDef | ast.AsyncFunctionDef
_COMMENT = re.compile(r"\s*#")


def added(before: str, after: str, path: str) -> str:
    """What an edit added or changed: statements and comments of a Python module, lines of anything else."""
    before, after = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (before, after))
    if path.endswith(".py") and parsed(after) is not None:
        known = set(_pieces(before))
        return "\n".join(piece for piece in _pieces(after) if piece not in known)
    return "".join(line for hunk in hunks_of(before, after) for line in hunk.new_lines)


def _pieces(text: str) -> Iterator[str]:
    """The top-level statements with their decorators, and the comment lines between them, in order."""
    tree, lines, reached = parsed(text), text.removeprefix("\ufeff").split("\n"), 0
    for node in tree.body if tree else ():
        first = min(part.lineno for part in [node, *getattr(node, "decorator_list", [])]) - 1
        yield from filter(_COMMENT.match, lines[reached:first])
        last = node.end_lineno or 0
        if last > reached:  # a second statement on the same line came with the first
            yield "\n".join(lines[max(first, reached) : last])
        reached = max(reached, last)
    yield from filter(_COMMENT.match, lines[reached:])


def parsed(text: str) -> ast.Module | None:
    """The syntax tree of Python text, or None when it has none."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text.removeprefix("\ufeff"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def tops(tree: ast.Module) -> list[Function]:
    """The functions at the top level of a module."""
    return [node for node in tree.body if isinstance(node, Function)]


def names(tree: ast.AST) -> set[str]:
    """Every name, attribute and part of an imported name, each as one word."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            found.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            found.update(part for name in imported for part in name.split("."))
    return found


def calls(tree: ast.AST) -> set[str]:
    """What is called, as it is written: "print", "logging.info"."""
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def keywords(tree: ast.AST, *called: str) -> list[set[str]]:
    """The keyword names of each call of a function or method with one of these names."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    wanted = (node for node in found if ast.unparse(node.func).rpartition(".")[2] in called)
    return [{keyword.arg or "" for keyword in node.keywords} for node in wanted]


def raises(tree: ast.AST) -> set[str]:
    """The names of the exceptions that are raised, without their module."""
    found = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc)
    classes = (node.func if isinstance(node, ast.Call) else node for node in found)
    return {ast.unparse(node).rpartition(".")[2] for node in classes}


def decorators(node: Function | ast.ClassDef) -> set[str]:
    """The names of the decorators, without their module and arguments."""
    plain = (each.func if isinstance(each, ast.Call) else each for each in node.decorator_list)
    return {ast.unparse(each).rpartition(".")[2] for each in plain}


def written(functions: Iterable[Function]) -> bool:
    """Whether there are functions, and each does more than `pass`, `...` or a docstring."""
    filler = re.compile(r"pass|\.\.\.|['\"].*", re.DOTALL)
    bodies = [[node for node in each.body if not filler.fullmatch(ast.unparse(node))] for each in functions]
    return bool(bodies) and all(bodies)


def runs(tree: ast.Module) -> bool:
    """Whether a top-level statement does something beyond defining, importing and setting plain values."""
    defining = Function | ast.ClassDef | ast.Import | ast.ImportFrom
    rest = [node for node in tree.body if not isinstance(node, defining)]
    return any(not isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) or calls(node) for node in rest)


def comments(src: str) -> list[str]:
    """The comments of Python text, from the `#` on."""
    tokens = tokenize.generate_tokens(io.StringIO(src).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def quotes(src: str) -> list[str]:
    """The opening quotes of the string literals, leaving out those inside f-strings."""
    nodes = list(ast.walk(ast.parse(src)))
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in list(ast.walk(node))[1:]}
    literals = (node for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inside)
    texts = (ast.get_source_segment(src, node) or "" for node in literals)
    return [match[1] for text in texts if (match := re.match(r"[a-zA-Z]*('''|\"\"\"|'|\")", text))]


_HELPERS = (tops, names, calls, keywords, raises, decorators, written, runs, comments, quotes)
_WORDS: dict[str, Any] = {helper.__name__: helper for helper in _HELPERS} | {"ast": ast, "re": re}
_GIVEN = {"src", "tree", "funcs", "before", "after"}


def holds(expression: str, src: str, tree: ast.Module, before: str, after: str) -> bool:
    """Evaluate an expression; one that fails on some code does not hold for it."""
    funcs = [node for node in ast.walk(tree) if isinstance(node, Function)]
    given = {"src": src, "tree": tree, "funcs": funcs, "before": before, "after": after}
    try:
        return bool(eval(f"({expression}\n)", {**_WORDS, **given}))
    except Exception:
        return False


def require_expression(expression: str, place: str) -> None:
    """Refuse what cannot be evaluated, or names something that no check is given."""
    tree = parsed(f"({expression}\n)") if expression.strip() else None
    if tree is None:
        raise ValueError(f"{place}: {expression!r} is not a Python expression")
    nodes = list(ast.walk(tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)} | {*_WORDS, *_GIVEN, *dir(builtins)}
    unknown = sorted({node.id for node in nodes if isinstance(node, ast.Name)} - bound)
    if unknown:
        raise ValueError(f"{place}: nothing is called {unknown[0]}")
