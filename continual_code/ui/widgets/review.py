"""The card on which a proposal is judged: one key for the verdict, one line for the reason.

Invariant: no key counts in the first half second of a card that opened by itself, and
a verdict leaves only by a key that the card names.
"""

from __future__ import annotations

from pathlib import PurePath

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static, TextArea

from continual_code.errors import ContinualCodeError
from continual_code.events import Verdict, VerdictKind
from continual_code.ui.card import CHIPS, NOTHING_LEFT, card_keys, joined, own_text_waits, question, uneditable
from continual_code.ui.clean import clean_line
from continual_code.ui.grace import Grace, typed
from continual_code.ui.hunks import where
from continual_code.ui.modes import NOT_WRITTEN
from continual_code.ui.own_editor import edited
from continual_code.ui.reviews import Pending
from continual_code.ui.widgets.body import Body, scrolled
from continual_code.ui.widgets.comment import Comment
from continual_code.ui.widgets.diff_view import DiffView
from continual_code.ui.widgets.editor import Editor
from continual_code.ui.widgets.hint import Hint
from continual_code.ui.widgets.status_bar import Source

STEPS = {"[": -1, "]": 1}
WRITES = {"y", "Y", "e", "ctrl+g"}


class Review(Vertical, can_focus=True):
    """Judges `pending`; `body` is a widget that is a `Body`. `source` has the clock and the mode."""

    class Judged(Message):
        def __init__(self, pending: Pending, verdict: Verdict) -> None:
            super().__init__()
            self.pending, self.verdict = pending, verdict

    class PutAside(Message):
        """Later: the card closes, its proposal and drafts stay."""

    class Typed(Message):
        """What was typed or pasted before the card could be read were words for the prompt."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class ModeChanged(Message):
        """Other keys work now than before."""

    def __init__(self, pending: Pending, title: Content, body: Widget, source: Source, *, grace: bool) -> None:
        super().__init__()
        self.pending = pending
        self.closing = False
        self._title, self._body = title, body
        self._modes = source.modes
        self._grace = Grace(source.clock, holds=grace)
        self._kind: VerdictKind = "reject"
        self._comment = Comment(id="comment")
        self._editor = Editor(id="editor")
        self._hint = Hint()
        self._entry: Comment | Editor | None = None
        self._offered = ""

    def compose(self) -> ComposeResult:
        yield Static(self._title, id="review-title", markup=False)
        yield Static(id="review-hunks", markup=False)
        yield self._body
        yield self._editor
        if left_out := self.pending.proposal.left_out:
            yield Static(Content(f"The model did not see: {clean_line(', '.join(left_out))}"), classes="quiet")
        yield self._hint
        with Horizontal(id="comment-line"):
            yield Static(id="comment-label", markup=False)
            yield self._comment

    def on_mount(self) -> None:
        self._comment.paste(self.pending.comment)
        self._show(None)

    @property
    def keys(self) -> str:
        """The keys that work now, for the footer."""
        if self._entry is None:
            return card_keys(self.pending, writes=self._modes.writes)
        if self._entry is self._comment:
            return "Enter sends · Esc back, the text stays"
        return "Ctrl+S accepts this text · Ctrl+G editor · Esc back, the text stays"

    @property
    def body(self) -> Body:
        return self._body  # type: ignore[return-value]  # a widget that is also a Body

    async def on_key(self, event: events.Key) -> None:
        if self._is_for_the_prompt(event):
            pass
        elif self._entry is not None:
            # An open entry stops the keys it uses, so these came before the focus had moved there.
            await self._entry.take(event)
            return
        elif not await self._handle(event):
            return
        event.stop()
        event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        if self._is_for_the_prompt(event):
            pass
        elif self._entry is not None:
            self._entry.paste(event.text)
        else:
            self._open_comment("reject", event.text)

    def resume(self) -> None:
        """Take the focus back to where the person left it."""
        (self._entry or self).focus()

    def on_comment_sent(self, message: Comment.Sent) -> None:
        message.stop()
        self._judge(self._kind, comment=message.text)

    def on_comment_left(self, message: Comment.Left) -> None:
        message.stop()
        self._show(None)

    def on_editor_accepted(self, message: Editor.Accepted) -> None:
        message.stop()
        proposal = self.pending.proposal
        if message.text == proposal.after:
            self._send(Verdict(proposal.id, "accept"))
        elif message.text == self._offered:
            self._accept()
        else:
            self._send(Verdict(proposal.id, "edit", edited=message.text))

    def on_editor_left(self, message: Editor.Left) -> None:
        message.stop()
        self._show(None)

    def on_editor_own_editor_wanted(self, message: Editor.OwnEditorWanted) -> None:
        message.stop()
        self._edit_outside()

    def on_text_area_changed(self, message: TextArea.Changed) -> None:
        message.stop()
        if isinstance(message.text_area, Comment):
            self.pending.comment = message.text_area.whole_text
        elif self._entry is self._editor:
            text = message.text_area.text
            self.pending.edited = None if text == self._offered else text

    def on_diff_view_compared(self, message: DiffView.Compared) -> None:
        message.stop()
        self.pending.hunks = message.hunks
        self._mark()

    def _is_for_the_prompt(self, event: events.Key | events.Paste) -> bool:
        """Whether it came before the card could be read, or while the focus is on its way back; words are passed on."""
        if not self.closing and (self._entry is not None or self._grace.is_over):
            return False
        if words := typed(event) if self.closing else self._grace.words(event):
            self.closing = True
            self.post_message(self.Typed(words))
        return True

    async def _handle(self, event: events.Key) -> bool:
        key, character = event.key, event.character or ""
        if scrolled(self.body, key):
            pass
        elif key == "escape":
            self.closing = True
            self.post_message(self.PutAside())
        elif character == "?":
            await self.run_action("app.help")
        elif character in STEPS:
            self.pending.move(STEPS[character])
            self._marked()
        elif character == " ":
            self.pending.toggle()
            self._marked()
        elif {key, character} & WRITES and not self._modes.writes:
            self._hint.say(NOT_WRITTEN)
        elif character in {"y", "Y"} and (waits := own_text_waits(self.pending, character)) not in {
            "",
            self._hint.said,
        }:
            self._hint.say(waits)
        elif character == "y":
            self._accept()
        elif character == "e":
            self._edit()
        elif key == "ctrl+g":
            self._edit_outside()
        elif character == "d":
            self.body.toggle_layout()
        elif character in CHIPS:
            self._open_comment("reject", joined(self._comment.whole_text, CHIPS[character]))
        elif character == "Y" and self.pending.nothing_left:
            self._hint.say(NOTHING_LEFT)
        elif character in {"n", "Y"}:
            self._open_comment("accept" if character == "Y" else "reject")
        elif character.isalpha():
            self._open_comment("reject", character)
        else:
            if key == "shift+tab":  # the mode changes, and with it what a hint may have said of it
                self._hint.invite(self.pending)
            return False
        return True

    def _mark(self) -> None:
        """Show the current hunk and what is not wanted, here and in the diff."""
        self.body.mark(self.pending.hunk, self.pending.unwanted)
        self.body.reveal(self.pending.hunk)
        self.query_one("#review-hunks", Static).update(where(self.pending))
        self.post_message(self.ModeChanged())

    def _marked(self) -> None:
        """The person did something with a hunk, so what a hint said of the ones before is over."""
        self._mark()
        self._hint.invite(self.pending)

    def _open_comment(self, kind: VerdictKind, addition: str = "") -> None:
        self._kind = kind
        self.query_one("#comment-label", Static).update(Content(question(kind, self.pending.unwanted, self.size.width)))
        self._comment.move_cursor(self._comment.document.end)
        self._comment.paste(addition)
        self._show(self._comment)

    def _edit(self) -> None:
        """Open what `y` would write, or the draft of an earlier edit."""
        self._offered = self.pending.proposal.without(self.pending.unwanted)
        if self._editor.open(self._draft):
            self._show(self._editor)
        else:
            self._show(None)
            self._hint.say(uneditable(self.pending))

    def _edit_outside(self) -> None:
        """Open the same in the person's own editor, and then here what they saved there."""
        if self._entry is not self._editor:
            self._edit()
        if self._entry is not self._editor and self.pending.edited is None:
            return
        try:
            saved = edited(self.app, self._draft, PurePath(self.pending.proposal.path).name)
        except ContinualCodeError as error:
            self._hint.say(str(error))
            return
        if saved != self._draft:
            self.pending.edited = saved
            self._edit()

    @property
    def _draft(self) -> str:
        return self._offered if self.pending.edited is None else self.pending.edited

    def _show(self, entry: Comment | Editor | None) -> None:
        """Show the comment, the editor or the plain card, and move the focus there."""
        self._entry = entry
        self._editor.display = entry is self._editor
        self._body.display = entry is not self._editor
        self.query_one("#comment-line").display = entry is self._comment
        self._hint.invite(self.pending)
        self._hint.display = entry is None
        self.resume()
        self.post_message(self.ModeChanged())

    def _accept(self) -> None:
        if self.pending.nothing_left:
            self._show(None)
            self._hint.say(NOTHING_LEFT)
        else:
            self._judge("accept")

    def _judge(self, kind: VerdictKind, comment: str = "") -> None:
        self._send(Verdict(self.pending.proposal.id, kind, comment, unwanted=tuple(sorted(self.pending.unwanted))))

    def _send(self, verdict: Verdict) -> None:
        if not self._modes.allows(verdict.kind):  # it was another mode when this was begun; the draft stays
            self._show(None)
            self._hint.say(NOT_WRITTEN)
            return
        self.closing = True
        self.post_message(self.Judged(self.pending, verdict))
