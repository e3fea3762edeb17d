"""How a file operation says no: one sentence that names the path, with nothing in it that a terminal would obey.

Invariant: the path in a message is printable whatever the model wrote, and `kept` claims only what is certain.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from continual_code.errors import WorkspaceError

_LONGEST_SHOWN = 120
_REASONS = {
    errno.ELOOP: "it is, or passes through, a symbolic link",
    errno.ENOTDIR: "a part of the way is a symbolic link or no directory",
    errno.EXDEV: "it leads out of the directory the program was started in",
    errno.EISDIR: "it is a directory",
}


def shown(path: str) -> str:
    """`path` in quotes, with everything unprintable escaped and the far end of a long one cut."""
    clean = "".join(char if char.isprintable() else repr(char)[1:-1] for char in path)
    return f"“{clean[:_LONGEST_SHOWN]}{'…' if len(clean) > _LONGEST_SHOWN else ''}”"


def refusal(path: str, why: str, *, kept: str = "Nothing was changed.", do: str = "") -> WorkspaceError:
    """The error to raise for `path`; `why` completes the sentence that starts with it."""
    return WorkspaceError(f"{shown(path)} {why}.", kept=kept, do=do)


@contextmanager
def refusing(path: str, kept: str = "Nothing was changed.") -> Iterator[None]:
    """Turn what the operating system says about `path` into a `WorkspaceError`."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0) or os.strerror(error.errno or errno.EIO)
        raise refusal(path, f"cannot be used: {reason}", kept=kept) from error
