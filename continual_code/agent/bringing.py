"""The imports that an answer forgot: small models use what they were shown of other files, and do not import it.

Invariant: only what the edit made undefined is imported, only from the one file of the repository that defines it, and
never so that two files import each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath

from pyflakes.checker import Checker
from pyflakes.messages import UndefinedName

from continual_code.agent.formats import with_imports
from continual_code.agent.languages import PYTHON, language_of
from continual_code.agent.links import imports_of, module_of
from continual_code.agent.relevance import words
from continual_code.agent.repository import Repository, is_test
from continual_code.agent.syntax import python_tree

_ROOTS = ("", "src", "lib")  # directories that are on the path without being packages


def with_forgotten_imports(
    before: str, after: str, path: str, repository: Callable[[], Repository], shown: Collection[str] = ()
) -> str:
    """The new text with imports of the functions and classes of the repository that it uses without importing them.

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
    origins = {name: _origin(name, path, found, shown) for name in sorted(names)}
    lines = [f"from {_module(origin, path, found.files)} import {name}" for name, origin in origins.items() if origin]
    return with_imports(after, lines, PYTHON)


def _undefined(text: str) -> set[str]:
    """The names that nothing binds; none in a text that is not Python, or that imports everything from somewhere."""
    tree = python_tree(text)
    try:
        messages = Checker(tree).messages if tree else []
    except RecursionError:
        return set()
    return {each.message_args[0] for each in messages if isinstance(each, UndefinedName)}


def _origin(name: str, target: str, repository: Repository, shown: Collection[str]) -> str | None:
    """The one file that the target can import a name from."""
    looked_at = [path for path in repository.candidates(words(name)) if path.endswith(".py") and path != target]
    holders = [path for path in looked_at if name in repository.names(path) and _defines(path, name, repository)]
    own = [path for path in holders if is_test(target) or not is_test(path)]
    seen = [path for path in own if path in shown] or own
    if len(seen) != 1 or name.startswith("_") or not _module(seen[0], target, repository.files):
        return None
    return None if target in _imported(seen[0], looked_at, target, repository) else seen[0]


def _imported(origin: str, files: Sequence[str], target: str, repository: Repository) -> set[str]:
    """Which of `files`, and whether the target, a file imports, directly or not."""
    by_name = defaultdict[str, list[str]](list)
    for path in [*files, target]:
        by_name[module_of(path).rpartition("/")[2]].append(path)
    reached, waiting = {origin}, [origin]
    while waiting:
        path = waiting.pop()
        modules = imports_of(repository.text(path) or "", path)
        found = {
            other for module in modules for other in by_name[module.rpartition("/")[2]] if _is_named(other, module)
        }
        waiting += found - reached
        reached |= found
    return reached


def _is_named(path: str, module: str) -> bool:
    return f"/{module_of(path)}".endswith(f"/{module}")


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
