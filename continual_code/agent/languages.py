"""Which language a file is in, how its fence is tagged, and its syntax tree.

Parsing here never reaches the network and never raises on odd text: a language without
an installed grammar has no tree, and whoever asked works on the whole file instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import PurePosixPath

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser


@dataclass(frozen=True, slots=True)
class Language:
    """What the harness knows about a language.

    `grammar` is "module:function" of a tree-sitter grammar; Python has none, its own
    `ast` reads it. `definitions` maps the node types that are symbols to a kind,
    `imports` are the node types of import lines, `strings` those whose inner lines must
    not be indented anew.
    """

    name: str
    comment: tuple[str, ...]
    grammar: str = ""
    definitions: Mapping[str, str] = field(default_factory=dict)
    imports: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()


_SLASHES = ("//", "/*", "*")
_JAVASCRIPT = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "class_declaration": "class",
    "method_definition": "method",
    "variable_declarator": "function",
}
_TYPESCRIPT = _JAVASCRIPT | {
    "abstract_class_declaration": "class",
    "interface_declaration": "type",
    "type_alias_declaration": "type",
    "enum_declaration": "type",
}
_GO = {
    "function_declaration": "function",
    "method_declaration": "method",
    "type_spec": "type",
    "type_alias": "type",
}
_RUST = {
    "function_item": "function",
    "struct_item": "type",
    "enum_item": "type",
    "trait_item": "class",
    "impl_item": "class",
    "mod_item": "module",
}
_JAVA = {
    "class_declaration": "class",
    "interface_declaration": "class",
    "enum_declaration": "class",
    "record_declaration": "class",
    "method_declaration": "method",
    "constructor_declaration": "method",
}

PYTHON = Language("python", ("#",))


def _scripting(name: str, grammar: str, definitions: Mapping[str, str]) -> Language:
    return Language(
        name, _SLASHES, grammar, definitions, frozenset({"import_statement"}), frozenset({"template_string"})
    )


_LANGUAGES = (
    PYTHON,
    _scripting("javascript", "tree_sitter_javascript:language", _JAVASCRIPT),
    _scripting("typescript", "tree_sitter_typescript:language_typescript", _TYPESCRIPT),
    _scripting("tsx", "tree_sitter_typescript:language_tsx", _TYPESCRIPT),
    Language(
        "go",
        _SLASHES,
        "tree_sitter_go:language",
        _GO,
        frozenset({"import_declaration"}),
        frozenset({"raw_string_literal"}),
    ),
    Language(
        "rust",
        _SLASHES,
        "tree_sitter_rust:language",
        _RUST,
        frozenset({"use_declaration"}),
        frozenset({"string_literal", "raw_string_literal"}),
    ),
    Language(
        "java",
        _SLASHES,
        "tree_sitter_java:language",
        _JAVA,
        frozenset({"import_declaration"}),
        frozenset({"string_literal"}),
    ),
)
_BY_NAME = {language.name: language for language in _LANGUAGES}

# Languages with a tree above; then file types that only need a tag for their fence.
_EXTENSIONS = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "javascript", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx",
    ".go": "go", ".rs": "rust", ".java": "java",
}  # fmt: skip
_TAGS = _EXTENSIONS | {
    ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".hpp": "cpp", ".cs": "csharp", ".rb": "ruby", ".php": "php",
    ".kt": "kotlin", ".swift": "swift", ".scala": "scala", ".lua": "lua", ".sh": "bash", ".bash": "bash",
    ".sql": "sql", ".html": "html", ".css": "css", ".scss": "scss", ".vue": "vue", ".svelte": "svelte",
    ".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml", ".xml": "xml", ".ini": "ini",
    ".md": "markdown", ".rst": "rst", ".txt": "text",
}  # fmt: skip
_PROSE = frozenset({"markdown", "rst", "text", ""})


def language_of(path: str) -> Language | None:
    """The language of a file by its extension; None when its symbols cannot be read."""
    return _BY_NAME.get(_EXTENSIONS.get(PurePosixPath(path).suffix.lower(), ""))


def named(language: str) -> Language | None:
    """The language of that name, as `Language.name` spells it."""
    return _BY_NAME.get(language)


def fence_tag(path: str) -> str:
    """The word after the fence marks of a code block for this file; "" when unknown."""
    return _TAGS.get(PurePosixPath(path).suffix.lower(), "")


def is_source(path: str) -> bool:
    """Whether the file holds code or configuration, rather than prose or something unknown."""
    return fence_tag(path) not in _PROSE


def is_prose(path: str) -> bool:
    """Whether the file holds prose, in which fences and dots are ordinary text."""
    return not is_source(path)


def syntax_root(text: str, language: Language) -> Node | None:
    """The root of the tree-sitter tree of `text`; None without a grammar. Columns are bytes."""
    grammar = _grammar(language.grammar)
    return Parser(grammar).parse(text.encode("utf-8", "replace")).root_node if grammar else None


@lru_cache
def _grammar(where: str) -> Grammar | None:
    module, _, function = where.partition(":")
    if not module:
        return None
    try:
        return Grammar(getattr(import_module(module), function)())
    except ModuleNotFoundError:
        return None
