"""Imports and loading without the garbage collector, which finds nothing there and looks again and again.

Invariant: the collector is as it was afterwards, whatever is raised within.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """Import or load within this block; what is alive at its end is left alone by the collector from then on.

    For what happens once in a process: garbage that is alive at the end is never freed. A model and the modules that
    it needs hold so many objects that collecting slows their making, and that one full collection afterwards
    stops every thread, and so the screen, for a visible moment; not once they are frozen.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if before:
            gc.enable()
