"""A long list of lines of which only the visible ones are ever painted.

Invariant: appending costs what the appended lines cost, however many came before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from textual import events
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

PAINTED = 400


class Lines(ScrollView):
    """Base of the transcript, the diff and the lesson list.

    A subclass says how many lines there are (`line_count`), how high one is at a width
    in cells (`line_height`), and paints one (`paint_line`).
    """

    follows_end = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._ends: list[int] = []
        self._painted: LRUCache[int, list[Strip]] = LRUCache(PAINTED)
        self._measured_width = 0
        self._following = self.follows_end

    @property
    def line_count(self) -> int:
        raise NotImplementedError

    def line_height(self, index: int, width: int) -> int:
        raise NotImplementedError

    def paint_line(self, index: int, width: int) -> list[Strip]:
        raise NotImplementedError

    @property
    def line_width(self) -> int:
        """Cells for one line; 0 before the first layout."""
        return self.scrollable_content_region.width

    @property
    def is_measured(self) -> bool:
        """Whether every line has its place; not so before the first layout."""
        return len(self._ends) == self.line_count

    def lines_changed(self, first: int) -> None:
        """Lines from `first` on were added, replaced or removed."""
        for index in range(first, len(self._ends)):
            self._painted.discard(index)
        del self._ends[first:]
        if width := self.line_width or self._measured_width:  # a hidden list has none; it comes back as wide as it was
            self._measured_width = width
            self._measure(range(len(self._ends), self.line_count), width)
        self._resize_canvas()

    def lines_dropped(self, count: int) -> None:
        """The first `count` lines are gone."""
        height = self._ends[count - 1] if count <= len(self._ends) else 0
        self._ends = [end - height for end in self._ends[count:]]
        self._painted.clear()
        self._resize_canvas()

    def repaint_line(self, index: int) -> None:
        """Line `index` looks different now, at the same height."""
        self._painted.discard(index)
        self.refresh()

    def top_of(self, index: int) -> int:
        """The row on which line `index` begins."""
        return self._ends[index - 1] if 0 < index <= len(self._ends) else 0

    def line_at(self, row: int) -> int | None:
        """The line that covers `row` of the whole list, if any."""
        index = bisect_right(self._ends, row)
        return index if index < len(self._ends) else None

    def scroll_by(self, rows: int) -> None:
        """Move the view down by `rows`, or up for a negative number."""
        # Forced, because right after the first paint Textual does not know yet that there is more to see.
        self.scroll_to(y=self.scroll_y + rows, animate=False, force=True)

    def page(self, pages: int) -> None:
        """Move the view by so many of its own heights, of which one row stays in view."""
        self.scroll_by(pages * max(1, self.scrollable_content_region.height - 1))

    def follow(self) -> None:
        """Back to the end, and on with it as more comes."""
        self._following = True
        self.keep_following()

    def keep_following(self) -> None:
        """Back to the end, unless the person has scrolled away from it."""
        if self._following:
            self.scroll_end(animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.line_width:  # while it is hidden nobody scrolls
            self._following = self.follows_end and self.is_vertical_scroll_end

    def on_resize(self, event: events.Resize) -> None:
        if self.line_width != self._measured_width:
            self._painted.clear()
            self.lines_changed(0)
        self.keep_following()

    def on_show(self) -> None:
        self.keep_following()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted.clear()

    def render_line(self, y: int) -> Strip:
        row = self.scroll_offset.y + y
        index = self.line_at(row)
        if index is None:
            return Strip.blank(self.line_width, self.rich_style)
        strips = self._painted.get(index)
        if strips is None:
            strips = self._painted[index] = self.paint_line(index, self.line_width)
        part = row - self.top_of(index)
        return strips[part] if part < len(strips) else Strip.blank(self.line_width, self.rich_style)

    def paint(self, content: Content, width: int, *names: str) -> list[Strip]:
        """`content` wrapped to `width` in the widget's style and the component styles `names`."""
        return Visual.to_strips(self, content, width, None, self.get_visual_style(*names), pad=True)

    def _measure(self, indices: Iterable[int], width: int) -> None:
        start = self._ends[-1] if self._ends else 0
        heights = accumulate((self.line_height(index, width) for index in indices), initial=start)
        self._ends += list(heights)[1:]

    def _resize_canvas(self) -> None:
        self.virtual_size = Size(self.line_width, self._ends[-1] if self._ends else 0)
        self.refresh()


def wrapped_height(content: Content, width: int) -> int:
    """Rows that `content` takes at `width` cells when wrapped between words."""
    if len(content) <= width and content.plain.isascii() and "\t" not in content.plain:
        return 1
    return max(1, len(content.without_spans.expand_tabs(8).wrap(width)))
