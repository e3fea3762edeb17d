"""The terminal screen; its one door is `run`.

Invariant: importing this costs nothing; Textual is loaded when the screen is.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

from continual_code.collector import at_rest
from continual_code.port import Gate, Session, Switch

# CPython hands the interpreter over every 5 ms by default, and painting one key needs it several times.
# Key to paint, p95 on two busy cores beside a thread in pure Python and a streaming answer: 75 ms with
# 5 ms, 50 ms with 0.5 ms, 45 ms with 0.1 ms; without the stream 25 ms (tests/ui/test_ui_latency.py).
SWITCH_SECONDS = 0.0001


class Left(NamedTuple):
    """How the person left: the exit code (1 after a bug in the screen itself), and what to go on with, if anything."""

    code: int
    switch: Switch | None


def run(session: Session, gate: Gate | None = None) -> Left:
    """Show the screen until the person quits, then close `session`.

    Args:
        session: the engine, not started yet; the first frame stands before it starts.
        gate: what to ask before that, if anything.

    Raises:
        Exception: why the session could not start; the screen is closed again.
    """
    with at_rest():
        from continual_code.ui.app import ContinualApp

    app = ContinualApp(session, gate)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        switch = app.run()
    finally:
        sys.setswitchinterval(before)
        session.close()
    if app.unopened:
        raise app.unopened
    return Left(app.return_code or 0, switch)
