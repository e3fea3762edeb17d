"""Ctrl+R: a line that searches what the person asked before.

Invariant: the prompt's text is not touched from here; what was found is handed over when the person takes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from continual_code.ui.clean import clean_line
from continual_code.ui.history import History
from continual_code.ui.widgets.rows import fitted
from continual_code.ui.widgets.text_entry import TextEntry

SHOWN = 5
LONGEST_QUERY = 1_000  # of what is pasted; nobody searches for more
KEYS = "Enter takes it · Ctrl+R older · Up newer · Esc back"


class HistorySearch(Vertical):
    """Hidden while nobody searches. What fits is listed newest first, one of it chosen."""

    class Closed(Message):
        """The search is over; `text` is what the person took, None if nothing."""

        def __init__(self, text: str | None) -> None:
            super().__init__()
            self.text = text

    class Typed(Message):
        """A letter that was typed before the focus was back in the prompt."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, history: History) -> None:
        super().__init__(id="history-search")
        self._history = history
        self._found: list[str] = []
        self._chosen = 0
        self.line = SearchLine(self._handle)
        self.display = False

    def compose(self) -> ComposeResult:
        yield Static(id="history-found", markup=False)
        with Horizontal(id="history-line"):
            yield Static(Content.styled("search ", ".quiet"), id="history-label", markup=False)
            yield self.line

    @property
    def is_open(self) -> bool:
        return self.display

    def open(self) -> None:
        """Search from the newest on."""
        self.line.clear()
        self.display = True
        self._search()
        self.line.focus()

    def close(self) -> None:
        self.display = False

    def on_text_area_changed(self) -> None:
        self._search()

    def _search(self) -> None:
        self._found, self._chosen = self._history.matching(self.line.text), 0
        self._paint()

    def _handle(self, event: events.Key) -> bool:
        """Whether the key is none of the line's own."""
        if not self.is_open:
            if event.is_printable and event.character:
                self.post_message(self.Typed(event.character))
            return True
        match event.key:
            case "ctrl+r" | "down":
                self._move(1)
            case "up":
                self._move(-1)
            case "enter":
                if self._found:
                    self._leave(self._found[self._chosen])
            case "escape":
                self._leave(None)
            case "tab" | "shift+tab" | "ctrl+j":
                pass
            case _:
                return False
        return True

    def _leave(self, text: str | None) -> None:
        self.close()
        self.post_message(self.Closed(text))

    def _move(self, step: int) -> None:
        self._chosen = max(0, min(len(self._found) - 1, self._chosen + step))
        self._paint()

    def _paint(self) -> None:
        first = max(0, self._chosen - SHOWN + 1)
        rows = [self._row(entry, first + at) for at, entry in enumerate(self._found[first : first + SHOWN])]
        nothing = Content.styled("  nothing that you asked before has this in it", ".quiet")
        self.query_one("#history-found", Static).update(Content("\n").join(rows or [nothing]))

    def _row(self, entry: str, at: int) -> Content:
        """The part of an entry around what was searched for, on one line."""
        width, query = max(10, self.screen.size.width - 4), re.compile(re.escape(self.line.text), re.IGNORECASE)
        line = " ".join(entry.split())
        found = query.search(line)
        start = found.start() - width // 3 if found and found.end() > width else 0
        shown = fitted(clean_line(f"{'…' if start > 0 else ''}{line[max(0, start) :]}", width), width)
        chosen = at == self._chosen
        row = Content.styled(shown, ".strong" if chosen else "")
        for match in query.finditer(shown) if self.line.text else ():
            row = row.stylize(".chosen", *match.span())
        return Content.assemble(("› " if chosen else "  ", ".quiet"), row)


class SearchLine(TextEntry):
    """One line; `handle` sees every key first and says whether that was all."""

    folds_pastes = False

    def __init__(self, handle: Callable[[events.Key], bool]) -> None:
        super().__init__(id="history-query", placeholder="what you asked before")
        self._first = handle

    def paste(self, text: str) -> None:
        super().paste(" ".join(text[:LONGEST_QUERY].split()))

    async def _on_key(self, event: events.Key) -> None:
        if self._first(event):
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)
