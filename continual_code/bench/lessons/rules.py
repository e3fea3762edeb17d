"""The rules of the lessons benchmark: what a developer says once, and how to see whether an edit follows it.

Invariant: an edit that adds nothing, only comments, or nothing that can be parsed never follows a rule.

The expressions of a rules file are evaluated as Python and may do whatever Python can. Such a
file is the person's own, like a test file; never load one that came from elsewhere unread.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import io
import json
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field, ValidationError, model_validator

from continual_code.diffs import hunks_of
from continual_code.errors import UsageError

Function = ast.FunctionDef | ast.AsyncFunctionDef
Split = Literal["tune", "score"]
_COMMENT = re.compile(r"\s*#")


@dataclass(frozen=True, slots=True)
class Exercise:
    """One thing to ask for. Equal content has an equal `id`, so that answers can be shared between rules.

    `file` is the path to edit, relative to the project; `files` are the texts of the project by path.
    """

    id: str
    task: str
    file: str
    files: Mapping[str, str] = field(hash=False)


@dataclass(frozen=True)
class Rule:
    """A comment, the tasks to try it on, and how to see whether an edit follows it.

    The comment is given once, on one of `correct_on`; it should then hold on `siblings`
    and have no effect on `unrelated`. Rules of the split "tune" are for choosing settings.
    """

    id: str
    group: str
    comment: str
    split: Split
    correct_on: tuple[Exercise, ...]
    siblings: tuple[Exercise, ...]
    unrelated: tuple[Exercise, ...]
    _check: str = field(repr=False)
    _applied: str | None = field(repr=False)

    def follows(self, before: str, after: str, path: str) -> bool:
        """Whether what the edit added follows the rule; `before` is "" for a new file."""
        src = added(before, after, path)
        tree = _parsed(src) if not path.endswith(".py") or _parsed(after) else None
        return tree is not None and bool(tree.body) and _holds(self._check, src, tree, before, after)

    def applied(self, before: str, after: str, path: str) -> bool:
        """Whether the edit of an unrelated file shows the rule, where it has no place."""
        if not self._applied:
            return self.follows(before, after, path)
        src = added(before, after, path)
        tree = _parsed(src) or ast.Module([], [])
        return bool(src.strip()) and _holds(self._applied, src, tree, before, after)


def added(before: str, after: str, path: str) -> str:
    """What an edit added or changed: statements and comments of a Python module, lines of anything else."""
    before, after = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (before, after))
    if path.endswith(".py") and _parsed(after) is not None:
        known = set(_pieces(before))
        return "\n".join(piece for piece in _pieces(after) if piece not in known)
    return "".join(line for hunk in hunks_of(before, after) for line in hunk.new_lines)


def _pieces(text: str) -> Iterator[str]:
    """The top-level statements with their decorators, and the comment lines between them, in order."""
    tree, lines, reached = _parsed(text), text.removeprefix("\ufeff").split("\n"), 0
    for node in tree.body if tree else ():
        first = min(part.lineno for part in [node, *getattr(node, "decorator_list", [])]) - 1
        yield from filter(_COMMENT.match, lines[reached:first])
        last = node.end_lineno or 0
        if last > reached:  # a second statement on the same line came with the first
            yield "\n".join(lines[max(first, reached) : last])
        reached = max(reached, last)
    yield from filter(_COMMENT.match, lines[reached:])


def _parsed(text: str) -> ast.Module | None:
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


def _holds(expression: str, src: str, tree: ast.Module, before: str, after: str) -> bool:
    """Evaluate an expression; one that fails on some code does not hold for it."""
    funcs = [node for node in ast.walk(tree) if isinstance(node, Function)]
    given = {"src": src, "tree": tree, "funcs": funcs, "before": before, "after": after}
    try:
        return bool(eval(f"({expression}\n)", {**_WORDS, **given}))
    except Exception:
        return False


class _Asked(BaseModel):
    task: str = Field(min_length=1, validation_alias=AliasChoices("task", "prompt", "text"))
    file: str | None = Field(None, validation_alias=AliasChoices("file", "path"))
    files: dict[str, str] = {}
    code: str | None = None
    project: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"task": value} if isinstance(value, str) else value


class _Tasks(BaseModel):
    correct_on: list[_Asked] = Field(min_length=1)
    siblings: list[_Asked] = Field(min_length=1)
    unrelated: list[_Asked] = []


class _Stated(BaseModel):
    id: str = Field(min_length=1)
    comment: str = Field(min_length=1)
    check: str
    applied: str | None = None
    group: str = "own"
    split: Split = "score"
    tasks: _Tasks | str | None = None


class _File(BaseModel):
    rules: list[_Stated] = Field(min_length=1)
    tasks: _Tasks | None = None
    pools: dict[str, _Tasks] = {}
    projects: dict[str, dict[str, str]] = {}


def load_rules(path: Path | None) -> tuple[Rule, ...]:
    """The rules of a file, or the built-in ones for None.

    Raises:
        UsageError: the file cannot be read, or a rule in it is wrong; names the rule and the field.
    """
    source, raw = path or Path(__file__).with_name("rules.json"), None
    try:
        raw = json.loads(source.read_text(encoding="utf-8"))
        content = _File.model_validate(raw)
        return tuple(_rule(stated, content) for stated in content.rules)
    except (OSError, ValueError) as error:
        why = _first(error, raw) if isinstance(error, ValidationError) else str(error)
        raise UsageError(f"The rules in {source} cannot be used: {why}.", do="Correct the file.") from error


def _first(error: ValidationError, raw: Any) -> str:
    """The first fault and its place; inside a rule the place begins with the id of the rule."""
    fault = error.errors()[0]
    place = [str(part) for part in fault["loc"] if part not in ("_Tasks", "str")]
    if place[:1] == ["rules"] and len(place) > 1:
        rule = raw["rules"][int(place[1])]
        name = rule.get("id") if isinstance(rule, dict) else None
        place = [f"rule {name or int(place[1]) + 1}: {'.'.join(place[2:])}"]
    return f"{'.'.join(place) or 'the file'}: {fault['msg']}"


def _rule(stated: _Stated, content: _File) -> Rule:
    place = f"rule {stated.id}"
    if [other.id for other in content.rules].count(stated.id) > 1:
        raise ValueError(f"{place}: id: two rules have it")
    for name, expression in (("check", stated.check), ("applied", stated.applied or "True")):
        _checked(expression, f"{place}: {name}")
    tasks = content.pools.get(stated.tasks) if isinstance(stated.tasks, str) else stated.tasks or content.tasks
    if tasks is None:
        raise ValueError(f"{place}: tasks: there are none called {stated.tasks or 'tasks'}")
    exercises = [
        tuple(_exercise(asked, content, f"{place}: tasks") for asked in kind)
        for kind in (tasks.correct_on, tasks.siblings, tasks.unrelated)
    ]
    texts = (stated.id, stated.group, stated.comment, stated.split)
    return Rule(*texts, *exercises, _check=stated.check, _applied=stated.applied)


def _checked(expression: str, place: str) -> None:
    """Refuse what cannot be evaluated, or names something that no check is given."""
    tree = _parsed(f"({expression}\n)") if expression.strip() else None
    if tree is None:
        raise ValueError(f"{place}: {expression!r} is not a Python expression")
    nodes = list(ast.walk(tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)} | {*_WORDS, *_GIVEN, *dir(builtins)}
    unknown = sorted({node.id for node in nodes if isinstance(node, ast.Name)} - bound)
    if unknown:
        raise ValueError(f"{place}: nothing is called {unknown[0]}")


def _exercise(asked: _Asked, content: _File, place: str) -> Exercise:
    if asked.project is not None and asked.project not in content.projects:
        raise ValueError(f"{place}: there is no project {asked.project}")
    files = {**content.projects.get(asked.project or "", {}), **asked.files}
    file = asked.file or (next(iter(files)) if len(files) == 1 else "answer.py")
    if asked.code is not None:
        files[file] = asked.code
    digest = hashlib.sha256(json.dumps([asked.task, file, files], sort_keys=True).encode()).hexdigest()
    return Exercise(f"{PurePosixPath(file).stem}-{digest[:12]}", asked.task, file, files)
