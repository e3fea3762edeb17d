"""The transcript: what was asked, what the model answers, what came of it.

Invariant: a streamed answer is painted about twelve times a second at most, and its pieces
appear in order, whatever is written between them. Colours come with every line that is complete.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.strip import Strip
from textual.timer import Timer

from continual_code.ui.clean import clean
from continual_code.ui.markdown import LONGEST_OPEN, LONGEST_WHOLE, is_fence, painted, settled
from continual_code.ui.widgets.lines import Lines, wrapped_height

# One paint takes about 8 ms of a slow core; twelve a second look fluent and leave room for typing.
PAINT_EVERY = 0.08
# A line of this length is wrapped in a few milliseconds; models do loop.
LONGEST_LINE = 4_000
# A new width wraps every long line again, at 0.05 ms each. Dropping is done in steps, since it copies.
KEPT, MOST = 2_000, 3_000


class Transcript(Lines):
    """Lines of content, appended at the end; follows the end while the person looks at it.

    The newest few thousand lines are kept.
    """

    can_focus = False
    follows_end = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: list[Content] = []
        self._answer: set[int] = set()
        self._settled = 0  # the lines before this one have their colours for good
        self._tail: str | None = None  # the unfinished last line of an answer, empty right after a line end
        self._incoming: list[str] = []
        self._timer: Timer | None = None

    @property
    def line_count(self) -> int:
        return len(self._lines)

    @property
    def text(self) -> str:
        """Everything written so far, one line per line."""
        return "\n".join(line.plain for line in self._lines)

    def on_mount(self) -> None:
        self._timer = self.set_interval(PAINT_EVERY, self.flush, pause=True)

    def line_height(self, index: int, width: int) -> int:
        return wrapped_height(self._lines[index], width)

    def paint_line(self, index: int, width: int) -> list[Strip]:
        return self.paint(self._lines[index], width)

    def write(self, lines: Iterable[Content]) -> None:
        """Append cleaned `lines` after everything that was streamed so far."""
        self.flush()
        self._tail = None
        self._replace(len(self._lines), list(lines)[-KEPT:])

    def stream(self, text: str) -> None:
        """Append a piece of the answer in progress; painted with the next batch."""
        self._incoming.append(text)
        if self._timer is not None:
            self._timer.resume()

    def flush(self) -> None:
        """Paint what was streamed since the last time."""
        if self._timer is not None:
            self._timer.pause()
        if not self._incoming:
            return
        first = len(self._lines) - (self._tail is not None)
        lines = ((self._tail or "") + "".join(self._incoming)).split("\n")[-KEPT:]
        self._incoming.clear()
        self._tail = lines[-1][max(0, len(lines[-1]) - 1) // LONGEST_LINE * LONGEST_LINE :]
        pieces = [Content(piece) for line in lines for piece in _pieces(line)][-KEPT:]
        self._answer.update(range(first, first + len(pieces)))
        self._replace(first, pieces)
        if len(lines) > 1:
            self._colour(len(self._lines) - 1, LONGEST_OPEN)

    def end_answer(self, *, fold: bool) -> None:
        """What is streamed from now on is another answer.

        With `fold`, each fenced block becomes one line: the diff shows the code better.
        """
        self.flush()
        if not fold:
            self._colour(len(self._lines), LONGEST_WHOLE)
        answer, self._answer, self._tail = self._answer, set(), None
        if fold and answer:
            start = min(answer)
            self._replace(start, folded(self._lines[start:], {index - start for index in answer}))
        self._settled = len(self._lines)

    def _colour(self, end: int, longest: int) -> None:
        """Colour the answer's lines before `end` that may need it, unless they hold more than `longest` characters."""
        places = [index for index in range(self._settled, end) if index in self._answer]
        lines = [self._lines[index].plain for index in places]
        if not lines or sum(map(len, lines)) > longest:
            return
        for index, content in zip(places, painted(lines), strict=True):
            self._lines[index] = content
            self.repaint_line(index)
        if done := settled(lines):
            self._settled = places[done - 1] + 1

    def _replace(self, first: int, lines: list[Content]) -> None:
        self._lines[first:] = lines
        self.lines_changed(first)
        if len(self._lines) > MOST:
            self._forget(len(self._lines) - KEPT)
        self.keep_following()

    def _forget(self, count: int) -> None:
        del self._lines[:count]
        self._answer = {index - count for index in self._answer if index >= count}
        self._settled = max(0, self._settled - count)
        self.lines_dropped(count)


def folded(lines: list[Content], answer: set[int]) -> list[Content]:
    """`lines` with each fenced block of those in `answer` as "⋯ 12 lines of code"; the others stay."""
    kept: list[Content] = []
    count: int | None = None
    for index, line in enumerate(lines):
        fence = index in answer and is_fence(line.plain)
        if fence and count is not None:
            kept.append(_fold(count))
        if fence:
            count = 0 if count is None else None
        elif count is None or index not in answer:
            kept.append(line)
        else:
            count += 1
    return kept if count is None else [*kept, _fold(count)]


def _fold(count: int) -> Content:
    return Content.styled(f"⋯ {count} lines of code", ".quiet")


def _pieces(line: str) -> list[str]:
    line = clean(line)
    return [line[at : at + LONGEST_LINE] for at in range(0, len(line), LONGEST_LINE)] or [""]
