"""Imports and loading without the garbage collector, which finds nothing there and looks again and again.

Invariant: the collector is as it was afterwards, whatever the import raises.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Iterator[None]:
    """Import within this block; what is alive at its end is left alone by the collector from then on.

    For imports that happen once in a process: garbage that is alive at the end is never freed. The modules that a
    model needs hold so many objects that collecting slows their import, and that one full collection afterwards
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
