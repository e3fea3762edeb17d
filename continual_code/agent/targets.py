"""Which file, and which symbol in it, a task is about.

What the person named wins over any guess, and a guess is never made without a word of the
task to show for it: with none, the person is asked to name a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from continual_code.agent.languages import fence_tag
from continual_code.agent.relevance import ranked, task_words, words
from continual_code.agent.repository import Repository
from continual_code.agent.symbols import Symbol, new_symbol
from continual_code.errors import ProposalError
from continual_code.events import Task

_MENTION = re.compile(r"@[\w./-]+")
_PATH = re.compile(r"(?<![\w@/.-])(?:\.{0,2}/)?[\w-][\w./-]*\.\w+(?!\w)")
_MODULE = re.compile(
    r"\b(?:module|package|file)\s+`?([\w.-]+)`?|`?([\w.-]+)`?\s+(?:module|package|file)\b", re.IGNORECASE
)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)*")
_QUOTED = re.compile(r"`([^`\n]{3,200})`|\"([^\"\n]{3,200})\"|“([^”\n]{3,200})”|(?<!\w)'([^'\n]{3,200})'(?!\w)")
_NEW_FILE = re.compile(
    r"\b(?:create|add|write|start|make|generate)\s+(?:an?\s+|the\s+|new\s+|empty\s+)*(?:\w+\s+)?"
    r"(?:file\s+)?(?:called\s+|named\s+|in\s+|at\s+)?`?([\w./-]+\.\w+)",
    re.IGNORECASE,
)
_NOUN = r"(?:function|method|class|helper|test|fixture|struct|interface)s?\b(?!-)"
# "add a helper function", with the name before the noun, or behind it where a phrase ends.
_NEW_SYMBOL = re.compile(
    r"\b(?:add|write|create|implement|introduce|define)\s+"
    rf"(?:(?!(?:to|in|into|for|of|on|from)\b)[\w`(),-]+\s+){{0,3}}?{_NOUN}"
    rf"(?:\s+{_NOUN})?(?:\s+(?:called|named))?"
    r"(?:\s+`?(?P<name>[A-Za-z_]\w*)`?(?=\s*(?:$|[.,;:(]|(?:to|in|on|that|which|for|with)\b)))?",
    re.IGNORECASE,
)


def target_file(task: Task, repository: Repository) -> str:
    """The path to change; it need not exist.

    In this order: a file to create that the task names; the first mention, unless the task
    itself names another mention; a path, module or symbol that the task names; a file in which
    a text stands that the task quotes, or a name that it uses; the most relevant file.

    Raises:
        ProposalError: nothing in the task points to a file.
    """
    text = _MENTION.sub(" ", task.text)
    if task.files:
        named = [path for path in task.files if path in set(_paths(text, task.files))]
        return named[0] if len(named) == 1 else task.files[0]
    guesses = (_new_file(text, repository), *_paths(text, repository.files), *_modules(text, repository.files))
    found = next((path for path in guesses if path), None)
    return (
        found or _file_of_symbol(task, repository) or _file_with(task, repository) or _most_relevant(task, repository)
    )


def _new_file(text: str, repository: Repository) -> str | None:
    """The file that the task asks to create; it must have a known extension, so that "create v2.0" names none."""
    match = _NEW_FILE.search(text)
    path = match[1].removeprefix("./").strip("/") if match else ""
    is_new = fence_tag(path) != "" and not list(_paths(path, repository.files))
    return path if is_new and ".." not in PurePosixPath(path).parts else None


def _paths(text: str, files: Sequence[str]) -> Iterator[str]:
    """The files whose path, or unambiguous end of a path, the text names, in its order."""
    without_extension = [name for name in re.findall(r"[\w./-]+", text) if name in files]
    for name in (*_PATH.findall(text), *without_extension):
        bare = name.removeprefix("./").rstrip(".")
        ending = [path for path in files if path == bare or path.endswith(f"/{bare}")]
        if bare in ending or len(ending) == 1:
            yield bare if bare in ending else ending[0]


def _modules(text: str, files: Sequence[str]) -> Iterator[str]:
    """The files that the text names as a module: "pkg.store", "the store module"."""
    names = [name for pair in _MODULE.findall(text) for name in pair if name]
    names += [name for name in _IDENTIFIER.findall(text) if "." in name]
    for name in names:
        path = name.replace(".", "/")
        ending = [file for file in files if f"/{file}".rpartition(".")[0].endswith((f"/{path}", f"/{path}/__init__"))]
        if len(ending) == 1:
            yield ending[0]


def _file_of_symbol(task: Task, repository: Repository) -> str | None:
    """The one file that defines a symbol the task names; of several, the one that matches the task best."""
    names = set(_distinct_names(task.text))
    subject = task_words(task.text)
    files = repository.candidates(subject) if names else []
    return _best_match([path for path in files if _defines(path, names, repository)], subject, repository)


def _defines(path: str, names: set[str], repository: Repository) -> bool:
    present = set(repository.names(path))
    dotted = {name for name in names if "." in name and name.rpartition(".")[2] in present}
    return bool(names & present) or (
        bool(dotted) and any(symbol.qualified in dotted for symbol in repository.symbols(path))
    )


def _file_with(task: Task, repository: Repository) -> str | None:
    """The file in which stands what the task quotes, or a name that is defined nowhere here; of several, the one that
    matches the task best.

    A name that the task asks to add stands at most where it is missing.
    """
    subject = task_words(task.text)
    quoted = [next(filter(None, groups)) for groups in _QUOTED.findall(task.text)]
    named = [] if asks_to_add(task.text) else list(_distinct_names(task.text))
    for wanted in dict.fromkeys([*quoted, *named]):
        if found := _best_match(repository.holding(wanted, subject), subject, repository):
            return found
    return None


def _best_match(having: Sequence[str], subject: Sequence[str], repository: Repository) -> str | None:
    """Of several files the one that matches the words of a task best, else the first; None of none."""
    relevant = repository.relevant(subject) if len(having) > 1 else []
    return next((path for path in relevant if path in having), None) or next(iter(having), None)


def _distinct_names(text: str) -> Iterator[str]:
    """What can only be an identifier: in backticks, called, dotted, or spelled with case or underscores inside."""
    quoted = set(re.findall(r"`([\w.:]+)(?:\([^`]*\))?`", text)) | set(re.findall(r"([\w.:]+)\(", text))
    for name in _IDENTIFIER.findall(text):
        if name in quoted or re.search(r"\w_\w|[a-z][A-Z]|\.|::", name):
            yield name.replace("::", ".")


def _most_relevant(task: Task, repository: Repository) -> str:
    found = repository.relevant(task_words(task.text))
    if not found:
        raise ProposalError(
            "Nothing in the task points to a file of this repository.",
            kept="Nothing was changed.",
            do="Name the file with @, or say which file to create.",
        )
    return found[0]


def asks_to_add(text: str) -> bool:
    """Whether a task asks for a new function, class or test."""
    return _NEW_SYMBOL.search(text) is not None


def asks_for_new(text: str, found: Sequence[Symbol]) -> bool:
    """The same, and what it names, if anything, is not among those found."""
    match = _NEW_SYMBOL.search(text)
    taken = {symbol.name for symbol in found}
    return match is not None and not (_new_name(match, found) == "" and taken & set(_IDENTIFIER.findall(match[0])))


def target_symbol(task: Task, path: str, text: str, found: Sequence[Symbol], longest: int) -> Symbol | None:
    """The symbol to rewrite in a file that is too long to rewrite whole; None when the task points to none.

    A symbol that the task names, else one that it asks to add, else the one whose name and
    signature match it best. Of a named class longer than `longest` lines, the best matching
    method.
    """
    named = _named(task.text, found)
    new = _added(task.text, path, text, found, named)
    if new:
        return new
    if named and (named.kind != "class" or named.end_line - named.start_line < longest):
        return named
    inside = [symbol for symbol in found if not named or symbol.parent == named.qualified]
    short = [symbol for symbol in inside if symbol.end_line - symbol.start_line < longest]
    return _best(task, short) or named


def _named(text: str, found: Sequence[Symbol]) -> Symbol | None:
    """The symbol that the text names: by qualified name, else the innermost by name."""
    names = [name.replace("::", ".") for name in _IDENTIFIER.findall(text)]
    parts = {part for name in names for part in name.split(".")}
    surely = {part for name in _distinct_names(text) for part in name.split(".")}
    whole = [symbol for symbol in found if symbol.qualified in names and symbol.parent]
    spelled = [symbol for symbol in found if symbol.name in surely] or [s for s in found if _says(parts, s)]
    inner = [s for s in spelled if any(s.parent == other.qualified for other in spelled)]
    return next(iter(whole or inner or spelled), None)


def _says(parts: set[str], symbol: Symbol) -> bool:
    """Whether an ordinary word is the symbol's name, and not one that tasks are full of."""
    return symbol.name in parts and bool(task_words(symbol.name))


def _added(text: str, path: str, source: str, found: Sequence[Symbol], named: Symbol | None) -> Symbol | None:
    match = _NEW_SYMBOL.search(text)
    if match is None:
        return None
    name = _new_name(match, found)
    holder = named if named and named.kind == "class" else None
    return new_symbol(source, path, name, holder) if name or named is None or holder else None


def _new_name(match: re.Match[str], found: Sequence[Symbol]) -> str:
    """The name in "add a function slugify"; "" when the phrase gives none."""
    taken = {symbol.name for symbol in found}
    behind = match["name"] or ""
    names = [*_distinct_names(match[0]), *([behind] if task_words(behind) else [])]
    return next((name for name in names if name not in taken), "")


def _best(task: Task, found: Sequence[Symbol]) -> Symbol | None:
    documents = {str(index): [*words(s.qualified) * 2, *words(s.signature)] for index, s in enumerate(found)}
    best = ranked(task_words(task.text), documents)
    return found[int(best[0])] if best else None
