"""/model: which model goes on with the session.

Invariant: the screen closes only for a model that there is, and only when the person has named or chosen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from textual.app import App
from textual.content import Content

from continual_code.port import ModelChoice, Session
from continual_code.ui.calls import Calls, OnError
from continual_code.ui.clean import clean_line
from continual_code.ui.screens.picker import Choice, Picker
from continual_code.ui.widgets.status_bar import Source


class Switching:
    """Closes the app with what to start anew with."""

    def __init__(self, source: Source, session: Session, calls: Calls) -> None:
        self._source, self._session, self._calls = source, session, calls

    def begin(self, app: App[Any], model: str = "", *, failed: OnError | None = None) -> None:
        """Go on with a model, or ask with which; `failed` says why it cannot be."""
        if model:
            self._calls.submit(partial(self._session.switch, model), then=app.exit, failed=failed)
        else:
            self._calls.submit(self._session.models, then=partial(self._ask, app))

    def _ask(self, app: App[Any], models: Sequence[ModelChoice]) -> None:
        choices = [Choice(model.id, _row(model), _detail(model)) for model in models]
        heading = "Which model goes on? It learns for itself: each has lessons of its own."
        app.push_screen(Picker(self._source, heading, choices, verb="starts anew with it"), partial(self._chosen, app))

    def _chosen(self, app: App[Any], model: str | None) -> None:
        if model is not None:
            self.begin(app, model)


def _row(model: ModelChoice) -> str:
    return f"{clean_line(model.id, 60):<24} {model.state}"


def _detail(model: ModelChoice) -> Content:
    return Content.assemble(
        (clean_line(model.title, 120), ".strong"), "\n", (clean_line(model.hardware, 120), ".quiet")
    )
