"""What the model gets to see for a task, within an explicit budget.

The target always fits, or the task is refused with its size; of everything else, what was
left out or cut is said in `left_out`. Nothing is truncated silently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from continual_code.agent.formats.pieces import attached_comment
from continual_code.agent.languages import language_of
from continual_code.agent.relevance import task_words
from continual_code.agent.repository import MOST_FILES, Repository
from continual_code.agent.symbols import Symbol, import_ranges
from continual_code.agent.targets import target_file, target_symbol
from continual_code.errors import ProposalError
from continual_code.events import Task

BlockKind = Literal["target", "mention", "instructions", "related", "map"]
MapLines = Callable[[str, Sequence[str]], Sequence[str]]  # of the target, without these paths

_INSTRUCTIONS = ("AGENTS.md", "CLAUDE.md")
_MOST_RELATED, _LEAST_SHARE = 2, 0.5  # at most so many, each with at least this share of the best score
_FEWEST_TOKENS = 3  # of a line of the map: more lines than would fit need not be counted
_FEWEST_LINES_KEPT = 5  # less of a file than this says nothing


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of text in the prompt.

    `symbol` is the qualified name of what a target block shows when it does not show the
    whole file. The outline around it (imports and signatures) is a "related" block with
    the target's own path. A "map" of other files has no path.
    """

    path: str
    text: str
    kind: BlockKind
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that goes into a prompt besides its fixed text.

    `before` is the whole text of the target, None when it does not exist yet. `symbol` is
    what to rewrite or to add; None means the whole file. `blocks` begin with the target,
    unless there is nothing of it to show. `tokens` counts the blocks with their paths.
    """

    target: str
    before: str | None
    symbol: Symbol | None
    blocks: tuple[Block, ...]
    left_out: tuple[str, ...]
    tokens: int


def build_context(
    task: Task,
    files: Sequence[str],
    read: Callable[[str], str | None],
    count: Callable[[str], int],
    budget: int,
    whole_file_lines: int,
    map_lines: MapLines = lambda target, shown: (),
    map_tokens: int = 0,
) -> Context:
    """Choose the target and what to show around it.

    Blocks are taken in this order while they fit: the target; the outline of its file; the
    other mentions; AGENTS.md, or CLAUDE.md without one; up to two related files; the first
    lines of a map of the others, which says of itself that it is a choice. A mention or
    related file that does not fit gives its signatures, instructions give their first lines.

    Args:
        files: all paths of the repository, relative to its root.
        read: the text of a path; None when it is missing, binary or too large.
        count: tokens of a text.
        budget: tokens for all blocks together.
        whole_file_lines: up to this length the whole file is rewritten, above it one symbol.
        map_tokens: of the budget at most so many for the map; `map_lines` is not asked when 0.

    Raises:
        ProposalError: nothing points to a file, or the target does not fit.
    """
    repository = Repository(files, read)
    target = target_file(task, repository)
    fill = _Fill(count, budget)
    symbol = _take_target(fill, task, target, repository, whole_file_lines)
    for path in task.files:
        if path != target:
            _take_mention(fill, path, repository)
    _take_instructions(fill, repository, target)
    _take_related(fill, task, target, repository)
    if map_tokens:
        _take_map(fill, map_lines(target, [target, *(block.path for block in fill.blocks)]), map_tokens)
    return Context(target, repository.text(target), symbol, tuple(fill.blocks), tuple(fill.left_out), fill.tokens)


class _Fill:
    """A budget being filled block by block."""

    def __init__(self, count: Callable[[str], int], budget: int) -> None:
        self._count, self._budget = count, budget
        self.blocks: list[Block] = []
        self.left_out: list[str] = []
        self.tokens = 0

    def part(self, most: int) -> _Fill:
        """What is left of the budget, `most` at most, as a budget of its own."""
        return _Fill(self._count, min(most, self._budget - self.tokens))

    def size(self, block: Block) -> int:
        """Tokens of a block with its path and fence."""
        return self._count(f"{block.path}\n```\n{block.text}\n```\n")

    def fits(self, block: Block) -> bool:
        return self.tokens + self.size(block) <= self._budget

    def take(self, block: Block) -> bool:
        """Take the block if it fits."""
        if not self.fits(block):
            return False
        self.blocks.append(block)
        self.tokens += self.size(block)
        return True

    def leave(self, path: str, what: str) -> None:
        self.left_out.append(f"{path}: {what}")

    def refuse(self, block: Block) -> ProposalError:
        name = f"{block.symbol} in {block.path}" if block.symbol else block.path
        return ProposalError(
            f"{name} needs {self.size(block)} tokens, but the prompt has room for {self._budget}.",
            kept="Nothing was changed.",
            do="Name a smaller function in it, or raise context.prompt_tokens.",
        )


def _take_target(fill: _Fill, task: Task, target: str, repository: Repository, whole_file_lines: int) -> Symbol | None:
    text = repository.text(target)
    if not text:
        return None
    whole = Block(target, text, "target")
    if text.count("\n") <= whole_file_lines and fill.take(whole):
        return None
    symbol = target_symbol(task, target, text, repository.symbols(target), whole_file_lines)
    if symbol is None:
        if not fill.take(whole):
            raise fill.refuse(whole)
        return None
    part = Block(target, _symbol_text(text, target, symbol), "target", symbol.qualified)
    if not symbol.is_new and not fill.take(part):
        raise fill.refuse(part)
    _take_outline(fill, target, symbol, repository)
    return symbol


def _symbol_text(text: str, path: str, symbol: Symbol) -> str:
    """The lines of a symbol and the comment right above them."""
    lines, language = text.replace("\r\n", "\n").split("\n"), language_of(path)
    comment = attached_comment(lines[: symbol.start_line - 1], language) if language else 0
    return "\n".join(lines[symbol.start_line - 1 - comment : symbol.end_line])


def _take_outline(fill: _Fill, path: str, symbol: Symbol, repository: Repository) -> None:
    outline = Block(path, _outline(path, repository, symbol), "related")
    if outline.text and not fill.take(outline):
        fill.leave(path, f"imports and signatures, {fill.size(outline)} tokens, left out")
    lines = (repository.text(path) or "").count("\n")
    fill.leave(path, f"showing {symbol.qualified or 'signatures'} of {lines} lines")


def _outline(path: str, repository: Repository, without: Symbol | None = None) -> str:
    """The import lines of a file and the signatures of its symbols, indented as they are nested."""
    text, language = (repository.text(path) or "").replace("\r\n", "\n"), language_of(path)
    lines = text.split("\n")
    ranges = import_ranges(text, language) if language else []
    imports = [line for start, end in ranges for line in lines[start - 1 : end]]
    others = [symbol for symbol in repository.symbols(path) if symbol != without]
    signatures = ["    " * symbol.qualified.count(".") + symbol.signature for symbol in others]
    return "\n".join([*imports, *signatures])


def _take_mention(fill: _Fill, path: str, repository: Repository) -> None:
    text = repository.text(path)
    if text is None:
        fill.leave(path, "cannot be read, left out")
    elif text.strip():
        _take_file(fill, Block(path, text, "mention"), repository)


def _take_file(fill: _Fill, whole: Block, repository: Repository) -> None:
    """Take a file whole, or its signatures, or nothing; whatever is missing is said."""
    if fill.take(whole):
        return
    size = fill.size(whole)
    outline = _outline(whole.path, repository)
    if outline and fill.take(Block(whole.path, outline, whole.kind)):
        fill.leave(whole.path, f"{size} tokens, signatures only")
    else:
        fill.leave(whole.path, f"{size} tokens, left out")


def _take_instructions(fill: _Fill, repository: Repository, target: str) -> None:
    path = next((path for path in _INSTRUCTIONS if repository.text(path)), None)
    if path is None or path == target or any(block.path == path for block in fill.blocks):
        return
    lines = (repository.text(path) or "").rstrip("\n").split("\n")
    if fill.take(Block(path, "\n".join(lines), "instructions")):
        return
    kept = _most_lines_that_fit(fill, path, lines)
    if kept >= _FEWEST_LINES_KEPT and fill.take(Block(path, "\n".join(lines[:kept]), "instructions")):
        fill.leave(path, f"kept lines 1-{kept} of {len(lines)}")
    else:
        size = fill.size(Block(path, "\n".join(lines), "instructions"))
        fill.leave(path, f"{size} tokens, left out")


def _most_lines_that_fit(fill: _Fill, path: str, lines: Sequence[str]) -> int:
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high + 1) // 2
        fits = fill.fits(Block(path, "\n".join(lines[:middle]), "instructions"))
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _take_map(fill: _Fill, lines: Sequence[str], most_tokens: int) -> None:
    """The first lines of the map that fit, without a path that nothing follows."""
    room = fill.part(most_tokens)
    lines = lines[: most_tokens // _FEWEST_TOKENS]
    kept = list(lines[: _most_lines_that_fit(room, "", lines)])
    while kept and not kept[-1].startswith(" "):
        kept.pop()
    if kept:
        fill.take(Block("", "\n".join(kept), "map"))


def _take_related(fill: _Fill, task: Task, target: str, repository: Repository) -> None:
    shown = {target, *task.files, *_INSTRUCTIONS}
    relevant = repository.relevant(task_words(task.text), _LEAST_SHARE)
    related = [path for path in relevant if path not in shown][:_MOST_RELATED]
    for path in related:
        text = repository.text(path)
        if text and text.strip():
            _take_file(fill, Block(path, text, "related"), repository)
    more = repository.overlooked()
    if more:
        fill.leave("repository", f"names in {MOST_FILES} source files were looked at, {more} more exist")
