"""The one message that carries the engine's events onto the screen's own loop.

Invariant: it holds nothing but the immutable event, so it may be posted from any thread.
"""

from __future__ import annotations

from textual.message import Message

from continual_code.events import Event


class EngineEvent(Message):
    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event
