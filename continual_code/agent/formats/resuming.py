"""Answers that end too early: how they go on."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Sequence

from continual_code.agent.formats.reading import read_answer
from continual_code.agent.symbols import Symbol, symbols
from continual_code.agent.syntax import fault
from continual_code.errors import ProposalError

_ENDING = re.compile(r"\n`{3,}\s*\Z")


def resumed(answer: str, whole: str, target: str, names: Collection[str]) -> str | None:
    """An answer without its closing fence, and with the beginning of the first definition that it lacks.

    What is begun ends with the definition's name: how it goes on is for the model to say. Above it stands what stands
    above the last definition of its kind in the answer, a decorator say, else what does in `whole`.

    Args:
        answer: up to the end of its code block.
        whole: another answer, which has that definition.
        names: what has to be defined.

    Returns:
        None where nothing is lacking, the answer's code does not compile, or `whole` does not have it.
    """
    ending, code, pattern = _ENDING.search(answer), _code(answer, target), _code(whole, target)
    if ending is None or code is None or pattern is None or fault(code, target) is not None:
        return None
    written, lines = symbols(code, target), pattern.split("\n")
    lacking = set(names) - {symbol.name for symbol in written}
    missing = next((symbol for symbol in symbols(pattern, target) if symbol.name in lacking), None)
    if missing is None:
        return None
    *above, named = _head(missing, lines)
    alike = [symbol for symbol in written if symbol.kind == missing.kind]
    if alike:
        *above, _ = _head(alike[-1], code.split("\n"))
    gap = "\n" * _blank_lines_above(missing, lines)
    return "\n".join((answer[: ending.start()] + gap, *above, _up_to(missing.name, named)))


def _code(answer: str, target: str) -> str | None:
    try:
        return textwrap.dedent(read_answer(answer, target).code)
    except ProposalError:
        return None


def _head(symbol: Symbol, lines: Sequence[str]) -> Sequence[str]:
    """A symbol's lines down to the one with its name."""
    own = lines[symbol.start_line - 1 : symbol.end_line]
    return own[: next((number for number, line in enumerate(own, 1) if _up_to(symbol.name, line)), 1)]


def _up_to(name: str, line: str) -> str:
    found = re.match(rf".*?\b{re.escape(name)}\b", line)
    return found[0] if found else ""


def _blank_lines_above(symbol: Symbol, lines: Sequence[str]) -> int:
    before = symbol.start_line - 1
    while before and not lines[before - 1].strip():
        before -= 1
    return symbol.start_line - 1 - before
