"""The threads that torch computes with beside the one that calls it.

Each thread that computes gets helpers of its own from GNU OpenMP, and keeps them. Once there are more of them in the
process than cores, even idle ones, helpers no longer wait a moment for their next piece of work but go to sleep at
once; waking them costs more than many a small piece of a forward pass.
Source: `gomp_throttled_spin_count_var` in libgomp; the call is `omp_pause_resource_all` of OpenMP 5.0.
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SOFT = 1  # omp_pause_soft: settings stay


def dismiss_helpers() -> None:
    """Send this thread's helpers away; it gets new ones, in about a millisecond, when it computes again.

    To be called by a thread that will not compute for a while. It does nothing where torch does not bring GNU OpenMP.
    """
    if library := _gnu_openmp():
        library.omp_pause_resource_all(_SOFT)


@cache
def _gnu_openmp() -> ctypes.CDLL | None:
    """The copy that torch loads."""
    torch = find_spec("torch")  # without importing it, which takes seconds
    found = sorted(Path(torch.origin).parent.glob("lib/libgomp*.so*")) if torch and torch.origin else []
    library = ctypes.CDLL(str(found[0])) if found else None
    return library if hasattr(library, "omp_pause_resource_all") else None
