"""The part of a file that a person edited which stands for an answer of one symbol."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from continual_code.agent.formats.imports import missing_imports
from continual_code.agent.formats.indentation import indent_of
from continual_code.agent.formats.pieces import Piece, pieces_of
from continual_code.agent.formats.reading import read_answer
from continual_code.agent.languages import language_of
from continual_code.agent.symbols import Symbol, import_ranges, symbols_in
from continual_code.errors import ProposalError


def excerpt(edited: str, before: str, answer: str, path: str) -> str:
    """What the answer would have been if it had brought the file to where the person did.

    That is the definitions that the answer has, as the edited file has them, and the definitions and imports that are
    new in it. The whole file where it has none of the answer's: then the person did something else.

    Args:
        edited: the whole file, by the person.
        before: the whole file, as it was.
        answer: one symbol of it, as the model wrote it, prose and all.
    """
    language = language_of(path)
    try:
        code = read_answer(answer, path).code
        pieces = pieces_of(code, language) if language else []
    except ProposalError:
        return edited
    if language is None:
        return edited
    old, found = symbols_in(before, language), symbols_in(edited, language)
    had, names = {each.qualified for each in old}, set(_names([piece for piece in pieces if piece.symbol], old))
    chosen = [each for each in found if each.name in names or each.qualified not in had]
    kept = [each for each in chosen if not any(_holds(other, each) for other in chosen if other is not each)]
    if not any(each.name in names for each in kept):
        return edited
    lines = edited.replace("\r\n", "\n").split("\n")
    new = ["\n".join(lines[start - 1 : end]) for start, end in import_ranges(edited, language)]
    texts = ["\n".join(lines[each.start_line - 1 : each.end_line]) for each in kept]
    if not any(indent_of(piece.lines[0]) for piece in pieces):
        texts = [textwrap.dedent(text) for text in texts]
    imports = "\n".join(missing_imports(before, new, language))
    return "\n\n".join([*([imports] if imports else []), *texts]) + "\n"


def _names(pieces: Sequence[Piece], had: Sequence[Symbol]) -> Iterator[str]:
    """Of what the answer defines; of a class that only holds the method that was asked for, the method's."""
    for piece in pieces:
        name = piece.symbol.name if piece.symbol else ""
        members = {each.name for each in had if each.parent.rpartition(".")[2] == name}
        if piece.members and not members <= {each.symbol.name for each in piece.members if each.symbol}:
            yield from _names(piece.members, had)
        else:
            yield name


def _holds(outer: Symbol, inner: Symbol) -> bool:
    return outer.start_line <= inner.start_line and inner.end_line <= outer.end_line
