"""An answer that should hold one symbol, taken apart into its top-level pieces.

Every line of the answer that is code belongs to exactly one piece, so nothing that the
model wrote gets lost without somebody deciding it.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tree_sitter import Node

from continual_code.agent.formats.indentation import data_lines, indent_of
from continual_code.agent.languages import PYTHON, Language, syntax_root
from continual_code.agent.symbols import Symbol, import_ranges, line_range, symbols_in
from continual_code.agent.syntax import UNPARSABLE, python_tree
from continual_code.errors import ProposalError

Kind = Literal["import", "symbol", "constant", "usage"]

# What makes a member of a class stand on its own, however it is indented.
_WRAP_PYTHON, _WRAP_BRACES = ("if 1:", ""), ("class _ {", "}")
_NO_WRAP = 0
_HEADER = re.compile(r"(import|from|use|package)\s|\s*$")
_COMMENTS = frozenset({"comment", "line_comment", "block_comment", ";", "empty_statement"})


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of an answer, as they stand there.

    `symbol` is set for symbols; `members` are the symbols inside it. `data` are the indices
    of the lines that begin inside a string. `comment` stands right above. `is_member` says that the
    answer had it as a member of an unnamed class. A "usage" only shows how to call the rest.
    """

    kind: Kind
    lines: tuple[str, ...]
    data: frozenset[int] = frozenset()
    symbol: Symbol | None = None
    members: tuple[Piece, ...] = ()
    comment: tuple[str, ...] = ()
    is_member: bool = False

    @property
    def indent(self) -> str:
        return indent_of(self.lines[0])


def pieces_of(code: str, language: Language) -> list[Piece]:
    """The pieces of an answer, in order.

    Raises:
        ProposalError: the code does not parse, neither alone nor as the member of a class.
    """
    texts = ((f"{code}\n", _NO_WRAP), _wrapped(code, language))
    readings = [_take_apart(text, language, wrapper) for text, wrapper in texts if _parses(text, language)]
    for pieces in readings:
        if any(piece.kind == "symbol" for piece in pieces):
            return pieces
    reason = "it defines nothing" if readings else _why(code, language)
    raise ProposalError(
        f"The answer cannot be used as {language.name}: {reason}.", kept="Nothing was changed.", do="Ask again."
    )


def _wrapped(code: str, language: Language) -> tuple[str, int]:
    """The code below its imports as members of a class, and the line, from 1, of the wrapper."""
    lines = code.split("\n")
    rest = (i for i, line in enumerate(lines) if not _HEADER.match(line) and not line.startswith(language.comment))
    at = next(rest, 0)
    above, below = _WRAP_PYTHON if language is PYTHON else _WRAP_BRACES
    return "\n".join([*lines[:at], above, *lines[at:], below, ""]), at + 1


def _parses(text: str, language: Language) -> bool:
    if language is PYTHON:
        return python_tree(text) is not None
    root = syntax_root(text, language)
    return root is not None and not root.has_error


def _why(code: str, language: Language) -> str:
    if language is not PYTHON:
        return "it does not parse"
    try:
        ast.parse(textwrap.dedent(code))
    except UNPARSABLE as error:
        return str(error)
    return "its indentation is broken"


def _take_apart(text: str, language: Language, wrapper: int) -> list[Piece]:
    reader = _Reader(text, language, wrapper)
    position, result = 0, list[Piece]()
    for kind, start, end in _statements(text, language, wrapper):
        if start > position:
            result.append(reader.piece(kind, start, end, position))
            position = max(end, reader.end_of(start, end))
    return result


class _Reader:
    """The lines of an answer and what is known about each."""

    def __init__(self, text: str, language: Language, wrapper: int) -> None:
        self._lines, self._language, self._wrapper = text.split("\n"), language, wrapper
        self._data, self._imports = data_lines(text, language), import_ranges(text, language)
        self._symbols = [_unwrapped(s) for s in symbols_in(text, language) if not wrapper or s.name != "_"]

    def piece(self, kind: Kind, start: int, end: int, after: int) -> Piece:
        """The piece whose statement is start..end, with its comment, which begins below line `after`."""
        symbol = self._symbol_at(start, end)
        if symbol:
            return self._symbol_piece(symbol, after)
        return self._cut("import" if (start, end) in self._imports else kind, start, end)

    def end_of(self, start: int, end: int) -> int:
        symbol = self._symbol_at(start, end)
        return symbol.end_line if symbol else end

    def _symbol_at(self, start: int, end: int) -> Symbol | None:
        return next((s for s in self._symbols if s.start_line <= start and end <= s.end_line), None)

    def _symbol_piece(self, symbol: Symbol, after: int) -> Piece:
        inner = [other for other in self._symbols if other.parent == symbol.qualified and _holds(symbol, other)]
        members = tuple(self._symbol_piece(other, symbol.start_line) for other in inner)
        above = self._lines[
            max(after, self._wrapper) if symbol.start_line > self._wrapper else after : symbol.start_line - 1
        ]
        comment = tuple(above[len(above) - attached_comment(above, self._language) :])
        own = self._cut("symbol", symbol.start_line, symbol.end_line)
        return replace(own, symbol=symbol, members=members, comment=comment)

    def _cut(self, kind: Kind, start: int, end: int) -> Piece:
        data = frozenset(index - start + 1 for index in self._data if start <= index < end)
        return Piece(kind, tuple(self._lines[start - 1 : end]), data, is_member=0 < self._wrapper < start)


def _unwrapped(symbol: Symbol) -> Symbol:
    return replace(symbol, qualified=symbol.qualified.removeprefix("_."))


def _holds(outer: Symbol, inner: Symbol) -> bool:
    return outer.start_line <= inner.start_line and inner.end_line <= outer.end_line and outer is not inner


def attached_comment(above: Sequence[str], language: Language) -> int:
    """How many of the last lines of `above` are a comment that belongs to what follows."""
    count = 0
    for line in reversed(above):
        if not line.strip().startswith(language.comment):
            break
        count += 1
    return count


def _statements(text: str, language: Language, wrapper: int) -> Iterator[tuple[Kind, int, int]]:
    """Kind, first and last line of each statement at the top, or in the wrapper."""
    if language is PYTHON:
        tree = python_tree(text)
        for node in _flat(tree.body, wrapper) if tree else []:
            decorators = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
            yield _python_kind(node), min([node.lineno, *decorators]), node.end_lineno or node.lineno
        return
    root = syntax_root(text, language)
    for node in _tree_flat(root, wrapper) if root is not None else []:
        yield "usage" if node.type in ("expression_statement", "package_clause") else "constant", *line_range(node)


def _flat(body: list[ast.stmt], wrapper: int) -> list[ast.stmt]:
    return [
        inner
        for node in body
        for inner in (node.body if isinstance(node, ast.If) and node.lineno == wrapper else [node])
    ]


def _tree_flat(root: Node, wrapper: int) -> list[Node]:
    nodes = list[Node]()
    for node in root.named_children:
        body = node.child_by_field_name("body") if line_range(node)[0] == wrapper else None
        nodes += body.named_children if body else [node]
    return [node for node in nodes if node.type not in _COMMENTS]


def _python_kind(node: ast.stmt) -> Kind:
    is_main = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
    return "usage" if is_main or isinstance(node, ast.Expr) else "constant"
