"""The list of paths, commands or their arguments that fit the word being typed.

Invariant: it only offers; the prompt's text changes when the person presses Tab, or Enter after having chosen. What
is chosen is in view.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from continual_code.events import Lesson
from continual_code.ui.clean import clean_line
from continual_code.ui.commands import COMMANDS, matching_arguments, matching_commands, names_revision
from continual_code.ui.mentions import as_mention, matching_paths, word_before

SHOWN = 6


class Completions(Static):
    """The candidates, one of them chosen, six in view at once; hidden when there is none."""

    class Changed(Message):
        """Other keys may work now than before."""

    class FilesWanted(Message):
        """The person began to name a file: the list of paths should be fresh."""

    class LessonsWanted(Message):
        """The person began to name a revision: the lessons that made them are to be given to `take_lessons`."""

    def __init__(self) -> None:
        super().__init__(id="completions", markup=False)
        self.files: Sequence[str] = ()
        self._revisions: Sequence[int] = ()
        self._line = ""
        self._candidates: list[str] = []
        self._chosen = 0
        self.is_moved = False  # by the person, so that Enter is for the list and not for the prompt
        self.display = False

    @property
    def is_open(self) -> bool:
        return self.display

    @property
    def choice(self) -> str | None:
        """The chosen candidate as it is to be written, if there is one."""
        return self._candidates[self._chosen] if self._candidates else None

    def offer(self, line: str, *, asked: bool = False) -> str:
        """Show what fits the word at the end of `line` and return that word.

        Bare words are completed only when the person asked with Tab. A list that is open for `line` stays as it is.
        """
        if asked and self.is_open and line == self._line:
            return word_before(line)
        self._line, word = line, word_before(line)
        if word == "@" and not asked:
            self.post_message(self.FilesWanted())
        elif not word and names_revision(line):
            self.post_message(self.LessonsWanted())
        self._show(self._fitting(line, word, asked))
        return word

    def take_lessons(self, lessons: Sequence[Lesson]) -> None:
        """The base and the revisions that these made can be named from now on, the newest first."""
        made = {each.revision for each in lessons if each.status == "learned" and each.revision is not None}
        self._revisions = [0, *sorted(made, reverse=True)]
        self._show(self._fitting(self._line, word_before(self._line), asked=False))

    def move(self, step: int) -> None:
        """Choose the next or the previous candidate, around the ends."""
        self._chosen, self.is_moved = (self._chosen + step) % len(self._candidates), True
        self._paint()

    def close(self) -> None:
        self._line = ""
        self._show([])

    def _fitting(self, line: str, word: str, asked: bool) -> list[str]:
        if line.startswith("/") and line == word:
            return [command for command in matching_commands(word) if command != word or asked]
        if choices := matching_arguments(line, word, self._revisions):
            return choices
        if word.startswith("@") or (asked and word):
            query = word.removeprefix("@").removeprefix('"')
            found = [as_mention(path) for path in matching_paths(query, self.files)]
            return [] if found == [word] else found
        return []

    def _show(self, candidates: list[str]) -> None:
        if candidates == self._candidates:
            # Called for every key; painting would lay out the whole screen again.
            return
        self._candidates, self._chosen, self.is_moved = candidates, 0, False
        self.display = bool(candidates)
        self._paint()

    def _paint(self) -> None:
        first = max(0, self._chosen - SHOWN + 1)
        rows = [
            self._row(candidate, first + at) for at, candidate in enumerate(self._candidates[first : first + SHOWN])
        ]
        self.update(Content("\n").join(rows))
        self.post_message(self.Changed())

    def _row(self, candidate: str, at: int) -> Content:
        """One row of the screen, whatever its width: the style sheet cuts off what does not fit."""
        mark, style = ("› ", ".strong") if at == self._chosen else ("  ", "")
        about = COMMANDS.get(candidate.removeprefix("/"), "") if candidate.startswith("/") else ""
        return Content.assemble((mark, ".quiet"), (clean_line(candidate), style), (f"  {about}", ".quiet"))
