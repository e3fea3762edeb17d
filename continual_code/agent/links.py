"""Which files import which, by the text of their import lines.

A link is a likeness of names (`from shop.cart import Cart` and `src/shop/cart.py`), never a resolved import: it
ranks, and may be wrong about one.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from continual_code.agent.languages import PYTHON, language_of
from continual_code.agent.symbols import import_ranges

_FROM = re.compile(r"from\s+(\.*)([\w.]*)\s+import\s+(.*)", re.DOTALL)
_QUOTED = re.compile(r"""["'`]([^"'`]+)["'`]""")
_DOTTED = re.compile(r"\w+(?:(?:\.|::)\w+)+")
_PACKAGES = frozenset({"__init__", "index", "mod", "lib"})
_HERE = ("crate/", "self/", "super/")


def imports_of(text: str, path: str) -> frozenset[str]:
    """What a file imports, as paths without extension; relative imports are resolved against its directory."""
    language = language_of(path)
    if language is None:
        return frozenset()
    lines = text.replace("\r\n", "\n").split("\n")
    statements = ["\n".join(lines[start - 1 : end]) for start, end in import_ranges(text, language)]
    read = _python if language is PYTHON else _others
    found = {module for statement in statements for module in read(statement, posixpath.dirname(path))}
    return frozenset(module for module in found if module)


def module_of(path: str) -> str:
    """The path by which a file is imported: without extension, a package's own file as its directory."""
    stem = posixpath.splitext(path)[0]
    directory, name = posixpath.split(stem)
    return directory if name in _PACKAGES and directory else stem


def linked(target: str, imports: Mapping[str, Collection[str]]) -> set[str]:
    """The files that `target` seems to import, and those that seem to import it; `imports` by path."""
    wanted = {_last(module): module for module in imports.get(target, ())}
    return {
        path
        for path, modules in imports.items()
        if path != target
        and (
            any(_is_named(target, module) for module in modules)
            or _is_named(path, wanted.get(_last(module_of(path)), " "))
        )
    }


def reached(origin: str, files: Sequence[str], imports: Callable[[str], Collection[str]]) -> set[str]:
    """The origin, and those of `files` that it seems to import, directly or not; `imports` are asked for by path."""
    by_name = defaultdict[str, list[str]](list)
    for path in files:
        by_name[_last(module_of(path))].append(path)
    found, waiting = {origin}, [origin]
    while waiting:
        modules = imports(waiting.pop())
        new = {path for module in modules for path in by_name[_last(module)] if _is_named(path, module)} - found
        waiting += new
        found |= new
    return found


def _python(statement: str, directory: str) -> set[str]:
    match = _FROM.match(statement)
    if match is None:
        names = [part.split(" as ")[0].strip() for part in statement.removeprefix("import").split(",")]
        return {name.replace(".", "/") for name in names}
    dots, base, names = match.groups()
    above = directory.split("/") if directory else []
    prefix = above[: len(above) - len(dots) + 1] if dots else []
    module = "/".join([*prefix, *base.split(".")]).strip("/")
    imported = (part.split(" as ")[0].strip(" \n()") for part in names.split(","))
    return {module, *(f"{module}/{name}".strip("/") for name in imported if name)}


def _others(statement: str, directory: str) -> set[str]:
    """Quoted paths (JavaScript, Go), else dotted ones (Java, Rust), whose last part may be a name in the file."""
    found = set()
    for quoted in _QUOTED.findall(statement):
        joined = posixpath.join(directory, quoted) if quoted.startswith(".") else quoted
        found.add(module_of(posixpath.normpath(joined)))
    for dotted in [] if found else _DOTTED.findall(statement):
        module = dotted.replace("::", "/").replace(".", "/")
        module = next((module.removeprefix(here) for here in _HERE if module.startswith(here)), module)
        found |= {module, posixpath.dirname(module)}
    return found


def _is_named(path: str, module: str) -> bool:
    """Whether a file may be what is imported by this name."""
    return f"/{module_of(path)}".endswith(f"/{module}")


def _last(module: str) -> str:
    return module.rpartition("/")[2]
