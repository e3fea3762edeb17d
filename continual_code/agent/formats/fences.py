"""The fenced blocks of a Markdown answer, as small models write them.

A fence inside the code must not cut it short: of the lines that could close a block, the
one that leaves valid code wins, then the one that balances the openings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_OPENING = re.compile(r"^(?P<indent>[ \t]*(?:[-*]\s+|\d+[.)]\s+)?)(?:\*\*)?(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)$")
# "Here is the code: ```python": the fence begins behind prose, but nothing follows its tag.
_AFTER_PROSE = re.compile(r"^(?P<indent>)[^`]*\S[ \t]*(?P<marks>`{3,})(?P<info>[\w+#.-]*)\s*$")
_MOST_CLOSINGS_TRIED = 16


@dataclass(frozen=True, slots=True)
class Fenced:
    """One block: what its fence says, the line above it, and whether a closing fence was found."""

    info: str
    above: str
    code: str
    complete: bool


@dataclass(frozen=True, slots=True)
class _Fence:
    marks: str
    info: str
    indent: str


def fenced_blocks(answer: str, is_valid: Callable[[str], bool | None], *, prose: bool) -> list[Fenced]:
    """All blocks with something in them, in order.

    Args:
        answer: text with "\\n" line ends.
        is_valid: whether a piece of code is valid on its own; None when nobody can tell.
        prose: the wanted file is itself Markdown or the like, so bare fences inside it are likely.
    """
    lines, blocks, index = answer.split("\n"), list[Fenced](), 0
    while index < len(lines):
        fence = _opening(lines[index])
        if fence is None:
            index += 1
            continue
        end, code, complete = _body(lines, index, fence, is_valid, prose)
        if code.strip():
            above = next((line for line in reversed(lines[:index]) if line.strip()), "")
            blocks.append(Fenced(fence.info, above, code, complete))
        index = end + 1
    return blocks


def is_fence(line: str) -> bool:
    """Whether the line is a fence, opening or closing."""
    return _OPENING.match(line) is not None


def _opening(line: str) -> _Fence | None:
    match = _OPENING.match(line) or _AFTER_PROSE.match(line)
    return _Fence(match["marks"], match["info"].strip(" *\t"), re.sub(r"\S", " ", match["indent"])) if match else None


def _body(
    lines: Sequence[str], start: int, fence: _Fence, is_valid: Callable[[str], bool | None], prose: bool
) -> tuple[int, str, bool]:
    """The last line of the block, its code, and whether it was closed."""
    closings = [index for index in range(start + 1, len(lines)) if _closes(lines[index], fence)]
    if not closings:
        code = _inner(lines, start, len(lines), fence)
        glued = code.rstrip().endswith(fence.marks)
        return len(lines), code.rstrip().removesuffix(fence.marks) if glued else code, glued
    end = _closing(lines, start, fence, closings, is_valid, prose)
    return end, _inner(lines, start, end, fence), True


def _closing(
    lines: Sequence[str],
    start: int,
    fence: _Fence,
    closings: list[int],
    is_valid: Callable[[str], bool | None],
    prose: bool,
) -> int:
    balanced = _balanced(lines, start, fence) or closings[0]
    verdicts = ((index, is_valid(_inner(lines, start, index, fence))) for index in closings[:_MOST_CLOSINGS_TRIED])
    valid = next((index for index, verdict in verdicts if verdict), None)
    if valid is not None:
        return valid
    later = [index for index in range(balanced + 1, len(lines)) if is_fence(lines[index])]
    only_bare_pairs = len(later) % 2 == 0 and all(index in closings for index in later)
    return later[-1] if prose and later and only_bare_pairs else balanced


def _balanced(lines: Sequence[str], start: int, fence: _Fence) -> int | None:
    """The closing line at which as many blocks were closed as opened with a tag."""
    depth = 1
    for index in range(start + 1, len(lines)):
        inner = _OPENING.match(lines[index])
        if inner is None or inner["marks"][0] != fence.marks[0]:
            continue
        if _closes(lines[index], fence):
            depth -= 1
        elif inner["info"].strip():
            depth += 1
        if depth == 0:
            return index
    return None


def _closes(line: str, fence: _Fence) -> bool:
    bare = line.strip(" *\t")
    return len(bare) >= len(fence.marks) and not bare.strip(fence.marks[0])


def _inner(lines: Sequence[str], start: int, end: int, fence: _Fence) -> str:
    """The lines between the fences, without the indentation that the fence itself has."""
    inner = lines[start + 1 : end]
    if fence.indent and all(line.startswith(fence.indent) for line in inner if line.strip()):
        inner = [line.removeprefix(fence.indent) for line in inner]
    return "\n".join(inner)
