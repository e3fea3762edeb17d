"""The rules of the lessons benchmark: what a developer says once, and how to see whether an edit follows it.

Invariant: an edit that adds nothing, only comments, or nothing that can be parsed never follows a rule.

The expressions of a rules file are evaluated as Python and may do whatever Python can. Such a
file is the person's own, like a test file; never load one that came from elsewhere unread.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import AliasChoices, BaseModel, Field, ValidationError, model_validator

from continual_code.bench.lessons.checks import added, holds, parsed, require_expression
from continual_code.errors import UsageError

Split = Literal["tune", "score", "unseen"]


@dataclass(frozen=True, slots=True)
class Exercise:
    """One thing to ask for. Equal content has an equal `id`, so that answers can be shared between rules.

    `file` is the path to edit, relative to the project; `files` are the texts of the project by path.
    """

    id: str
    task: str
    file: str
    files: Mapping[str, str] = field(hash=False)

    @property
    def place(self) -> tuple[str, str]:
        """The file that is edited, and its text. One that is still to be written is nobody else's."""
        return self.file, self.files.get(self.file, self.id)


@dataclass(frozen=True)
class Rule:
    """A comment, the tasks to try it on, and how to see whether an edit follows it.

    The comment is given once, on one of `correct_on`; it should then hold on `siblings`
    and have no effect on `unrelated`. Siblings come from each file in turn, from that of the first lesson last: the
    first few show whether a lesson reaches further than its file. Rules of the split "tune" are for choosing
    settings; those of "unseen" were written when the learner was done, and nothing of it was chosen or changed by them.
    `flip` is what the same person may say later, of the same tasks, to the contrary.
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
    flip: Rule | None = None

    def follows(self, before: str, after: str, path: str) -> bool:
        """Whether what the edit added follows the rule; `before` is "" for a new file."""
        src = added(before, after, path)
        tree = parsed(src) if not path.endswith(".py") or parsed(after) else None
        return tree is not None and bool(tree.body) and holds(self._check, src, tree, before, after)

    def applied(self, before: str, after: str, path: str) -> bool:
        """Whether the edit of an unrelated file shows the rule, where it has no place."""
        if not self._applied:
            return self.follows(before, after, path)
        src = added(before, after, path)
        tree = parsed(src) or ast.Module([], [])
        return bool(src.strip()) and holds(self._applied, src, tree, before, after)


class _Asked(BaseModel):
    task: str = Field(min_length=1, validation_alias=AliasChoices("task", "prompt", "text"))
    file: str | None = Field(None, validation_alias=AliasChoices("file", "path"))
    files: dict[str, str] = {}
    code: str | None = Field(None, validation_alias=AliasChoices("code", "content", "source"))
    project: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return {"task": value} if isinstance(value, str) else value


class _Tasks(BaseModel):
    correct_on: list[_Asked] = Field(min_length=1)
    siblings: list[_Asked] = Field(min_length=1)
    unrelated: list[_Asked] = []


class _Flip(BaseModel):
    comment: str = Field(min_length=1)
    check: str


class _Stated(BaseModel):
    id: str = Field(min_length=1)
    comment: str = Field(min_length=1)
    check: str
    applied: str | None = None
    group: str = "own"
    split: Split = "score"
    flip: _Flip | None = None
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
    flip = stated.flip
    expressions = {"check": stated.check, "applied": stated.applied or "True", "flip": flip.check if flip else "True"}
    for name, expression in expressions.items():
        require_expression(expression, f"{place}: {name}")
    tasks = content.pools.get(stated.tasks) if isinstance(stated.tasks, str) else stated.tasks or content.tasks
    if tasks is None:
        raise ValueError(f"{place}: tasks: there are none called {stated.tasks or 'tasks'}")
    exercises = [
        tuple(_exercise(asked, content, f"{place}: tasks") for asked in kind)
        for kind in (tasks.correct_on, tasks.siblings, tasks.unrelated)
    ]
    correct_on, siblings, unrelated = exercises
    rule = Rule(
        stated.id, stated.group, stated.comment, stated.split, correct_on, _by_turns(siblings, correct_on[0]),
        unrelated, _check=stated.check, _applied=stated.applied,
    )  # fmt: skip
    if flip is None:
        return rule
    return replace(rule, flip=replace(rule, id=f"{rule.id}, flipped", comment=flip.comment, _check=flip.check))


def _by_turns(siblings: Sequence[Exercise], lesson: Exercise) -> tuple[Exercise, ...]:
    """One of each file in turn, those in the lesson's last."""
    by_file: dict[tuple[str, str], list[Exercise]] = {}
    for each in siblings:
        by_file.setdefault(each.place, []).append(each)
    others_first = sorted(by_file.values(), key=lambda tasks: tasks[0].place == lesson.place)
    return tuple(each for turn in zip_longest(*others_first) for each in turn if each)


def _exercise(asked: _Asked, content: _File, place: str) -> Exercise:
    if asked.project is not None and asked.project not in content.projects:
        raise ValueError(f"{place}: there is no project {asked.project}")
    files = {**content.projects.get(asked.project or "", {}), **asked.files}
    file = asked.file or (next(iter(files)) if len(files) == 1 else "answer.py")
    if asked.code is not None:
        files[file] = asked.code
    digest = hashlib.sha256(json.dumps([asked.task, file, files], sort_keys=True).encode()).hexdigest()
    return Exercise(f"{PurePosixPath(file).stem}-{digest[:12]}", asked.task, file, files)
