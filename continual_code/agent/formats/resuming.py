"""Answers that end too early: how they go on."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from continual_code.agent.formats.reading import read_answer
from continual_code.agent.symbols import Symbol, symbols
from continual_code.agent.syntax import fault
from continual_code.errors import ProposalError

_ENDING = re.compile(r"\n`{3,}\s*\Z")


def resumed(answer: str, whole: str, target: str, names: Collection[str]) -> str | None:
    """An answer without its closing fence, and with the beginning of the first definition that it lacks.

    What is begun ends with the definition's name: how it goes on is for the model to say. Above it stands what stands
    above it in `whole`, a decorator say; or, where the answer puts something else than `whole` above the last
    definition of the same kind, that.

    Args:
        answer: up to the end of its code block.
        whole: another answer, which has that definition.
        names: what has to be defined.

    Returns:
        None where nothing is lacking, the answer's code does not compile, or `whole` does not have it at the top of the
        file: where in a class something belongs cannot be told from its end.
    """
    ending, code, pattern = _ENDING.search(answer), _code(answer, target), _code(whole, target)
    if ending is None or code is None or pattern is None or fault(code, target) is not None:
        return None
    lacking = set(names) - {symbol.name for symbol in symbols(code, target)}
    written, given = _top(code, target), _top(pattern, target)
    missing = next((symbol for symbol in given.values() if symbol.name in lacking), None)
    if missing is None:
        return None
    above = _above(missing, pattern)
    if alike := [symbol for symbol in written.values() if symbol.kind == missing.kind]:
        counterpart = given.get(alike[-1].name)
        shown = _above(alike[-1], code)
        above = shown if counterpart is None or _above(counterpart, pattern) != shown else above
    gap = "\n" * _blank_lines_above(missing, pattern.split("\n"))
    return "\n".join((answer[: ending.start()] + gap, *above, _opening(missing)))


def _code(answer: str, target: str) -> str | None:
    try:
        return read_answer(answer, target).code
    except ProposalError:
        return None


def _top(code: str, target: str) -> dict[str, Symbol]:
    return {symbol.name: symbol for symbol in symbols(code, target) if not symbol.parent}


def _above(symbol: Symbol, code: str) -> Sequence[str]:
    """A symbol's lines down to the one that it begins with, without that."""
    own = code.split("\n")[symbol.start_line - 1 : symbol.end_line]
    return own[: next((number for number, line in enumerate(own) if line.startswith(_opening(symbol))), 0)]


def _opening(symbol: Symbol) -> str:
    """How it begins, through its name."""
    named = re.search(rf"\b{re.escape(symbol.name)}\b", symbol.signature)
    return symbol.signature[: named.end()] if named else symbol.signature


def _blank_lines_above(symbol: Symbol, lines: Sequence[str]) -> int:
    before = symbol.start_line - 1
    while before and not lines[before - 1].strip():
        before -= 1
    return symbol.start_line - 1 - before
