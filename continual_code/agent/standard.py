"""What Python's own library is known for: the names by which code uses it, and the import that each of them needs.

Only names that hardly mean anything else are here; of the others (`copy`, `field`, `token`) nobody can tell.
"""

from __future__ import annotations

import re

_MODULES = (
    "argparse asyncio base64 collections configparser contextlib csv ctypes dataclasses decimal enum fnmatch functools"
    " getpass glob hashlib heapq inspect io itertools json logging math os pathlib pickle platform random re secrets"
    " shlex shutil signal socket sqlite3 statistics struct subprocess sys tempfile textwrap threading time traceback"
    " typing unittest uuid warnings zipfile"
)
_NAMES = {
    "abc": "ABC abstractmethod",
    "collections": "Counter OrderedDict defaultdict deque namedtuple",
    "contextlib": "ExitStack contextmanager suppress",
    "dataclasses": "dataclass",
    "datetime": "datetime timedelta timezone",
    "decimal": "Decimal",
    "enum": "Enum IntEnum StrEnum",
    "fractions": "Fraction",
    "functools": "cached_property lru_cache partial reduce wraps",
    "io": "BytesIO StringIO",
    "itertools": "islice zip_longest",
    "pathlib": "Path PurePath",
    "typing": "Any Callable Dict Generic Iterable Iterator List Literal Mapping NamedTuple Optional Protocol Sequence"
    " Set Tuple TypeVar TypedDict Union",
    "uuid": "uuid4",
}
_KNOWN = frozenset(_MODULES.split())
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}


def standard_import(name: str, text: str) -> str:
    """The statement that brings an undefined name, as `text` uses it; "" where that is not known."""
    if name in _KNOWN and re.search(rf"\b{name}\.\w", text):
        return f"import {name}"
    if name == "datetime" and "datetime.datetime" in text:
        return "import datetime"
    return f"from {_MODULE_OF[name]} import {name}" if name in _MODULE_OF else ""
