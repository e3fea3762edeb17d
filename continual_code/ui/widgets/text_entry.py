"""A text area that paints safely and survives any paste.

Invariant: what is painted is cleaned while what is kept is exactly what was typed; a
paste too long to edit smoothly is shown as one short mark and kept whole.
"""

from __future__ import annotations

import re

from rich.text import Text
from textual import events
from textual.widgets import TextArea

from continual_code.ui.clean import clean

# Wrapping grows with the text: 10,000 characters on one line cost about 10 ms a keystroke.
FOLD_CHARACTERS, FOLD_LINES = 8_000, 200
# Where nothing is folded, a megabyte would stop the screen for a second.
MOST_PASTED = 100_000
_MARK = re.compile(r"\[pasted #(\d+): [\d,]+ characters\]")


class TextEntry(TextArea):
    """Base of the prompt, the comment and the editor."""

    folds_pastes = True

    def __init__(self, text: str = "", *, id: str | None = None, soft_wrap: bool = True, placeholder: str = "") -> None:
        super().__init__(
            text, id=id, soft_wrap=soft_wrap, compact=True, highlight_cursor_line=False, placeholder=placeholder
        )
        self._pastes: list[str] = []

    def get_line(self, line_index: int) -> Text:
        return Text(clean(self.document.get_line(line_index)), end="", no_wrap=True)

    @property
    def whole_text(self) -> str:
        """The text with every folded paste in full."""
        return _MARK.sub(self._unfold, self.text)

    def set_text(self, text: str) -> None:
        """Replace the text and put the cursor at its end; the person can undo it."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor(self.document.end)

    def paste(self, text: str) -> None:
        """Insert `text` at the cursor, folded when it is long; where nothing is folded, refuse what is too long."""
        if self.folds_pastes and (len(text) > FOLD_CHARACTERS or text.count("\n") > FOLD_LINES):
            self._pastes.append(text)
            text = f"[pasted #{len(self._pastes)}: {len(text):,} characters]"
        if len(text) > MOST_PASTED:
            size = f"A paste of {len(text):,} characters is too long to edit here"
            self.notify(f"{size}. Nothing was changed; Ctrl+G opens your own editor.", severity="warning", markup=False)
            return
        if result := self._replace_via_keyboard(text, *self.selection):
            self.move_cursor(result.end_location)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """F6 and F7, which would select here, are keys of the screens."""
        return action not in {"select_line", "select_all"} and super().check_action(action, parameters)

    async def take(self, event: events.Key) -> None:
        """Handle a key that arrived elsewhere while the focus was still on its way here."""
        await self._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.paste(event.text)

    def action_paste(self) -> None:
        self.paste(self.app.clipboard)

    def _unfold(self, match: re.Match[str]) -> str:
        number = int(match.group(1))
        return self._pastes[number - 1] if 0 < number <= len(self._pastes) else match.group()
