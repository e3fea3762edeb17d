"""Which keys the footer names while the person is at the prompt.

Invariant: a key is named only while it does something, and the most urgent ones stand first.
"""

from __future__ import annotations

from continual_code.ui.status import Status
from continual_code.ui.widgets.completions import Completions


def prompt_keys(status: Status, offered: Completions, *, waiting: bool) -> str:
    """The second row of the footer; `waiting` says that a proposal is to be judged."""
    review = ["F2 review"] if waiting else []
    sends = ["Enter queues" if status.answering or status.loading else "Enter sends"]
    always = ["Shift+Tab mode", "F4 lessons", "Ctrl+Q quit", "Ctrl+J newline", "Ctrl+G editor", "F1 help"]
    if not offered.is_open:
        return " · ".join([*_stop(status), *review, *sends, *always])
    takes, sends = ("Enter takes", []) if offered.is_moved else ("Tab takes", sends)
    return " · ".join([takes, "Up, Down choose", "Esc closes", *review, *sends, *always])


def _stop(status: Status) -> list[str]:
    """What Esc does now, in the order in which it stops what goes on."""
    if status.answering:
        return ["Esc stops the answer"]
    if status.running.now:
        return [f"Esc stops the {status.running.name}"]
    return ["Esc cancels the lesson"] if status.learning else []
