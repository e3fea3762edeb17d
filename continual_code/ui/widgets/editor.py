"""The whole proposed file, to be corrected by hand.

Invariant: lines the person did not touch are returned byte for byte, or the file is not opened.
"""

from __future__ import annotations

from textual import events
from textual.message import Message

from continual_code.ui.widgets.text_entry import TextEntry


class Editor(TextEntry):
    """Ctrl+S accepts the text, Esc goes back and keeps it, Ctrl+G asks for the person's own editor."""

    folds_pastes = False

    class Accepted(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The person went back; the text stays in the editor."""

    class OwnEditorWanted(Message):
        """The person wants to go on in an editor of their own."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, soft_wrap=False)
        self.show_line_numbers = True
        self.indent_width = 4

    def open(self, text: str) -> bool:
        """Load `text`; False when it holds line ends that a text area would change."""
        self.load_text(text)
        return self.text == text

    async def _on_key(self, event: events.Key) -> None:
        match event.key:
            case "ctrl+s":
                self.post_message(self.Accepted(self.text))
            case "escape":
                self.post_message(self.Left())
            case "ctrl+g":
                self.post_message(self.OwnEditorWanted())
            case "tab":
                self.insert("\t" if "\n\t" in self.text else " " * self._find_columns_to_next_tab_stop())
            case "shift+tab":
                pass
            case _:
                await super()._on_key(event)
                return
        event.stop()
        event.prevent_default()
