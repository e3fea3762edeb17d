"""What may be offered to a person: an edit that is whole, compiles, and loses nothing on the quiet.

Every refusal is a `ProposalError` that says why. Faults that the file had before are never
held against the edit.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence

from continual_code.agent.formats.elision import placeholder
from continual_code.agent.formats.fences import is_fence
from continual_code.agent.languages import is_prose, language_of
from continual_code.agent.symbols import Symbol, symbols
from continual_code.agent.syntax import error_lines, fault, python_tree
from continual_code.agent.targets import asks_to_add
from continual_code.errors import ProposalError

_MEANS_LESS = re.compile(
    r"\b(remov|delet|drop|simplif|split|extract|mov(e|ing)\b|shorte|reduc|merg|consolidat|prun|condens|cut|renam|replac"
    r"|get(ting)? rid|strip down)",
    re.IGNORECASE,
)
_LONG_ENOUGH_TO_LOSE = 20  # lines that are not blank
_LONGEST_PERIOD, _LEAST_REPEATS, _LEAST_REPEATED_LINES, _SAME_LINE_REPEATS = 40, 4, 12, 8


def check(before: str | None, after: str, path: str, *, task: str) -> None:
    """Refuse an edit that should not be shown.

    Refused are: no text or only fence marks, nothing changed, a placeholder for code
    ("# ... rest unchanged"), more than half of a file of 20 lines lost, or any definition where
    something is to be added, although the task does not speak of removing, the same lines
    over and over, text that does not compile although the old text did.

    Args:
        before: the old text; None for a file that does not exist yet.
        after: the new text of the whole file.
        path: its path, which says what language it is in.
        task: what the person asked for.

    Raises:
        ProposalError: with the reason.
    """
    reason = (
        _nothing(before or "", after, path)
        or placeholder(before or "", after, path)
        or _loss(before or "", after, path, task)
        or _repetition(before or "", after)
        or _fault(before, after, path)
    )
    if reason:
        raise ProposalError(reason, kept=f"{path} is unchanged.", do="Ask again, in smaller steps if it repeats.")


def means_less(task: str) -> bool:
    """Whether a task speaks of removing something."""
    return _MEANS_LESS.search(task) is not None


def _nothing(before: str, after: str, path: str) -> str | None:
    if not after.strip():
        return f"The answer leaves nothing in {path}."
    if after == before:
        return "The answer is the file as it is: nothing changed."
    if all(is_fence(line) for line in after.split("\n") if line.strip()):
        return "The answer holds only fence marks."
    had = set(before.split("\n"))
    stray = next((line for line in after.split("\n") if is_fence(line) and line not in had), None)
    if stray is not None and not is_prose(path) and not _in_valid_code(after, path):
        return "The answer mixes Markdown fences into the file."
    return "The answer is prose, not code." if _is_prose_as_python(after, path) else None


def _in_valid_code(after: str, path: str) -> bool:
    """Whether a fence line can only be part of a string or comment: the text follows the language's syntax."""
    return language_of(path) is not None and fault(after, path) is None


def _is_prose_as_python(after: str, path: str) -> bool:
    """A word or two parse as Python names; no file consists of those."""
    tree = python_tree(after) if path.endswith(".py") else None
    names = (ast.Name, ast.BoolOp, ast.Compare, ast.UnaryOp)
    body = tree.body if tree else []
    return bool(body) and all(isinstance(node, ast.Expr) and isinstance(node.value, names) for node in body)


def _loss(before: str, after: str, path: str, task: str) -> str | None:
    if means_less(task):
        return None
    old, new = (sum(bool(line.strip()) for line in text.split("\n")) for text in (before, after))
    if old >= _LONG_ENOUGH_TO_LOSE and new * 2 < old:
        return f"The answer keeps {new} of {old} lines of {path}, and the task does not ask to remove any."
    had, has = (symbols(text, path) for text in (before, after))
    lost = _lost(had, has, top_level=asks_to_add(task))
    most = old >= _LONG_ENOUGH_TO_LOSE and len(has) < len(had) and lost * 2 > len(had)
    if lost and (most or asks_to_add(task)) and fault(after, path) is None:
        return f"The answer drops {lost} of {len(had)} definitions of {path}, and the task does not ask for that."
    return None


def _lost(had: Sequence[Symbol], has: Sequence[Symbol], *, top_level: bool) -> int:
    """How many definitions are gone; a method may go when its class is written in another way."""
    old, new = ([s.qualified for s in found if not (top_level and s.parent)] for found in (had, has))
    return sum((Counter(old) - Counter(new)).values())


def _repetition(before: str, after: str) -> str | None:
    old, new = ([line.rstrip() for line in text.split("\n") if line.strip()] for text in (before, after))
    for period in range(1, _LONGEST_PERIOD + 1):
        end, repeats = _longest_run(new, period)
        block = new[end - period : end]
        if _is_loop(block, repeats) and repeats > _longest_run(old, period)[1]:
            return f"The answer repeats the same {period} line(s) {repeats} times."
    return None


def _longest_run(lines: list[str], period: int) -> tuple[int, int]:
    """Where the longest run of a block of `period` lines ends, and how often the block stands there."""
    best_end, best, run = 0, 0, 0
    for index in range(period, len(lines)):
        run = run + 1 if lines[index] == lines[index - period] else 0
        if run > best:
            best_end, best = index + 1, run
    return best_end, best // period + 1


def _is_loop(block: list[str], repeats: int) -> bool:
    says_something = any(re.search(r"\w{2}", line) for line in block)
    if len(block) == 1:
        return says_something and repeats >= _SAME_LINE_REPEATS
    return says_something and repeats >= _LEAST_REPEATS and repeats * len(block) >= _LEAST_REPEATED_LINES


def _fault(before: str | None, after: str, path: str) -> str | None:
    found = fault(after, path)
    if found is None or (before is not None and before.strip() and _was_as_bad(before, after, path)):
        return None
    return f"The answer does not compile: {found}."


def _was_as_bad(before: str, after: str, path: str) -> bool:
    if fault(before, path) is None:
        return False
    worse = len(error_lines(after, path)) > len(error_lines(before, path))
    return not worse
