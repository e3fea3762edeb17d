"""Failures that a person can see: what happened, what was kept safe, what to do next.

Every error that leaves a package on purpose derives from `ContinualCodeError`, so the
three places that may catch (a tool call, the learner's step, the top of the app) can
show it as a sentence; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_BYTES = 256_000
_log = logging.getLogger(__package__)
_log.propagate = False  # stderr is the screen
_log.addHandler(logging.NullHandler())


class ContinualCodeError(Exception):
    """Base of all visible failures.

    Args:
        what: what happened, one sentence, no trailing newline.
        kept: what was kept safe ("the file is unchanged"); may be empty.
        do: what the person can do next; may be empty.
    """

    exit_code = 1

    def __init__(self, what: str, *, kept: str = "", do: str = "") -> None:
        self.what, self.kept, self.do = what, kept, do
        super().__init__(" ".join(part for part in (what, kept, do) if part))


class UsageError(ContinualCodeError):
    """The person's request does not make sense as given (unknown id, bad flag)."""

    exit_code = 2


class ModelError(ContinualCodeError):
    """A model cannot be found, fetched, checked, converted or loaded."""


class WorkspaceError(ContinualCodeError):
    """A file operation was refused or failed; the person's files are as they were."""


class ProposalError(ContinualCodeError):
    """The model's answer could not be offered as an edit (unparsable, truncated, too lossy)."""


class StateError(ContinualCodeError):
    """The journal, a revision or a lock is not in the state it must be in."""


class DamagedError(StateError):
    """One thing that was stored cannot be read any more; what stands beside it can."""


class ImportRefused(ContinualCodeError):
    """A file from outside (adapter, manifest, configuration) failed its checks."""


class Interrupted(ContinualCodeError):
    """The person stopped the work in progress."""

    exit_code = 130


class _BugLog(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """A log that cannot be written spoils nothing."""


def keep_tracebacks(log: Path) -> None:
    """From now on append to this file what `unexpected` is told."""
    for handler in _log.handlers[:]:
        _log.removeHandler(handler)
        handler.close()
    _log.addHandler(_BugLog(log, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8", delay=True))


def unexpected(error: Exception) -> str:
    """A bug in one line, for the person; its traceback goes to the log, if one is kept."""
    _log.error("unexpected", exc_info=error)
    return f"Unexpected {type(error).__name__}: {error}"
