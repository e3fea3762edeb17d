"""System calls by number, for what the standard library has no function for.

Invariant: a call that fails raises `OSError`, so no restriction is ever silently left out.
"""

from __future__ import annotations

import ctypes
import os
import struct

X86_64, AARCH64 = 0xC000003E, 0xC00000B7  # AUDIT_ARCH_*, as seccomp reports them
ARCHITECTURE = {"x86_64": X86_64, "aarch64": AARCH64}.get(os.uname().machine, 0)

_CAPSET = {X86_64: 126, AARCH64: 91}
_CAPABILITY_VERSION = 0x20080522
_PIDFD_OPEN = 434
_SET_NO_NEW_PRIVS, _SET_CHILD_SUBREAPER = 38, 36

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def syscall(number: int, *arguments: int | bytes | ctypes.Structure | None) -> int:
    """Call the kernel; integers go as longs, bytes and structures as pointers. Raises `OSError`."""
    return _checked(_libc.syscall(ctypes.c_long(number), *map(_argument, arguments)))


def _argument(value: int | bytes | ctypes.Structure | None) -> object:
    if isinstance(value, int):
        return ctypes.c_long(value)
    return ctypes.byref(value) if isinstance(value, ctypes.Structure) else value


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def open_process(pid: int) -> int:
    """A descriptor that becomes readable when the process ends."""
    return syscall(_PIDFD_OPEN, pid, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, whatever session it made for itself."""
    _prctl(_SET_CHILD_SUBREAPER)


def renounce_privileges() -> None:
    """Give up all capabilities for good: without new privileges, not even root has them again after an exec."""
    _prctl(_SET_NO_NEW_PRIVS)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    syscall(_CAPSET[ARCHITECTURE], header, bytes(24))


def _prctl(option: int) -> None:
    zero = ctypes.c_ulong(0)
    _checked(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(1), zero, zero, zero))
