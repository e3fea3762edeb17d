"""What an edit adds, and answers that hold only that where a whole file was asked for, as small models like to give.

Invariant: nothing of the old text is lost; what the answer does not hold stays.
"""

from __future__ import annotations

import re

from continual_code.agent.formats.splicing import splice
from continual_code.agent.languages import language_of
from continual_code.agent.symbols import new_symbol, symbols
from continual_code.agent.syntax import fault
from continual_code.agent.targets import asks_for_new

_WORD = re.compile(r"\w+")


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


def asked_for(task: str, before: str | None, after: str, path: str, comment: str) -> frozenset[str]:
    """The names that an edit defines, that were not there before, and that the task asks for in so many words.

    An answer without them does not do the task, whatever else is right about it. What the comment
    names, too, may be what it wants to be gone.
    """
    new = {symbol.name for symbol in symbols(after, path)} - {symbol.name for symbol in symbols(before or "", path)}
    return frozenset(new & set(_WORD.findall(task)) - set(_WORD.findall(comment)))


def adds_nothing(task: str, before: str | None, code: str, path: str) -> bool:
    """Whether the code of an answer is whole and defines nothing new, although the task asks for that."""
    had = symbols(before or "", path)
    is_asked = language_of(path) is not None and asks_for_new(task, had) and fault(code, path) is None
    return is_asked and {each.name for each in symbols(code, path)} <= {each.name for each in had}
