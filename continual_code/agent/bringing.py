"""The imports that an answer forgot: small models use what they were shown of other files, and do not import it.

Invariant: only what the edit made undefined is imported, only from the one file of the repository that defines it or,
if none does, from where Python itself is known to have it, and never so that two files import each other.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath

from pyflakes.checker import Checker
from pyflakes.messages import Message, UndefinedName, UnusedImport

from continual_code.agent.formats import Fenced, fenced_blocks, import_line, missing_imports, with_imports
from continual_code.agent.languages import PYTHON, language_of
from continual_code.agent.links import imports_of, module_of, reached
from continual_code.agent.relevance import words
from continual_code.agent.repository import Repository, is_test
from continual_code.agent.standard import standard_import
from continual_code.agent.symbols import import_ranges
from continual_code.agent.syntax import python_tree

_ROOTS = ("", "src", "lib")  # directories that are on the path without being packages


def with_forgotten_imports(
    before: str, after: str, path: str, repository: Callable[[], Repository], shown: Collection[str] = ()
) -> str:
    """The new text with imports of what it uses without importing it, from the repository or from Python itself.

    Other languages than Python stay as they are, and so does a name that several files define, unless only one of
    them was `shown`.

    Args:
        repository: asked for only when something is undefined.
        shown: the paths that the model saw something of.
    """
    names = _undefined(after) if language_of(path) is PYTHON else set()
    if not names or not (names := names - _undefined(before)):
        return after
    found = repository()
    return with_imports(after, [_import_of(name, after, path, found, shown) for name in sorted(names)], PYTHON)


def with_imports_like(
    answer: str, rejected: str, comment: str, path: str, known: str, repository: Callable[[], Repository]
) -> str:
    """Another answer to the same task, with only those other imports than the rejected one that it has to have.

    Left out is what would be added to it, and what it does not use (unless the comment names it); put back is what it
    lost: what the rejected answer imports and this one still uses, and imports from nowhere.

    Args:
        known: see `without_spare_imports`; what the rejected answer made of the file.
    """
    answer = _without_idle_imports(answer, comment, path, known)
    lost = _lost_imports(answer, rejected, path)
    return _with_lost_imports(without_spare_imports(answer, path, known, repository), rejected, path, lost)


def _without_idle_imports(answer: str, comment: str, path: str, known: str) -> str:
    block = _python_block(answer, path)
    if block is None:
        return answer
    unused = Counter(each.lineno for each in _messages(block.code) if isinstance(each, UnusedImport))
    new = [each for each in _imports_of(block.code) if missing_imports(known, [each], PYTHON)]
    lines = block.code.split("\n")
    idle = [
        statement
        for first, last in import_ranges(block.code, PYTHON)
        if (statement := "\n".join(lines[first - 1 : last])) in new
        and unused[first] == len(_aliases(statement))
        and not _bound(statement) & set(re.findall(r"\w+", comment))
    ]
    return answer.replace(block.code, _without(block.code, idle), 1)


def _lost_imports(answer: str, rejected: str, path: str) -> list[str]:
    block, before = _python_block(answer, path), _python_block(rejected, path)
    if block is None or before is None:
        return []
    names, had = _undefined(block.code), _imports_of(before.code)
    others = names.difference(*map(_bound, had))

    def is_lost(statement: str) -> bool:
        is_future = statement.startswith("from __future__") and bool(missing_imports(block.code, [statement], PYTHON))
        return is_future or bool(names & _bound(statement)) or (statement.endswith("*") and bool(others))

    return [statement for statement in had if is_lost(statement)]


def _with_lost_imports(answer: str, rejected: str, path: str, lost: Sequence[str]) -> str:
    block, before = _python_block(answer, path), _python_block(rejected, path)
    if block is None or before is None or not lost:
        return answer
    lines, ranges = before.code.split("\n"), import_ranges(before.code, PYTHON)
    end = max(last for _, last in ranges)
    while end < len(lines) and not lines[end].strip():
        end += 1
    head = "\n".join(lines[min(first for first, _ in ranges) - 1 : end])
    is_all = lost == _imports_of(before.code) and len(_statements(head)) == len(lost)
    is_bare = not _imports_of(block.code) and import_line(block.code, lost, PYTHON) == 1
    code = f"{head}\n{block.code}" if is_all and is_bare else with_imports(block.code, lost, PYTHON)
    return answer.replace(block.code, code, 1)


def without_spare_imports(answer: str, path: str, known: str, repository: Callable[[], Repository]) -> str:
    """An answer without the imports that would be added to it if it had forgotten them.

    An import of everything goes as well, where that leaves only names undefined that would be imported by themselves.

    Args:
        known: a text whose imports it keeps in any case.
    """
    block = _python_block(answer, path)
    if block is None:
        return answer
    code = block.code
    units = {text: missing_imports("", [text], PYTHON) for text in _imports_of(code)}
    new = [text for text, all_of_it in units.items() if missing_imports(known, [text], PYTHON) == all_of_it]
    if not new:
        return answer
    found, stars = repository(), [text for text in new if text.endswith("*")]
    for group in filter(None, (stars, *([text] for text in new if text not in stars))):
        without = _without(code, group)
        brought = {_import_of(name, without, path, found, ()) for name in _undefined(without)}
        is_spare = "" not in brought if group is stars else brought.issuperset(units[group[0]])
        code = without if is_spare else code
    return answer.replace(block.code, code, 1)


def is_importable(answer: str, path: str, repository: Callable[[], Repository]) -> bool:
    """Whether the files of the repository have what an answer imports from them, as far as their words tell.

    A small model that is told to use `@traced` imports `trace`. Looked at are absolute imports at the top level of
    Python, of modules that are files of the repository by where they lie.
    """
    block = _python_block(answer, path)
    imported = [
        (each.module, {alias.name for alias in each.names if alias.name != "*"})
        for each in (_statements(block.code) if block else ())
        if isinstance(each, ast.ImportFrom) and each.module and not each.level
        if each.module.partition(".")[0] not in sys.stdlib_module_names
    ]
    if not imported:
        return True
    found = repository()
    by_name = defaultdict[str, list[str]](list)
    for file in found.files:
        if file.endswith(".py") and file != path:
            by_name[PurePosixPath(module_of(file)).name].append(file)
    return all(
        _has(origin, name, found)
        for module, names in imported
        for origin in by_name[module.rpartition(".")[2]]
        if _module(origin, path, found.files) == module
        for name in names
    )


def _has(path: str, name: str, repository: Repository) -> bool:
    """Whether a file has this word in it, or beside it, or may have it from elsewhere."""
    text, beside = repository.text(path), f"{module_of(path)}/{name}"
    return (
        text is None
        or (name.startswith("__") and name.endswith("__"))
        or re.search(rf"\b{re.escape(name)}\b|\bimport \*|\b__getattr__\b", text) is not None
        or any(file == f"{beside}.py" or file.startswith(f"{beside}/") for file in repository.files)
    )


def _python_block(answer: str, path: str) -> Fenced | None:
    """The first block of an answer; None where it has none, or `path` is of another language."""
    blocks = fenced_blocks(answer, lambda code: python_tree(code) is not None, prose=False)
    return blocks[0] if blocks and language_of(path) is PYTHON else None


def _statements(code: str) -> list[ast.stmt]:
    """Those at its top level; none where it does not parse."""
    tree = python_tree(code)
    return tree.body if tree else []


def _bound(statement: str) -> set[str]:
    """The names that an import statement binds."""
    return {alias.asname or alias.name.partition(".")[0] for alias in _aliases(statement)}


def _aliases(statement: str) -> list[ast.alias]:
    nodes = [each for each in _statements(statement) if isinstance(each, ast.Import | ast.ImportFrom)]
    return [alias for each in nodes for alias in each.names]


def _imports_of(code: str) -> list[str]:
    """The import statements at its top level."""
    lines = code.split("\n")
    return ["\n".join(lines[first - 1 : last]) for first, last in import_ranges(code, PYTHON)]


def _without(code: str, statements: Sequence[str]) -> str:
    """Without these import statements, and the blank lines below one that has nothing right above it."""
    lines = code.split("\n")
    for first, last in reversed(import_ranges(code, PYTHON)):
        if "\n".join(lines[first - 1 : last]) in statements:
            above, below = lines[: first - 1], lines[last:]
            while below and not below[0].strip() and not (above and above[-1].strip()):
                del below[0]
            lines = above + below
    return "\n".join(lines)


def _undefined(text: str) -> set[str]:
    """The names that nothing binds; none in a text that is not Python, or that imports everything from somewhere."""
    return {each.message_args[0] for each in _messages(text) if isinstance(each, UndefinedName)}


def _messages(text: str) -> list[Message]:
    """What there is to say of a text; nothing where it is not Python."""
    tree = python_tree(text)
    try:
        return Checker(tree).messages if tree else []
    except RecursionError:
        return []


def _import_of(name: str, text: str, target: str, repository: Repository, shown: Collection[str]) -> str:
    """The statement by which the target, which will be `text`, can import a name; "" where that is not sure."""
    looked_at = [path for path in repository.candidates(words(name)) if path.endswith(".py") and path != target]
    holders = [path for path in looked_at if name in repository.names(path) and _defines(path, name, repository)]
    if not holders and name not in (PurePosixPath(path).stem for path in repository.files):
        return _known_import(name, text, target)
    own = [path for path in holders if is_test(target) or not is_test(path)]
    seen = [path for path in own if path in shown] or own
    if len(seen) != 1 or name.startswith("_"):
        return ""
    origin, files = seen[0], [*looked_at, target]
    is_circle = target in reached(origin, files, lambda path: imports_of(repository.text(path) or "", path))
    module = "" if is_circle else _module(origin, target, repository.files)
    return f"from {module} import {name}" if module else ""


def _known_import(name: str, text: str, target: str) -> str:
    is_pytest = name == "pytest" and is_test(target) and "pytest." in text
    return "import pytest" if is_pytest else standard_import(name, text)


def _defines(path: str, name: str, repository: Repository) -> bool:
    return any(symbol.qualified == name for symbol in repository.symbols(path))


def _module(path: str, target: str, files: Sequence[str]) -> str:
    """How the target says it: from the outermost package around it, or as a script beside it; "" if neither."""
    *above, stem = PurePosixPath(path).with_suffix("").parts
    outside = len(above)
    while outside and "/".join([*above[:outside], "__init__.py"]) in files:
        outside -= 1
    root, names = "/".join(above[:outside]), [*above[outside:], *([] if stem == "__init__" else [stem])]
    is_reached = root in _ROOTS or (outside == len(above) and str(PurePosixPath(target).parent) == root)
    return ".".join(names) if is_reached and all(name.isidentifier() for name in names) else ""
