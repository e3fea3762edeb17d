"""What a confined command can do, what it cannot, and that each thing it cannot do works without the sandbox.

Every attack is a small program. Unconfined it must succeed, or the test proves nothing; confined it must fail and
change nothing; and the same program, aimed at what the sandbox may change, must succeed there.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from continual_code.workspace import Finished, SandboxUnavailable, run_sandboxed, sandbox_available

PYTHON = [sys.executable, "-I", "-S", "-c"]
PATIENCE = 30.0  # seconds after which something that should have happened has not
PREAMBLE = """
import ctypes, fcntl, os, resource, shutil, signal, socket, struct, subprocess, sys, time
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)
def must(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
target, here = Path(sys.argv[1]), Path(sys.argv[2])
"""

REASON = sandbox_available() or ""
if "Function not implemented" in REASON or "Operation not supported" in REASON:  # no Landlock, or switched off
    print(f"skipping the sandbox tests: {REASON}")
    pytestmark = pytest.mark.skip(reason=REASON)


def unconfined(script: str, *arguments: object) -> int:
    command = [*PYTHON, PREAMBLE + script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE).returncode


def confined(script: str, *arguments: object, here: Path, seconds: float = PATIENCE, **limits: int) -> Finished:
    command = [*PYTHON, PREAMBLE + script, *map(str, arguments)]
    return run_sandboxed(command, root=here, writable=[here], seconds=seconds, **limits)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The one directory that a confined command may change."""
    path = tmp_path / "here"
    path.mkdir()
    return path


def plant(path: Path) -> Path:
    (path / "folder").mkdir(parents=True)
    (path / "secret.txt").write_text("the person's bytes\n")
    return path


def fingerprint(path: Path) -> dict[str, tuple[object, ...]]:
    """All there is to know about a tree but when it was read."""
    found = {}
    for entry in [path, *sorted(path.rglob("*"))]:
        status = entry.lstat()
        content = entry.read_bytes() if entry.is_file() and not entry.is_symlink() else b""
        found[str(entry.relative_to(path))] = (status.st_mode, status.st_nlink, status.st_mtime_ns, content)
    return found


# --- Files ----------------------------------------------------------------------------

ON_FILES = {
    "make a file": "(target / 'new').write_text('x')",
    "overwrite": "(target / 'secret.txt').write_text('x')",
    "append": "os.write(os.open(target / 'secret.txt', os.O_WRONLY | os.O_APPEND), b'x')",
    "truncate by path": "os.truncate(target / 'secret.txt', 3)",
    "write through a link": "(here / 'l').symlink_to(target / 'secret.txt'); (here / 'l').write_text('x')",
    "write through a linked folder": "(here / 'd').symlink_to(target); (here / 'd/new').write_text('x')",
    "write through /proc/self/cwd": "os.chdir(target); Path('/proc/self/cwd/new').write_text('x')",
    "hard link there": "os.link(target / 'secret.txt', target / 'twin')",
    "hard link to here, then write": "os.link(target / 'secret.txt', here / 'l'); (here / 'l').write_text('x')",
    "rename": "os.rename(target / 'secret.txt', target / 'other')",
    "move out": "os.rename(target / 'secret.txt', here / 'stolen')",
    "move in": "(here / 'x').write_text('x'); os.rename(here / 'x', target / 'x')",
    "delete": "os.unlink(target / 'secret.txt')",
    "delete a folder": "os.rmdir(target / 'folder')",
    "make a folder": "os.mkdir(target / 'new')",
    "make a pipe": "os.mkfifo(target / 'new')",
    "make a link": "os.symlink('/', target / 'new')",
    "mode by path": "os.chmod(target / 'secret.txt', 0o777)",
    "mode by relative path": "os.chdir(target); os.chmod('secret.txt', 0o777)",
    "mode by folder and name": "os.chmod('secret.txt', 0o777, dir_fd=os.open(target, os.O_PATH))",
    "mode through a link": "(here / 'l').symlink_to(target / 'secret.txt'); os.chmod(here / 'l', 0o777)",
    "mode of the folder itself": "os.chmod(target, 0o777)",
    "mode by descriptor": "os.chmod(os.open(target / 'secret.txt', os.O_RDONLY), 0o777)",
    "mode by a bare handle": "os.chmod(f\"/proc/self/fd/{os.open(target / 'secret.txt', os.O_PATH)}\", 0o777)",
    "times by path": "os.utime(target / 'secret.txt', (1, 1))",
    "times by descriptor": "os.utime(os.open(target / 'secret.txt', os.O_RDONLY), (1, 1))",
    "times of a link": "(target / 'secret.txt').touch()",
}


@pytest.mark.parametrize("attack", ON_FILES)
def test_a_file_can_be_changed_where_allowed_and_nowhere_else(attack: str, here: Path, tmp_path: Path) -> None:
    control, outside, inside = (plant(path / "tree") for path in (tmp_path / "control", tmp_path, here))
    (tmp_path / "control/here").mkdir()
    before = fingerprint(control), fingerprint(outside), fingerprint(inside)

    assert unconfined(ON_FILES[attack], control, tmp_path / "control/here") == 0
    assert fingerprint(control) != before[0], "the attack does nothing even without the sandbox"

    refused = confined(ON_FILES[attack], outside, here, here=here)
    assert refused.returncode != 0
    assert fingerprint(outside) == before[1]

    for leftover in ("l", "d"):
        (here / leftover).unlink(missing_ok=True)
    allowed = confined(ON_FILES[attack], inside, here, here=here)
    assert (allowed.returncode, allowed.stderr) == (0, "")
    assert fingerprint(inside) != before[2]


@pytest.mark.parametrize("attack", ["mode by descriptor", "times by descriptor", "make a file", "delete"])
def test_what_may_only_be_read_is_not_changed_either(attack: str, here: Path, tmp_path: Path) -> None:
    root = plant(tmp_path / "root")
    before = fingerprint(root)
    command = [*PYTHON, PREAMBLE + ON_FILES[attack], str(root), str(here)]
    assert run_sandboxed(command, root=root, writable=[here], seconds=PATIENCE).returncode != 0
    assert fingerprint(root) == before
    shown = run_sandboxed(["cat", "secret.txt"], root=root, writable=[here], seconds=PATIENCE)
    assert shown.stdout == "the person's bytes\n"


NEVER = {
    "give a file away": "os.chown(here / 'f', -1, -1)",
    "a set-id bit": "os.chmod(here / 'f', 0o4755)",
    "memory that no limit counts": "must(libc.memfd_create(b'm', 0))",
}


@pytest.mark.parametrize("attack", NEVER)
def test_no_powers_are_gained(attack: str, here: Path) -> None:
    (here / "f").touch()
    assert unconfined(NEVER[attack], here, here) == 0
    assert confined(NEVER[attack], here, here, here=here).returncode != 0
    assert confined("os.chmod(here / 'f', 0o755)", here, here, here=here).returncode == 0


def test_not_even_root_has_powers_inside(here: Path) -> None:
    script = "print(next(line for line in open('/proc/self/status') if line.startswith('CapEff')).split()[1])"
    assert int(confined(script, here, here, here=here).stdout, 16) == 0
    if os.getuid() == 0:
        outside = subprocess.run([*PYTHON, script], capture_output=True, text=True).stdout
        assert int(outside, 16) != 0, "root has no powers here even without the sandbox"


def test_files_elsewhere_are_not_even_read(here: Path, tmp_path: Path) -> None:
    script = "print((target / 'secret.txt').read_text())"
    outside, inside = plant(tmp_path / "outside"), plant(here / "tree")
    assert unconfined(script, outside, here) == 0
    refused = confined(script, outside, here, here=here)
    assert refused.returncode != 0
    assert "bytes" not in refused.stdout
    assert "the person's bytes" in confined(script, inside, here, here=here).stdout


# --- The network ----------------------------------------------------------------------


def reached(server: socket.socket, patience: float) -> bool:
    """Whether a connection or a letter has come; the kernel takes both in without any help."""
    return bool(select.select([server], [], [], patience)[0])


TCP, UDP = (socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM)
UNIX, LETTERS = (socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_DGRAM)
ON_NETWORK = {
    "TCP": (*TCP, "socket.create_connection(('127.0.0.1', int(sys.argv[3])))"),
    "UDP": (*UDP, "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', int(sys.argv[3])))"),
    "the shell": (*TCP, "subprocess.run(['bash', '-c', f'echo > /dev/tcp/127.0.0.1/{sys.argv[3]}'], check=True)"),
    "a Unix socket": (*UNIX, "socket.socket(socket.AF_UNIX).connect(sys.argv[3])"),
    "an abstract one": (*UNIX, "socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[3])"),
    "a letter from one of a pair": (
        *LETTERS,
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', sys.argv[3])",
    ),
}


@pytest.mark.parametrize("attack", ON_NETWORK)
def test_nothing_is_sent_anywhere(attack: str, here: Path, tmp_path: Path) -> None:
    family, kind, script = ON_NETWORK[attack]
    name = f"/tmp/{uuid4().hex[:12]}" if attack == "an abstract one" else str(tmp_path / "s")
    address = ("127.0.0.1", 0) if family == socket.AF_INET else "\0" + name if "abstract" in attack else name
    with socket.socket(family, kind) as server:
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen()
        spoken = server.getsockname()[1] if family == socket.AF_INET else name
        assert confined(script, here, here, spoken, here=here).returncode != 0
        assert not reached(server, 0.2)
        assert unconfined(script, here, here, spoken) == 0
        assert reached(server, PATIENCE), "the attack reaches nobody even without the sandbox"


def test_two_processes_inside_may_talk(here: Path) -> None:
    script = """
a, b = socket.socketpair()
if os.fork() == 0:
    b.sendall(b"hello"); os._exit(0)
print(a.recv(5).decode())
"""
    assert confined(script, here, here, here=here).stdout == "hello\n"


# --- Other processes ------------------------------------------------------------------

VICTIM = """
import ctypes, time
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)  # whoever wants to may trace this one
print("ready", flush=True)
time.sleep(600)
"""
AGAINST_A_PROCESS = {
    "kill": "os.kill(pid, signal.SIGKILL)",
    "ask whether it lives": "os.kill(pid, 0)",
    "kill its group": "os.killpg(os.getpgid(pid), signal.SIGKILL)",
    "kill its thread": "must(libc.syscall(libc_tgkill, pid, pid, 9))",
    "kill by descriptor": "signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)",
    "queue a signal": "must(libc.sigqueue(pid, 9, ctypes.c_void_p(0)))",
    "a signal by ownership of a pipe": """
r, w = os.pipe()
for end in (r, w):
    fcntl.fcntl(end, fcntl.F_SETOWN, pid)
    fcntl.fcntl(end, 10, signal.SIGKILL)
    fcntl.fcntl(end, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
os.write(w, b"x")
""",
    "limit it": "resource.prlimit(pid, resource.RLIMIT_NOFILE, (1, 1))",
    "slow it down": "os.setpriority(os.PRIO_PROCESS, pid, 19)",
    "pin it": "os.sched_setaffinity(pid, {0})",
    "trace it": "must(libc.ptrace(0x4206, pid, 0, 0))",
    "open its memory": "open(f'/proc/{pid}/mem', 'rb')",
    "read its environment": "assert b'PATH' in open(f'/proc/{pid}/environ', 'rb').read()",
    "take one of its descriptors": "must(libc.syscall(438, os.pidfd_open(pid), 0, 0))",
}
MINE = """
libc_tgkill = {"x86_64": 234, "aarch64": 131}[os.uname().machine]
pid = int(sys.argv[3])
"""


@pytest.fixture
def victim() -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started = []

    def start() -> subprocess.Popen[str]:
        command = [*PYTHON, VICTIM]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True, env={"PATH": "/bin"}
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("attack", AGAINST_A_PROCESS)
def test_no_process_outside_is_touched(attack: str, here: Path, victim: Callable[[], subprocess.Popen[str]]) -> None:
    script = MINE + AGAINST_A_PROCESS[attack]
    spared = victim()
    assert confined(script, here, here, spared.pid, here=here).returncode != 0
    assert spared.poll() is None
    assert unconfined(script, here, here, victim().pid) == 0, "the attack fails even without the sandbox"


# Only asked for, by signal 0: were the sandbox broken, a real one to -1 would end the whole session of whoever tests.
@pytest.mark.parametrize("target", ["os.getppid()", "-1"], ids=["its supervisor", "everyone"])
def test_it_cannot_signal_whoever_runs_it(target: str, here: Path) -> None:
    assert unconfined(f"os.kill({target}, 0)", here, here) == 0
    refused = confined(f"os.kill({target}, 0)", here, here, here=here)
    assert refused.returncode == 1
    assert "PermissionError" in refused.stderr


def test_it_may_signal_what_it_started(here: Path) -> None:
    script = """
child = subprocess.Popen(["sleep", "600"]); child.terminate(); assert child.wait() == -signal.SIGTERM
group = subprocess.Popen(["sleep", "600"], start_new_session=True); os.killpg(group.pid, 9); assert group.wait() == -9
try:
    os.kill(child.pid, 0)
except ProcessLookupError:
    print("gone")
"""
    done = confined(script, here, here, here=here)
    assert (done.stdout, done.stderr) == ("gone\n", "")


# --- Nothing survives -----------------------------------------------------------------


def alive(token: str) -> list[int]:
    """The processes that have `token` among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if token.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def await_none(token: str) -> bool:
    limit = time.monotonic() + PATIENCE
    while alive(token) and time.monotonic() < limit:
        time.sleep(0.05)
    return not alive(token)


ESCAPES = {
    "in the background": "subprocess.Popen([sys.executable, '-c', SLEEP, token])",
    "a new session": "subprocess.Popen([sys.executable, '-c', SLEEP, token], start_new_session=True)",
    "twice forked": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, '-c', SLEEP, token])
    os._exit(0)
os.wait()
""",
    "deaf to signals": "subprocess.Popen([sys.executable, '-c', DEAF + SLEEP, token], start_new_session=True)",
}
HOLD = """
SLEEP = "import time; open('alive', 'w').close(); time.sleep(600)"
DEAF = "import signal; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)];"
os.chdir(here)
token = sys.argv[3]
"""
UNTIL_ALIVE = "\nwhile not os.path.exists('alive'): time.sleep(0.01)"


@pytest.mark.parametrize("escape", ESCAPES)
def test_nothing_outlives_the_command(escape: str, here: Path) -> None:
    script, token = HOLD + ESCAPES[escape] + UNTIL_ALIVE, uuid4().hex
    quiet = f"{HOLD}os.dup2(os.open('/dev/null', os.O_WRONLY), 1); os.dup2(1, 2)\n{ESCAPES[escape]}{UNTIL_ALIVE}"
    assert unconfined(quiet, here, here, token) == 0
    survivors = alive(token)
    for pid in survivors:
        os.kill(pid, signal.SIGKILL)
    assert survivors, "nothing survives even without the sandbox"
    (here / "alive").unlink()

    assert confined(script, here, here, token, here=here).returncode == 0
    assert (here / "alive").exists()
    assert alive(token) == []


CALLER = """
import sys
from pathlib import Path
from continual_code.workspace import run_sandboxed
run_sandboxed(sys.argv[2:], root=Path(sys.argv[1]), writable=[Path(sys.argv[1])], seconds=600)
"""


def test_nothing_outlives_a_caller_that_is_killed(here: Path) -> None:
    token = uuid4().hex
    command = [*PYTHON, "import time, sys; open('alive', 'w').close(); time.sleep(600)", token]
    # Its private folder is left behind, but not in the shared one.
    caller = subprocess.Popen([sys.executable, "-c", CALLER, str(here), *command], env={"TMPDIR": str(here.parent)})
    limit = time.monotonic() + PATIENCE
    while not (here / "alive").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    assert len(alive(token)) == 2, "the caller, whose arguments name it too, and the command"
    caller.kill()
    caller.wait()
    assert await_none(token)


BOMB = """
os.chdir(here)
born = 0
try:
    while born < 700:
        if os.fork() == 0:
            time.sleep(600)
        born += 1
finally:
    print(born, flush=True)
    sys.argv[4:] and os.killpg(0, signal.SIGKILL)
"""


def test_a_fork_bomb_is_stopped_and_swept_up(here: Path) -> None:
    token = uuid4().hex
    command = [*PYTHON, PREAMBLE + BOMB, str(here), str(here), token, "and end them all"]
    bomb = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, start_new_session=True)
    assert bomb.stdout == "700\n", "the bomb does not go off even without the sandbox"
    assert await_none(token)

    stopped = confined(BOMB, here, here, token, here=here)
    assert stopped.returncode == 1
    assert "BlockingIOError" in stopped.stderr
    assert 100 < int(stopped.stdout) < 700
    assert alive(token) == []


# --- Limits ---------------------------------------------------------------------------


def test_output_without_end_is_cut_and_ended(here: Path) -> None:
    script = "while True: os.write(int(sys.argv[3]), b'x' * 65536)"
    for stream in (1, 2):
        cut = confined(script, here, here, stream, here=here, output_bytes=300_000)
        assert not cut.timed_out
        assert cut.returncode == -signal.SIGKILL
        assert [len(cut.stdout), len(cut.stderr)][stream - 1] == 300_000
    with subprocess.Popen([*PYTHON, PREAMBLE + script, here, here, "1"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(3_000_000)) == 3_000_000
        process.kill()


def test_a_command_that_sleeps_for_ever_is_ended(here: Path) -> None:
    ended = confined("time.sleep(600)", here, here, here=here, seconds=0.5)
    assert ended.timed_out
    assert ended.returncode == -signal.SIGKILL
    assert 0.5 <= ended.seconds < PATIENCE
    assert not confined("time.sleep(0.1)", here, here, here=here).timed_out


TOO_MUCH = {
    "memory": "bytearray(1 << 29)",
    "a large file": "os.truncate(os.open(here / 'f', os.O_CREAT | os.O_WRONLY), 1 << 30)",
}


@pytest.mark.parametrize("attack", TOO_MUCH)
def test_a_limit_holds(attack: str, here: Path) -> None:
    assert unconfined(TOO_MUCH[attack], here, here) == 0
    (here / "f").unlink(missing_ok=True)
    assert confined(TOO_MUCH[attack], here, here, here=here, memory_bytes=1 << 28).returncode != 0
    modest = TOO_MUCH[attack].replace("1 << 29", "1 << 20").replace("1 << 30", "1 << 20")
    assert confined(modest, here, here, here=here, memory_bytes=1 << 28).returncode == 0


# --- What it is given -----------------------------------------------------------------


def test_the_environment_is_not_inherited(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "hunter2")
    shown = run_sandboxed(["env"], root=here, seconds=PATIENCE, env={"GIVEN": "yes"}).stdout
    names = {line.partition("=")[0] for line in shown.splitlines()}
    assert names == {"PATH", "HOME", "TMPDIR", "LANG", "GIVEN"}
    assert "hunter2" in subprocess.run(["env"], capture_output=True, text=True).stdout


def test_it_has_a_home_of_its_own_that_is_gone_afterwards(here: Path) -> None:
    script = """
home = Path(os.environ["HOME"])
(home / "deep/er").mkdir(parents=True); (home / "deep/er/f").touch()
(home / "link").symlink_to(here)
os.chmod(home / "deep/er", 0); os.chmod(home / "deep", 0); os.chmod(home, 0)
print(home)
"""
    (here / "kept").touch()
    here.chmod(0o755)
    done = confined(script, here, here, here=here)
    assert done.stdout, done.stderr
    assert not Path(done.stdout.strip()).exists()
    assert (here / "kept").exists()
    assert here.stat().st_mode & 0o777 == 0o755


def test_a_home_without_a_bottom_is_removed_too(here: Path) -> None:
    script = """
os.chdir(os.environ["HOME"])
for _ in range(1500):
    os.mkdir("d"); os.chdir("d")
print(os.environ["HOME"])
"""
    done = confined(script, here, here, here=here)
    assert done.stdout, done.stderr
    assert not Path(done.stdout.strip()).exists()


def test_it_reads_what_it_is_given_and_reports_how_it_ended(here: Path) -> None:
    done = run_sandboxed(["sh", "-c", "cat; pwd; echo bad >&2; exit 3"], root=here, stdin="words\n", seconds=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"words\n{here}\n", "bad\n")


def test_a_command_that_does_not_exist_says_so(here: Path) -> None:
    missing = run_sandboxed(["no-such-program"], root=here, seconds=PATIENCE)
    assert missing.returncode == 127
    assert "No such file" in missing.stderr


def test_ordinary_development_works(here: Path) -> None:
    script = """
git init -q project && cd project && echo "x = 1" > a.py && chmod 755 a.py && cp -p a.py b.py && test -x b.py
git add . && git -c user.name=n -c user.email=e@x commit -qm first && mktemp > /dev/null && git log --format=%s
"""
    done = run_sandboxed(["sh", "-ec", script], root=here, writable=[here], seconds=PATIENCE)
    assert (done.stdout, done.stderr) == ("first\n", "")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
def test_a_compiled_program_runs(here: Path) -> None:
    (here / "a.c").write_text('#include <stdio.h>\nint main(void) { puts("built"); }\n')
    done = run_sandboxed(["sh", "-c", "cc a.c -o a && ./a"], root=here, writable=[here], seconds=PATIENCE)
    assert (done.stdout, done.stderr) == ("built\n", "")


# --- Without a sandbox nothing is run -------------------------------------------------

WITHOUT = """
import ctypes, struct, sys
from pathlib import Path

def forbid(number):
    "From now on this process and its children get ENOSYS from one system call."
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050026), (0x06, 0, 0, 0x7FFF0000)))
    buffer = ctypes.create_string_buffer(code, len(code))
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)
    assert libc.prctl(22, 2, ctypes.byref(Program(4, ctypes.addressof(buffer)))) == 0

from continual_code.workspace import SandboxUnavailable, run_sandboxed, sandbox_available
forbid(int(sys.argv[2]))
here = Path(sys.argv[1])
try:
    run_sandboxed(["touch", "ran"], root=here, writable=[here], seconds=60)
except SandboxUnavailable as error:
    print("refused:", error)
print("available:", sandbox_available())
"""
MISSING = {
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
    "seccomp": {"x86_64": 317, "aarch64": 277}.get(os.uname().machine, 0),
    "capset": {"x86_64": 126, "aarch64": 91}.get(os.uname().machine, 0),
    "pidfd_open": 434,
}


def output_without(number: int, here: Path) -> str:
    command = [sys.executable, "-c", WITHOUT, str(here), str(number)]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=True).stdout


@pytest.mark.parametrize("call", MISSING)
def test_where_the_kernel_cannot_confine_nothing_is_run(call: str, here: Path) -> None:
    said = output_without(MISSING[call], here)
    assert "refused: The command cannot be confined here: Function not implemented. It was not run." in said
    assert "available: The command cannot be confined here" in said
    assert not (here / "ran").exists()


def test_the_same_program_runs_where_nothing_is_missing(here: Path) -> None:
    assert output_without(99_999, here) == "available: None\n"
    assert (here / "ran").exists()


def test_another_system_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="another one"):
        run_sandboxed(["touch", "ran"], root=here, writable=[here], seconds=PATIENCE)
    assert not (here / "ran").exists()


def test_a_folder_that_does_not_exist_is_refused(here: Path) -> None:
    with pytest.raises(SandboxUnavailable, match="No such file"):
        run_sandboxed(["true"], root=here / "missing", seconds=PATIENCE)
    with pytest.raises(SandboxUnavailable, match="No such file"):
        run_sandboxed(["true"], root=here, writable=[here / "missing"], seconds=PATIENCE)
