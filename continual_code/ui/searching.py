"""/search: the lines that hold a text, as a list, out of which one names its file in the prompt.

Invariant: the list opens only where it takes no keys from what the person types meanwhile, and a line of a file is
painted cleaned, with its match marked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from rich.cells import cell_len
from textual.app import App
from textual.content import Content

from continual_code.events import Found, Match
from continual_code.port import Session
from continual_code.ui.calls import Calls, OnError
from continual_code.ui.clean import clean, clean_line
from continual_code.ui.commands import searched
from continual_code.ui.mentions import as_mention
from continual_code.ui.narrate import quiet
from continual_code.ui.screens.picker import Choice, Picker
from continual_code.ui.widgets.prompt import Prompt
from continual_code.ui.widgets.rows import fitted_end
from continual_code.ui.widgets.status_bar import Source


class Searching:
    """`say` writes lines to the transcript; `prompt` is what a chosen file is named in."""

    def __init__(
        self,
        source: Source,
        session: Session,
        calls: Calls,
        say: Callable[[Sequence[Content]], None],
        prompt: Callable[[], Prompt],
    ) -> None:
        self._source, self._session, self._calls, self._say, self._prompt = source, session, calls, say, prompt

    def begin(self, app: App[None], argument: str, *, failed: OnError) -> None:
        """Search for what the argument of /search names, and show where it stands; `failed` says why it cannot be."""
        wanted, mode = searched(argument)
        search, show = partial(self._session.search, wanted, mode), partial(self._show, app, wanted)
        self._calls.submit(search, then=show, failed=failed)

    def _show(self, app: App[None], wanted: str, found: Found) -> None:
        if not found.matches:
            self._say([quiet(f"{_named(wanted)} stands in no file here. {found.cut}"), Content("")])
        elif self._prompt().in_use or app.screen is not self._prompt().screen:
            self._say([quiet(f"{_heading(wanted, found)} Search again to see them."), Content("")])
        else:
            choices = [
                Choice(str(index), partial(_row, match), _detail(match)) for index, match in enumerate(found.matches)
            ]
            screen = Picker(self._source, _heading(wanted, found), choices, verb="names the file")
            app.push_screen(screen, partial(self._chosen, found))

    def _chosen(self, found: Found, index: str | None) -> None:
        if index is not None:
            prompt, mention = self._prompt(), as_mention(found.matches[int(index)].path)
            prompt.paste(f" {mention} " if prompt.text else f"{mention} ")


def _named(wanted: str) -> str:
    return f"“{clean_line(wanted, 60)}”"


def _heading(wanted: str, found: Found) -> str:
    count = len(found.matches)
    return f"{_named(wanted)} stands in {count} line{'s' if count > 1 else ''}. {found.cut}".rstrip()


def _row(match: Match, width: int) -> str:
    """The path gives way to the number and to half a row of text: what tells files apart stands at its end."""
    path, number, text = clean_line(match.path, 1_000), f":{match.number}: ", clean_line(match.text, 300)
    room = max(width // 2 - len(number), width - len(number) - cell_len(text))
    return f"{fitted_end(path, room)}{number}{text}"


def _detail(match: Match) -> Content:
    """The line with its match marked."""
    text = clean(match.text).replace("\t", " ")
    before, marked, after = text[: match.start], text[match.start : match.end], text[match.end :]
    return Content.assemble((_place(match), ".strong"), "\n", before.lstrip(), (marked, ".chosen"), after)


def _place(match: Match) -> str:
    return f"{clean_line(match.path, 100)}:{match.number}"
