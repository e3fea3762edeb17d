"""Which files a process and all its descendants may open from now on (Linux 5.13 or newer).

Invariant: what is not named here can neither be opened nor made, removed, linked or renamed; what Landlock does not
know about at all (modes, owners, times, `truncate` on old kernels) is left to the system call filter.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_QUERY, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHARACTER_DEVICE, _MAKE_BLOCK_DEVICE = 1 << 6, 1 << 11
_TRUNCATE, _DEVICE_IOCTL = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIRECTORY
_FILES_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _DEVICE_IOCTL
_RIGHTS_BY_VERSION = (13, 14, 15, 15, 16)  # how many file rights versions 1 to 5 know
_TCP_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def confine(readable: Iterable[str], optional: Iterable[str], writable: Iterable[str]) -> None:
    """Restrict this process for good.

    Args:
        readable: what may be read and executed, with all beneath it; each must exist.
        optional: the same for paths that not every system has.
        writable: what may also be changed; each must exist.

    Raises:
        OSError: the kernel has no Landlock, or a path does not exist.
    """
    version = kernel.syscall(_CREATE_RULESET, None, 0, _VERSION_QUERY)
    handled = (1 << _RIGHTS_BY_VERSION[min(version, len(_RIGHTS_BY_VERSION)) - 1]) - 1
    ruleset = _ruleset(version, handled)
    for path in (*readable, *filter(os.path.exists, optional)):
        _allow(ruleset, path, _READ & handled)
    for path in writable:
        _allow(ruleset, path, handled & ~(_MAKE_CHARACTER_DEVICE | _MAKE_BLOCK_DEVICE | _DEVICE_IOCTL))
    kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _ruleset(version: int, handled: int) -> int:
    attributes = struct.pack("QQQ", handled, _TCP_BIND_AND_CONNECT, _ABSTRACT_SOCKETS_AND_SIGNALS)
    known = attributes[: 8 if version < 4 else 16 if version < 6 else 24]
    return kernel.syscall(_CREATE_RULESET, known, len(known), 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not stat.S_ISDIR(os.fstat(folder).st_mode):
        rights &= _FILES_ONLY
    kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, folder), 0)
    os.close(folder)
