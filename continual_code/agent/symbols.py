"""The functions, classes and methods of a file, by line.

A symbol owns its lines: nothing else stands on its first or last line, so it can be
shown, and replaced, by whole lines without touching a neighbour.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from continual_code.agent.languages import PYTHON, Language, language_of, syntax_root
from continual_code.agent.syntax import python_tree

_PYTHON_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Nodes around a definition that belong to it: `export const f = ...`, `type T struct {...}`.
_WRAPPERS = frozenset({"export_statement", "lexical_declaration", "variable_declaration", "type_declaration"})
_BODIES = frozenset({"class_body", "declaration_list", "enum_body", "interface_body", "enum_body_declarations"})
_ATTRIBUTES = frozenset({"attribute_item", "decorator"})
_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function", "class"})


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. Lines count from 1 and include decorators, but not the comment above.

    A symbol that does not exist yet has no lines: `end_line` is `start_line - 1`, and it
    is inserted before `start_line`. `qualified` joins the names around it with dots.
    """

    name: str
    qualified: str
    kind: str
    start_line: int
    end_line: int
    signature: str

    @property
    def is_new(self) -> bool:
        return self.end_line < self.start_line

    @property
    def parent(self) -> str:
        """The qualified name of what holds this symbol; "" at the top of the file."""
        return self.qualified.rpartition(".")[0]


def symbols(text: str, path: str) -> list[Symbol]:
    """All symbols of a file in line order, outer ones first; none when the text has no syntax tree."""
    language = language_of(path)
    return symbols_in(text, language) if language else []


def symbols_in(text: str, language: Language) -> list[Symbol]:
    """Like `symbols`, for a text whose language is known."""
    plain = text.replace("\r\n", "\n")
    if "\r" in plain:  # a lone carriage return counts as a line for `ast` but not for anyone else here
        return []
    found = _python_symbols(plain) if language is PYTHON else _tree_symbols(plain, language)
    return sorted(found, key=lambda symbol: (symbol.start_line, -symbol.end_line))


def import_ranges(text: str, language: Language) -> list[tuple[int, int]]:
    """First and last line of each import at the top level of the text."""
    plain = text.replace("\r\n", "\n")
    if language is PYTHON:
        tree = python_tree(plain)
        nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] if tree else []
        return [(node.lineno, node.end_lineno or node.lineno) for node in nodes]
    root = syntax_root(plain, language)
    children = root.named_children if root is not None else []
    return [line_range(child) for child in children if child.type in language.imports]


def line_range(node: Node) -> tuple[int, int]:
    """First and last line of a tree-sitter node, counted from 1."""
    end = node.end_point
    return node.start_point.row + 1, max(node.start_point.row + 1, end.row + (end.column > 0))


def _python_symbols(text: str) -> list[Symbol]:
    tree = python_tree(text)
    return list(_python_walk(tree.body, "", "function")) if tree else []


def _python_walk(body: list[ast.stmt], prefix: str, function: str) -> Iterator[Symbol]:
    for node in body:
        if not isinstance(node, _PYTHON_DEFINITIONS):
            yield from _python_walk(_inner_statements(node), prefix, function)
            continue
        is_class = isinstance(node, ast.ClassDef)
        start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        qualified = f"{prefix}{node.name}"
        kind = "class" if is_class else function
        yield Symbol(node.name, qualified, kind, start, node.end_lineno or start, _python_signature(node))
        yield from _python_walk(node.body, f"{qualified}.", "method" if is_class else "function")


def _inner_statements(node: ast.stmt) -> list[ast.stmt]:
    """The statements inside an `if`, `try`, `with` or loop."""
    inner = [child for name in ("body", "orelse", "finalbody") for child in getattr(node, name, [])]
    return inner + [child for handler in getattr(node, "handlers", []) for child in handler.body]


def _python_signature(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    bare = copy.copy(node)
    bare.body, bare.decorator_list = [ast.Pass()], []
    return ast.unparse(bare).partition("\n")[0]


def _tree_symbols(text: str, language: Language) -> list[Symbol]:
    root = syntax_root(text, language)
    lines = text.encode("utf-8", "replace").split(b"\n")
    return [] if root is None else list(_tree_walk(root, None, "", language, lines))


def _tree_walk(node: Node, outer: Node | None, prefix: str, language: Language, lines: list[bytes]) -> Iterator[Symbol]:
    for child in node.named_children:
        if child.type in _WRAPPERS:
            yield from _tree_walk(child, outer or child, prefix, language, lines)
        elif child.type in _BODIES:
            yield from _tree_walk(child, None, prefix, language, lines)
        elif _defines(child, language):
            symbol = _tree_symbol(child, outer or child, prefix, language)
            if _owns_its_lines(child, outer or child, lines):
                yield symbol
            yield from _tree_walk(child, None, f"{symbol.qualified}.", language, lines)


def _defines(node: Node, language: Language) -> bool:
    value = node.child_by_field_name("value")
    is_function = value is not None and value.type in _FUNCTION_VALUES
    return node.type in language.definitions and (node.type != "variable_declarator" or is_function)


def _tree_symbol(node: Node, outer: Node, prefix: str, language: Language) -> Symbol:
    name = _name(node)
    receiver = _receiver(node)
    kind = language.definitions[node.type]
    start, end = line_range(outer)
    return Symbol(
        name,
        f"{receiver}.{name}" if receiver else f"{prefix}{name}",
        "method" if kind == "function" and prefix else kind,
        line_range(_with_attributes(outer))[0],
        max(start, end),
        _tree_signature(node, outer),
    )


def _name(node: Node) -> str:
    trait, of = node.child_by_field_name("trait"), node.child_by_field_name("type")
    named = node.child_by_field_name("name") or of
    name = _text(named) if named else ""
    return f"{_text(trait)} for {name}" if trait else name


def _receiver(node: Node) -> str:
    """The type that a Go method belongs to, without pointer and type parameters."""
    receiver = node.child_by_field_name("receiver")
    words = _text(receiver).strip("()").partition("[")[0].split() if receiver else []
    return words[-1].lstrip("*") if words else ""


def _with_attributes(node: Node) -> Node:
    previous = node.prev_named_sibling
    while previous is not None and previous.type in _ATTRIBUTES:
        node, previous = previous, previous.prev_named_sibling
    return node


def _tree_signature(node: Node, outer: Node) -> str:
    holder = node.child_by_field_name("value") or node
    body = holder.child_by_field_name("body")
    whole = (outer.text or b"")[: body.start_byte - outer.start_byte] if body else _text(outer).split("\n")[0].encode()
    return " ".join(whole.decode("utf-8", "replace").split())


def _owns_its_lines(node: Node, outer: Node, lines: list[bytes]) -> bool:
    first = _with_attributes(outer)
    before = lines[first.start_point.row][: first.start_point.column]
    after = lines[outer.end_point.row][outer.end_point.column :].strip().lstrip(b";,").lstrip()
    siblings = [child for child in outer.named_children if child.type == node.type]
    return not before.strip() and (not after or after.startswith((b"//", b"/*"))) and len(siblings) <= 1


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def new_symbol(text: str, path: str, name: str, parent: Symbol | None = None) -> Symbol:
    """A symbol that does not exist yet: at the end of `parent`, or of the file.

    In Python the end of the file is above an `if __name__ == "__main__"` block. A Go method
    goes to the end of the file, because it does not stand inside its type.
    """
    qualified = f"{parent.qualified}.{name}" if parent else name
    inside = parent is not None and parent.kind in ("class", "module")
    line = _end_of_symbol(text, parent) if parent and inside else _end_of_file(text, language_of(path))
    return Symbol(name, qualified, "method" if inside else "function", line, line - 1, "")


def _end_of_symbol(text: str, symbol: Symbol) -> int:
    closes = text.split("\n")[symbol.end_line - 1].strip().startswith("}")
    return symbol.end_line if closes else symbol.end_line + 1


def _end_of_file(text: str, language: Language | None) -> int:
    lines = text.split("\n")
    tree = python_tree(text) if language is PYTHON else None
    last = tree.body[-1] if tree and tree.body else None
    if isinstance(last, ast.If) and "__name__" in ast.unparse(last.test):
        return last.lineno
    return len(lines) + (lines[-1] != "")
