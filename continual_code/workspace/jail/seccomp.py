"""Which system calls a process and all its descendants may make from now on.

Invariant: no socket, no other process, no inode outside is reached by a call that Landlock does not govern. Calls that
need a capability are not listed, because nothing in the sandbox has one. Calls in `ASKED` wait until the supervisor
has answered; the rest is refused or allowed by the kernel alone.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterator

import kernel

_SECCOMP = {kernel.X86_64: 317, kernel.AARCH64: 277}
_SET_MODE_FILTER, _NEW_LISTENER = 1, 1 << 3
_KILL, _ERRNO, _ASK, _ALLOW = 0x80000000, 0x00050000, 0x7FC00000, 0x7FFF0000
_X32 = 0x40000000  # on x86-64 these numbers are a second name for every call

# name: (x86-64, aarch64); None where the architecture has no such call.
_Numbers = dict[str, tuple[int | None, int | None]]
_COLUMN = 0 if kernel.ARCHITECTURE == kernel.X86_64 else 1
ASKED: _Numbers = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "utimensat": (280, 88), "truncate": (76, 45),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "clone": (56, 220), "fork": (57, None), "vfork": (58, None),
}  # fmt: skip
_FORBIDDEN: _Numbers = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "file_setattr": (469, 469),
    "unshare": (272, 97), "setns": (308, 268), "open_by_handle_at": (304, 265),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "shmget": (29, 194), "shmat": (30, 196), "semget": (64, 190), "msgget": (68, 186),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
}  # fmt: skip
# Programs fall back to an older call or do without when these seem to be missing.
_ABSENT: _Numbers = {
    "clone3": (435, 435), "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),  # memory that no limit counts
}  # fmt: skip
_UNSUPPORTED: _Numbers = {
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
}  # fmt: skip
_REFUSED = ((_FORBIDDEN, errno.EPERM), (_ABSENT, errno.ENOSYS), (_UNSUPPORTED, errno.EOPNOTSUPP))

_ANY = 0xFFFFFFFF
_NEW_NAMESPACES = 0x7E020000
# Calls allowed only while one argument, masked, is one of a few values: argument, mask, values.
_ONLY: dict[tuple[int, int], tuple[tuple[int, int, tuple[int, ...]], ...]] = {
    (53, 199): ((0, _ANY, (1,)), (1, 0xF, (1, 5))),  # socketpair: connected Unix streams, which reach nobody else
    (302, 261): ((0, _ANY, (0,)),),  # prlimit64: oneself
    (141, 140): ((0, _ANY, (0,)), (1, _ANY, (0,))),  # setpriority: oneself
    (251, 30): ((0, _ANY, (1,)), (1, _ANY, (0,))),  # ioprio_set: oneself
    (203, 122): ((0, _ANY, (0,)),),  # sched_setaffinity: oneself
    (144, 119): ((0, _ANY, (0,)),),  # sched_setscheduler: oneself
    (142, 118): ((0, _ANY, (0,)),),  # sched_setparam: oneself
    (314, 274): ((0, _ANY, (0,)),),  # sched_setattr: oneself
}
# Calls refused when one argument is one of a few values: signals through ownership, keystrokes, inode flags.
_NOT: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {
    (72, 25): (1, (8, 10, 15)),  # fcntl: F_SETOWN, F_SETSIG, F_SETOWN_EX
    # ioctl: TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP, FS_IOC_SETFLAGS in two sizes, FS_IOC_FSSETXATTR
    (16, 29): (1, (0x5412, 0x541C, 0x8901, 0x8902, 0x40086602, 0x40046602, 0x401C5820)),
}

_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_Code = list[tuple[int, int, int, int]]  # operation, jump if true, jump if false, operand


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def listen() -> int:
    """Restrict this process for good. Returns the descriptor on which the `ASKED` calls arrive.

    Raises:
        OSError: the kernel has no such filter, or another sandbox around this one listens already.
    """
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _program())
    program = _Program(len(code) // 8, code)
    return kernel.syscall(_SECCOMP[kernel.ARCHITECTURE], _SET_MODE_FILTER, _NEW_LISTENER, program)


def asked_names() -> dict[int, str]:
    """The names of the calls in `ASKED` by their number here."""
    return {number: name for name, numbers in ASKED.items() if (number := numbers[_COLUMN]) is not None}


def _program() -> _Code:
    code = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, kernel.ARCHITECTURE), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    if kernel.ARCHITECTURE == kernel.X86_64:
        code += [(_AT_LEAST, 0, 1, _X32), _refuse(errno.ENOSYS)]
    for number, body in _rules():
        code += [(_EQUAL, 0, len(body), number), *body]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _rules() -> Iterator[tuple[int, _Code]]:
    """For each call the instructions that decide about it; every path through them returns."""
    for numbers, conditions in _ONLY.items():
        yield numbers[_COLUMN], _only(conditions)
    for numbers, (argument, values) in _NOT.items():
        yield numbers[_COLUMN], _unless(argument, values)
    for number, name in asked_names().items():
        yield number, _ask(name)
    for group, error in _REFUSED:
        here = (numbers[_COLUMN] for numbers in group.values())
        yield from ((number, [_refuse(error)]) for number in here if number is not None)


def _ask(name: str) -> _Code:
    ask: _Code = [(_RETURN, 0, 0, _ASK)]
    namespaces: _Code = [_load(0), (_ANY_BIT, 0, 1, _NEW_NAMESPACES), _refuse(errno.EPERM)]
    return [*namespaces, *ask] if name == "clone" else ask


def _only(conditions: tuple[tuple[int, int, tuple[int, ...]], ...]) -> _Code:
    code: _Code = []
    for argument, mask, values in conditions:
        tests: _Code = [(_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
        code += [_load(argument), (_AND, 0, 0, mask), *tests, _refuse(errno.EPERM)]
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _unless(argument: int, values: tuple[int, ...]) -> _Code:
    tests: _Code = [(_EQUAL, len(values) - at, 0, value) for at, value in enumerate(values)]
    return [_load(argument), *tests, (_RETURN, 0, 0, _ALLOW), _refuse(errno.EPERM)]


def _load(argument: int) -> tuple[int, int, int, int]:
    """The low half of an argument: the kernel itself reads no more of any argument judged here."""
    return _LOAD, 0, 0, 16 + 8 * argument


def _refuse(error: int) -> tuple[int, int, int, int]:
    return _RETURN, 0, 0, _ERRNO | error
