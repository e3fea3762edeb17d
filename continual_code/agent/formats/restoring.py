"""What an answer leaves out of a file that it should only add to: it stays, as if the answer had repeated it.

Small models leave out definitions that have nothing to do with what they add.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import takewhile

from continual_code.agent.formats.checks import means_less
from continual_code.agent.formats.fitting import newline_of
from continual_code.agent.formats.imports import missing_imports, with_imports
from continual_code.agent.languages import Language, language_of
from continual_code.agent.symbols import Symbol, import_ranges, symbols
from continual_code.agent.syntax import fault
from continual_code.agent.targets import asks_to_add

_WORD = re.compile(r"\w+")
_OF_IMPORTS = frozenset({"import", "from", "as", "use"})


def with_what_it_lost(before: str, after: str, path: str, task: str) -> str:
    """The new text with the definitions of the old text's top level that it lacks, each behind the one before it.

    What they need of the old text's imports comes with them. Nothing is put back where the task does not ask for
    something new, or speaks of removing, and where the new text has none of the old definitions, adds none, or does not
    compile.
    """
    language = language_of(path)
    if language is None or not asks_to_add(task) or means_less(task) or fault(after, path) is not None:
        return after
    had, has = _top(before, path), _top(after, path)
    lost = [each for each in had if each.name not in {other.name for other in has}]
    if not lost or len(lost) == len(had) or {each.name for each in has} <= {each.name for each in had}:
        return after
    old, newline = before.split("\n"), newline_of(before).removesuffix("\n")
    restored = list[str]()
    for each in lost:
        start = _first_line(each, old, language)
        block = old[start - 1 : each.end_line]
        gap = [newline] * (_blank_lines_above(start, old) or 1)
        after = _inserted(after, block, gap, {other.name for other in had[: had.index(each)]}, path, language)
        restored += block
    return with_imports(after, _needed(before, after, restored, language), language)


def _top(text: str, path: str) -> list[Symbol]:
    return [symbol for symbol in symbols(text, path) if not symbol.parent]


def _inserted(
    text: str, block: Sequence[str], gap: Sequence[str], above: Container[str], path: str, language: Language
) -> str:
    """With the block behind the last definition of those above it, or else before the first one."""
    lines, here = text.split("\n"), _top(text, path)
    behind = [symbol.end_line for symbol in here if symbol.name in above]
    if behind:
        return "\n".join((*lines[: behind[-1]], *gap, *block, *lines[behind[-1] :]))
    start = _first_line(here[0], lines, language) - 1
    return "\n".join((*lines[:start], *block, *gap, *lines[start:]))


def _first_line(symbol: Symbol, lines: Sequence[str], language: Language) -> int:
    """Of the comment right above it, if there is one."""
    start = symbol.start_line
    while start > 1 and lines[start - 2].startswith(language.comment):
        start -= 1
    return start


def _blank_lines_above(start: int, lines: Sequence[str]) -> int:
    above = list(takewhile(lambda line: not line.strip(), reversed(lines[: start - 1])))
    return len(above)


def _needed(before: str, after: str, restored: Sequence[str], language: Language) -> list[str]:
    """The imports that the new text lost, and that name something in what is restored."""
    lines, said = before.split("\n"), set(_WORD.findall("\n".join(restored)))
    had = ["\n".join(lines[first - 1 : last]) for first, last in import_ranges(before, language)]
    lost = missing_imports(after, had, language)
    return [unit for unit in lost if said & (set(_WORD.findall(unit)) - _OF_IMPORTS)]
