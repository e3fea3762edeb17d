"""Answers that were to hold a whole file and hold only what is new in it, as small models like to give.

Invariant: nothing of the old text is lost; what the answer does not hold stays.
"""

from __future__ import annotations

from continual_code.agent.formats.splicing import splice
from continual_code.agent.languages import language_of
from continual_code.agent.symbols import new_symbol, symbols


def with_addition(before: str, code: str, path: str) -> str | None:
    """The old text with the new definitions added; None where the answer is not of that kind.

    Raises:
        ProposalError: the new code does not parse.
    """
    language = language_of(path)
    had, has = ({symbol.qualified for symbol in symbols(text, path)} for text in (before, code))
    if language is None or not had or not has or had & has:
        return None
    return splice(before, new_symbol(before, path, ""), code, language.name)
