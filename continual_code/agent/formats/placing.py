"""Where the pieces of an answer go in the file, as edits of whole lines.

Pieces take on the indentation of the place they go to; no edit reaches beyond the symbol's
own lines and the comment above them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from continual_code.agent.formats.imports import new_import_lines
from continual_code.agent.formats.indentation import indent_of, reindent, unit_of
from continual_code.agent.formats.pieces import Piece, attached_comment
from continual_code.agent.languages import PYTHON, Language
from continual_code.agent.symbols import Symbol, symbols_in


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines start..end, counted from 1, become `lines`; `end` is `start - 1` to insert."""

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """An answer sorted out: the symbol (several when new), what stands beside it, and at the top level."""

    main: Sequence[Piece]
    beside: Sequence[Piece] = ()
    outside: Sequence[Piece] = ()
    constants: Sequence[Piece] = ()
    imports: Sequence[Piece] = ()


class Place:
    """A symbol's place in its file. `lines` are without line ends."""

    def __init__(self, lines: Sequence[str], symbol: Symbol, language: Language) -> None:
        self._lines, self._symbol, self._language = lines, symbol, language
        self._old = lines[symbol.start_line - 1 : symbol.end_line]
        self._step = unit_of(lines)
        self._symbols = symbols_in("\n".join(lines), language)
        self._indent = indent_of(self._old[0]) if self._old else self._member_indent()
        self._top = self._outermost()

    def edits(self, parts: Parts) -> list[Edit]:
        """The edits, lowest in the file first, so that applying one moves none of the others."""
        own = self._insertion(parts.main) if self._symbol.is_new else self._replacement(parts.main[0], parts.beside)
        edits = [own, *self._below(parts.outside), *self._constants(parts.constants), *self._imports(parts.imports)]
        return sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True)

    def _replacement(self, main: Piece, beside: Sequence[Piece]) -> Edit:
        above = attached_comment(self._lines[: self._symbol.start_line - 1], self._language) if main.comment else 0
        new = [*self._moved(main, self._indent)]
        for piece in beside:
            new += [*self._gap(self._indent), *self._moved(piece, self._indent)]
        return Edit(self._symbol.start_line - above, self._symbol.end_line, tuple(new))

    def _insertion(self, main: Sequence[Piece]) -> Edit:
        at, gap = self._symbol.start_line, self._gap(self._indent)
        new = [line for piece in main for line in (*gap, *self._moved(piece, self._indent))]
        previous, following = self._lines[: at - 1], "".join(self._lines[at - 1 : at]).strip()
        new = new[min(len(gap), _blanks_at_end(previous)) :]
        return Edit(at, at - 1, tuple([*new, *gap] if following and not following.startswith("}") else new))

    def _below(self, pieces: Sequence[Piece]) -> list[Edit]:
        """New top-level definitions below the outermost definition around the symbol."""
        new = [line for piece in pieces for line in (*self._gap(""), *self._moved(piece, ""))]
        at = self._top[1] + 1
        return [Edit(at, at - 1, tuple(new))] if new else []

    def _constants(self, pieces: Sequence[Piece]) -> list[Edit]:
        had = {line.strip() for line in self._lines}
        new = [piece for piece in pieces if piece.lines[0].strip() not in had]
        members, tops = ([p for p in new if p.is_member is is_member] for is_member in (True, False))
        at = self._symbol.start_line - attached_comment(self._lines[: self._symbol.start_line - 1], self._language)
        places = ((members, at, self._indent), (tops, self._top[0], ""))
        return [self._above(pieces, line, indent) for pieces, line, indent in places if pieces]

    def _above(self, pieces: Sequence[Piece], at: int, indent: str) -> Edit:
        new = [line for piece in pieces for line in self._moved(piece, indent)]
        return Edit(at, at - 1, (*new, *self._gap(indent)))

    def _imports(self, pieces: Sequence[Piece]) -> list[Edit]:
        wanted = ["\n".join(piece.lines) for piece in pieces]
        at, new = new_import_lines(self._lines, wanted, self._language)
        return [Edit(at, at - 1, tuple(new))] if new else []

    def _moved(self, piece: Piece, wanted: str) -> list[str]:
        comment = [wanted + line.removeprefix(piece.indent) for line in piece.comment]
        return comment + reindent(piece.lines, piece.data, piece.indent, wanted, self._step, self._old)

    def _gap(self, indent: str) -> list[str]:
        return [""] * (2 if self._language is PYTHON and not indent else 1)

    def _outermost(self) -> tuple[int, int]:
        """First line, comment included, and last line of the outermost definition around the symbol."""
        line = self._symbol.start_line
        around = [s for s in self._symbols if s.start_line <= line <= s.end_line]
        start, end = (around[0].start_line, around[0].end_line) if around else (line, self._symbol.end_line)
        return start - attached_comment(self._lines[: start - 1], self._language), end

    def _member_indent(self) -> str:
        """How a new member of the symbol's parent is indented."""
        parent = next((s for s in self._symbols if s.qualified == self._symbol.parent), None)
        if parent is None or not parent.start_line < self._symbol.start_line <= parent.end_line + 1:
            return ""
        member = next((s for s in self._symbols if s.parent == parent.qualified), None)
        outer = indent_of(self._lines[parent.start_line - 1])
        return indent_of(self._lines[member.start_line - 1]) if member else outer + self._step


def _blanks_at_end(lines: Sequence[str]) -> int:
    """How many blank lines there are; as many as needed where nothing, or an opening brace, comes before."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if not filled or lines[filled[-1]].rstrip().endswith("{"):
        return len(lines) + 2
    return len(lines) - 1 - filled[-1]
