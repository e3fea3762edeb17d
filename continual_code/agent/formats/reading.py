"""What code an answer holds, and for which file.

Lenient on purpose: a small model gets the code right more often than the format around
it. Only a name that the harness knows can redirect an answer to another file; every other
name is noise, and nothing here decides whether the code is any good.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from continual_code.agent.formats.fences import Fenced, fenced_blocks, is_fence
from continual_code.agent.languages import fence_tag, is_prose, language_of
from continual_code.agent.symbols import symbols
from continual_code.agent.syntax import fault, python_tree
from continual_code.errors import ProposalError

_LABEL = re.compile(r"^(?:new\s+)?(?:file\s*name|file\s*path|file|path|title)\s*[:=]\s*", re.IGNORECASE)
_DECORATION = " \t#*`'\"<>!/-:=(){}[]|,"
_PROSE_TAGS = frozenset({"markdown", "md", "rst"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The code of one file or symbol. It ends with a newline; `complete` is False when its fence never closed."""

    path: str
    code: str
    complete: bool


def read_answer(answer: str, target: str, known: Collection[str] = ()) -> Answer:
    """Find the code in a model's answer.

    Of several blocks the one that names `target` counts, else the largest that does not
    name another known file, else the largest. Without a fence the whole answer counts if
    it is valid code for `target`.

    Args:
        answer: what the model wrote, prose and all.
        target: the path that was asked for, relative to the root.
        known: the other paths that may be meant.

    Raises:
        ProposalError: there is no code in it.
    """
    text = answer.replace("\r\n", "\n")
    names = (target, *(path for path in known if path != target))
    blocks = [] if _is_bare_document(text, target) else _blocks(text, target)
    if blocks:
        block, path = _choose(blocks, names)
        return Answer(path or target, _without_path_line(block.code, names), block.complete)
    return _unfenced(text, target, names)


def is_sound(answer: str, target: str, names: Collection[str] = ()) -> bool:
    """Whether an answer holds code that could stand in `target`: a whole file or one symbol that compiles.

    Args:
        names: what it has to define (see `asked_for`).
    """
    try:
        code = textwrap.dedent(read_answer(answer, target).code)
    except ProposalError:
        return False
    return fault(code, target) is None and set(names) <= {symbol.name for symbol in symbols(code, target)}


def _blocks(text: str, target: str) -> list[Fenced]:
    return fenced_blocks(text, lambda code: _is_valid(code, target), prose=is_prose(target))


def _is_valid(code: str, target: str) -> bool | None:
    if language_of(target) is None and fence_tag(target) not in ("json", "toml"):
        return None
    return bool(code.strip()) and fault(textwrap.dedent(code), target) is None


def _choose(blocks: Sequence[Fenced], names: Sequence[str]) -> tuple[Fenced, str | None]:
    meant = [(block, _path_of(block, names)) for block in blocks]
    wanted = [pair for pair in meant if pair[1] == names[0]]
    unnamed = [pair for pair in meant if pair[1] is None]
    return max(wanted or unnamed or meant, key=lambda pair: len(pair[0].code))


def _path_of(block: Fenced, names: Sequence[str]) -> str | None:
    """The known path that a block's fence, the line above it, or its first line names."""
    first = block.code.lstrip("\n").partition("\n")[0]
    places = (*re.split(r"[\s:={}]+", block.info), block.above, _quoted(block.above), _comment_text(first))
    return next((path for place in places if (path := _known_path(place, names))), None)


def _quoted(line: str) -> str:
    """The one thing that a sentence such as "Here is the new `app.py`:" puts in backticks."""
    pieces = re.findall(r"`([^`]+)`", line)
    return pieces[0] if len(pieces) == 1 else ""


def _known_path(text: str, names: Sequence[str]) -> str | None:
    """The name that `text` spells, whatever marks, label or made-up prefix it carries."""
    bare = _LABEL.sub("", text.strip(_DECORATION)).strip(_DECORATION)
    bare = re.sub(r"\s*\([^)]*$", "", bare)  # "app.py (updated)"
    if not bare or " " in bare:
        return None
    spelled = f"/{bare.removeprefix('./').lstrip('/')}"
    exact = [name for name in names if spelled.endswith(f"/{name}")]
    partial = [name for name in names if f"/{name}".endswith(spelled)]
    return max(exact, key=len, default=None) or next(iter(partial), None)


def _comment_text(line: str) -> str:
    """What a first line says if it can only be a name: a comment, or a bare path."""
    return line if re.match(r"\s*(#|//|/\*|--|<!--|;|[\w./-]+\.\w+\s*$)", line) else ""


def _without_path_line(code: str, names: Sequence[str]) -> str:
    """Drop a first line that is a bare path or a labelled comment ("# path: a.py"), which no file begins with."""
    body = code.strip("\n") + "\n"
    first, _, rest = body.partition("\n")
    labelled = _LABEL.match(first.strip(_DECORATION)) is not None and _comment_text(first)
    is_bare = first.strip() in names
    return rest.lstrip("\n") if rest.strip() and (is_bare or (labelled and _known_path(first, names))) else body


def _is_bare_document(text: str, target: str) -> bool:
    """Whether the answer is itself the Markdown file, its fences part of it."""
    tags = {line.strip(" `~").partition(" ")[0].lower() for line in text.split("\n") if is_fence(line)}
    starts = text.lstrip().startswith("# ") and not _known_path(text.lstrip().partition("\n")[0], (target,))
    return is_prose(target) and starts and not (_PROSE_TAGS & tags) and tags != {""}


def _unfenced(text: str, target: str, names: Sequence[str]) -> Answer:
    lines = [line for line in text.strip().split("\n") if not is_fence(line)]
    path = _known_path(lines[0], names) if lines else None
    code = "\n".join(lines[1:] if path else lines).strip("\n")
    if not _is_bare_document(text, target) and not (_is_valid(code, target) and _is_code(code, target)):
        raise ProposalError(
            "The answer holds no code block.", kept="Nothing was changed.", do="Ask again, or name what should change."
        )
    return Answer(path or target, (text.strip("\n") if _is_bare_document(text, target) else code) + "\n", True)


def _is_code(code: str, target: str) -> bool:
    """Whether valid text is more than a word that happens to parse ("Sure" is an expression)."""
    if fence_tag(target) != "python":
        return re.search(r"[(){}\[\]=;]", code) is not None
    tree = python_tree(textwrap.dedent(code))
    return tree is not None and any(
        not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body
    )
