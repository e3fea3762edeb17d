"""Answers that show without end how their code is used, as small models like to."""

from __future__ import annotations

from collections.abc import Collection

from continual_code.agent.formats.pieces import pieces_of
from continual_code.agent.formats.reading import read_answer
from continual_code.agent.languages import language_of
from continual_code.agent.symbols import symbols_in
from continual_code.agent.syntax import fault
from continual_code.errors import ProposalError

LAST_STATEMENT = 8  # lines that may have been cut off in the middle


def up_to_its_examples(answer: str, target: str, before: str, known: Collection[str] = ()) -> str | None:
    """The code of an answer whose block never closed, without the calls behind its last definition.

    What the file had there before stays. None where the answer goes on about something else: of that nobody can tell
    what is missing.

    Args:
        known: see `read_answer`.
    """
    language = language_of(target)
    try:
        found = read_answer(answer, target, known)
        lines = found.code.split("\n")
        beginnings = ("\n".join(lines[: len(lines) - cut]) for cut in range(min(LAST_STATEMENT, len(lines))))
        code = next((each for each in beginnings if fault(each, target) is None), None)
        if language is None or code is None or found.complete or found.path != target:
            return None
        kinds = [piece.kind for piece in pieces_of(code, language)]
    except ProposalError:
        return None
    if kinds[-1] == "symbol" or "usage" not in kinds[len(kinds) - kinds[::-1].index("symbol") :]:
        return None
    end = max(symbol.end_line for symbol in symbols_in(code, language))
    had = {line.strip() for line in before.split("\n")} - {""}
    kept = max((number for number, line in enumerate(lines, 1) if number > end and line.strip() in had), default=end)
    return "\n".join(lines[:kept]) + "\n"
