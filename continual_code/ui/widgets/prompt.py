"""The prompt: where the person types tasks and commands.

Invariant: it takes text from the first frame on, and nothing but the person's own keys changes it.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from continual_code.ui.history import History
from continual_code.ui.widgets.completions import Completions
from continual_code.ui.widgets.history_search import HistorySearch
from continual_code.ui.widgets.text_entry import TextEntry


class Prompt(TextEntry):
    """Enter sends, Ctrl+J breaks the line, Up and Down at the edges walk the history.

    `@` and Tab complete a path, `/` a command, through the `Completions` given; once Up or Down has chosen there, Enter
    takes that. Ctrl+G asks for the person's own editor, Ctrl+R opens the `HistorySearch` given.
    """

    class Sent(Message):
        """The person pressed Enter. `text` is whole; `shown` has long pastes folded."""

        def __init__(self, text: str, shown: str) -> None:
            super().__init__()
            self.text, self.shown = text, shown

    class Scrolled(Message):
        """The person wants the transcript moved by `pages`."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    class OwnEditorWanted(Message):
        """The person wants to go on in an editor of their own."""

    def __init__(self, history: History, completions: Completions, search: HistorySearch) -> None:
        super().__init__(id="prompt", placeholder="What should change? @ a file, / a command, ! runs one")
        self._history, self._completions, self._search = history, completions, search
        self._recalled: str | None = None

    @property
    def in_use(self) -> bool:
        """Whether the person types here, or searches for what they typed earlier."""
        return bool(self.text) or self._search.is_open

    def recall(self, entry: str) -> None:
        """Put an earlier text in place of this one; the person can undo it."""
        self._recalled = entry
        self.set_text(entry)

    def on_focus(self) -> None:
        self._search.close()

    async def _on_key(self, event: events.Key) -> None:
        if self._search.is_open:
            # These came before the focus had moved there.
            event.stop()
            event.prevent_default()
            await self._search.line.take(event)
        elif self._handle(event.key):
            event.stop()
            event.prevent_default()
        elif event.character == "?" and not self.text:
            # Textual calls the handlers of base classes too, unless told not to.
            event.prevent_default()
        else:
            await super()._on_key(event)

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        """All text is the prompt's own, but for a lone question mark: the screen answers it with help."""
        return bool(self.text or character != "?") and super().check_consume_key(key, character)

    def on_text_area_changed(self) -> None:
        if self.text == self._recalled:
            self._completions.close()
            return
        if self._recalled is not None:
            self._recalled = None
            self._history.leave()
        self._completions.offer(self._line_before_cursor())

    def action_cursor_page_up(self) -> None:
        self.post_message(self.Scrolled(-1))

    def action_cursor_page_down(self) -> None:
        self.post_message(self.Scrolled(1))

    def _handle(self, key: str) -> bool:
        match key:
            case "enter" if not self._completions.is_moved:
                self._send()
            case "ctrl+j" | "shift+enter":
                self.insert("\n")
            case "ctrl+g":
                self.post_message(self.OwnEditorWanted())
            case "ctrl+r":
                self._completions.close()
                self._search.open()
            case "tab" | "enter":
                self._complete()
            case "escape" if self._completions.is_open:
                self._completions.close()
            case "up":
                return self._up()
            case "down":
                return self._down()
            case _:
                return False
        return True

    def _send(self) -> None:
        text, shown = self.whole_text, self.text
        if not text.strip():
            return
        self._history.add(shown)
        self.clear()
        self.post_message(self.Sent(text, shown))

    def _complete(self) -> None:
        word = self._completions.offer(self._line_before_cursor(), asked=True)
        if choice := self._completions.choice:
            row, column = self.cursor_location
            self.replace(f"{choice} ", (row, column - len(word)), (row, column), maintain_selection_offset=False)
            self._completions.close()

    def _up(self) -> bool:
        if self._completions.is_open:
            self._completions.move(-1)
            return True
        if not self.cursor_at_first_line:
            return False
        if (entry := self._history.older(self.text)) is not None:
            self.recall(entry)
        return True

    def _down(self) -> bool:
        if self._completions.is_open:
            self._completions.move(1)
            return True
        if not self.cursor_at_last_line:
            return False
        if (entry := self._history.newer()) is not None:
            self.recall(entry)
        return True

    def _line_before_cursor(self) -> str:
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]
