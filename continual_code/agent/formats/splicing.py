"""Putting one rewritten symbol back into its file.

Lines outside the symbol stay as they are, byte for byte, except where the answer brings
imports, constants or helpers of its own, which are placed beside them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from continual_code.agent.formats.fitting import newline_of
from continual_code.agent.formats.indentation import indent_of
from continual_code.agent.formats.pieces import Piece, pieces_of
from continual_code.agent.formats.placing import Parts, Place
from continual_code.agent.languages import Language, named
from continual_code.agent.symbols import Symbol, symbols_in
from continual_code.errors import ProposalError

_TAKES_SELF = re.compile(r"\(\s*(?:&?\s*(?:mut\s+)?self|cls)\b")


def splice(before: str, symbol: Symbol, code: str, language: str) -> str:
    """The file with `symbol` replaced by what `code` holds, or with the new symbol inserted.

    The code may be indented like the original or not at all, and a method may come wrapped
    in its class. A comment right above the new code replaces the one right above the old
    code; if the answer has none, the old one stays. Around the symbol:

    - imports that the file lacks go below its last import;
    - new constants go above the definition, new definitions below it;
    - definitions that repeat what the file has are ignored; so are calls that only show how to
      use the code, and an `if __name__ == "__main__"` block.

    Args:
        before: the old text of the file, any line ends.
        symbol: one of `symbols(before, ...)`, or one that does not exist yet.
        language: `Language.name`.

    Raises:
        ProposalError: the code does not hold exactly that symbol, changes another one that
            the model was not shown, or does not parse.
    """
    known = named(language)
    if known is None:
        _refuse(f"No symbol can be replaced in {language or 'a file of an unknown language'}.")
    newline = newline_of(before)
    raw = f"{before}{newline}".split("\n")[:-1]  # with the "\r" that each line has or has not
    lines = [line.removesuffix("\r") for line in raw]
    plain = code.replace("\r\n", "\n").strip("\n")
    if plain.split("\n") == lines[symbol.start_line - 1 : symbol.end_line]:
        return before
    pieces = pieces_of(_with_first_indent(plain, lines, symbol), known)
    for edit in Place(lines, symbol, known).edits(_sort_out(pieces, symbol, lines, known)):
        raw[edit.start - 1 : edit.end] = [line + newline.removesuffix("\n") for line in edit.lines]
    return ("\n".join(raw) + "\n").removesuffix(newline)


def _with_first_indent(code: str, lines: Sequence[str], symbol: Symbol) -> str:
    """Give the first line its indentation back, where only that line lost it."""
    old = [line for line in lines[symbol.start_line - 1 : symbol.end_line] if line.strip()]
    rest = [line for line in code.split("\n")[1:] if line.strip()]
    is_wrapped = code.startswith("class ") and symbol.kind != "class"
    if len(old) < 2 or not rest or indent_of(code) or is_wrapped:
        return code
    indent = indent_of(old[0])
    lost = indent_of(rest[0]) == indent_of(old[1]) and all(line.startswith(indent) for line in rest)
    return indent + code if lost else code


def _sort_out(pieces: Sequence[Piece], symbol: Symbol, lines: Sequence[str], language: Language) -> Parts:
    found = symbols_in("\n".join(lines), language)
    constants = [piece for piece in pieces if piece.kind == "constant"]
    imports = [piece for piece in pieces if piece.kind == "import"]
    definitions = [piece for piece in pieces if piece.kind == "symbol"]
    if symbol.is_new:
        return Parts(_new_definitions(definitions, symbol, found), constants=constants, imports=imports)
    main = _main(definitions, symbol, lines)
    holder = next((piece for piece in definitions if main in _deep(piece)), None)
    if holder:
        _refuse_other_changes(holder, symbol, lines, language)
    siblings = [member for member in holder.members if member is not main] if holder else []
    others = [piece for piece in definitions if piece is not main and piece is not holder]
    added = _additions([*siblings, *others], symbol, found, lines)
    outside = [piece for piece in added if symbol.parent and _is_outside(piece, piece in others and holder is not None)]
    beside = [piece for piece in added if piece not in outside]
    return Parts([main], beside, outside, constants, imports)


def _is_outside(piece: Piece, beside_class: bool) -> bool:
    """Whether a helper that comes with a method belongs to the top level, not to the class."""
    signature = piece.symbol.signature if piece.symbol else ""
    return not piece.is_member and (beside_class or (not piece.indent and not _TAKES_SELF.search(signature)))


def _deep(piece: Piece) -> list[Piece]:
    return [inner for member in piece.members for inner in (member, *_deep(member))]


def _main(definitions: Sequence[Piece], symbol: Symbol, lines: Sequence[str]) -> Piece:
    """The piece that is the symbol: same name and sort; of several, the one with the same first line."""
    candidates = [inner for piece in definitions for inner in (piece, *_deep(piece))]
    alike = [piece for piece in candidates if piece.symbol and _is_same_sort(piece.symbol, symbol)]
    if not alike:
        names = ", ".join(piece.symbol.name for piece in definitions if piece.symbol)
        _refuse(f"The answer was to hold {symbol.qualified}, but it holds {names}.")
    head = lines[symbol.start_line - 1].strip()
    whole = [piece for piece in alike if piece.symbol and piece.symbol.qualified == symbol.qualified]
    return next((piece for piece in whole or alike if piece.lines[0].strip() == head), (whole or alike)[0])


def _is_same_sort(one: Symbol, other: Symbol) -> bool:
    callables = ("function", "method")
    same_kind = one.kind == other.kind or (one.kind in callables and other.kind in callables)
    return one.name == other.name and same_kind


def _additions(pieces: Sequence[Piece], symbol: Symbol, found: Sequence[Symbol], lines: Sequence[str]) -> list[Piece]:
    """The definitions that the file lacks; those that it has must say the same, or be only hinted at."""
    added = list[Piece]()
    for piece in pieces:
        name = piece.symbol.name if piece.symbol else ""
        namesakes = [other for other in found if other.name == name]
        if not namesakes:
            added.append(piece)
        elif not any(_repeats(piece, lines[other.start_line - 1 : other.end_line]) for other in namesakes):
            _refuse(f"The answer rewrites {name} too, although it was only shown {symbol.qualified}.")
    return added


def _repeats(piece: Piece, old: Sequence[str]) -> bool:
    """Whether a piece is the old definition again, or a first line with nothing behind it."""
    said = [line.strip() for line in piece.lines if line.strip()]
    is_hint = len(said) <= 3 and said[-1].endswith(("...", "pass", "{}"))
    return is_hint or said == [line.strip() for line in old if line.strip()]


def _refuse_other_changes(holder: Piece, symbol: Symbol, lines: Sequence[str], language: Language) -> None:
    """A class around a method may only repeat what the file says."""
    had = {line.strip() for line in lines}
    inside = {line for member in holder.members for line in (*member.lines, *member.comment)}
    is_known_head = any(holder.lines[0].strip() in line for line in had)  # "export" may be missing
    said = [line for line in holder.lines[is_known_head:] if line not in inside and line.strip()]
    rest = [line for line in said if line.strip() not in had]
    changed = next((line.strip() for line in rest if not line.strip().startswith((*language.comment, "..."))), None)
    if changed:
        _refuse(f"The answer changes the class around {symbol.qualified} too: {changed!r}.")


def _new_definitions(definitions: Sequence[Piece], symbol: Symbol, found: Sequence[Symbol]) -> list[Piece]:
    """What to insert: the members of the parent if the answer wraps them in it, and all else that is new."""
    holders = [piece for piece in definitions if piece.symbol and piece.symbol.qualified == symbol.parent != ""]
    pieces = [*(member for piece in holders for member in piece.members)]
    pieces += [piece for piece in definitions if piece not in holders]
    taken = {other.qualified for other in found}
    prefix = f"{symbol.parent}." if symbol.parent else ""
    new = [piece for piece in pieces if piece.symbol and f"{prefix}{piece.symbol.name}" not in taken]
    if not new or (symbol.name and all(piece.symbol and piece.symbol.name != symbol.name for piece in new)):
        _refuse(f"The answer does not hold a new {symbol.name or 'definition'}.")
    return new


def _refuse(what: str) -> NoReturn:
    raise ProposalError(what, kept="Nothing was changed.", do="Ask again, or name the symbol to change.")
