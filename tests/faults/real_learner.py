"""The whole engine on the tiny model, in processes that the tests kill.

A nursery: everything is imported once, then each line on stdin forks a process that works in a home of its
own: "prepare HOME" records rejections, "learn HOME" starts a session and learns until nothing waits. A
process prints "ready" when its model is loaded; the nursery prints its id before and its exit status after.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMENTS = ("Call the parameter zebra.", "Add type hints to every function.")


class Nursery:
    """The other side of the script."""

    def __init__(self, model: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(model)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "TOKENIZERS_PARALLELISM": "false"},
        )  # fmt: skip

    def start(self, order: str, home: Path) -> int:
        """The process id of a process that carries out the order."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order} {home}\n")
        self.process.stdin.flush()
        return int(self.line())

    def line(self) -> str:
        """ "ready", or how the process ended: its exit status, or minus the signal."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        """Wait for the process and return how it ended."""
        line = self.line()
        return self.end() if line == "ready" else int(line)

    def close(self) -> None:
        self.process.communicate()


def _settings(home: Path, model: Path):
    from playing import tiny_settings

    return tiny_settings(home, model, demonstration=False)  # the longest part of a lesson, and it leaves nothing behind


def _prepare(home: Path, model: Path) -> None:
    """One rejected proposal for each comment, sampled by nobody, with the tokens that the model would need."""
    from playing import AFTER, BEFORE, FILE, TASK, plant

    from continual_code.app import open_desk, open_lineage
    from continual_code.events import Message, Rollout, Verdict
    from continual_code.model.base import load_base

    settings = _settings(home, model)
    desk = open_desk(settings, plant(home / "project"))
    chat = load_base("tiny", model, "0" * 64, device="cpu", precision="float32").chat
    for comment in COMMENTS:
        messages = (Message("user", f"Here is `{FILE}`:\n\n{BEFORE}\n{TASK.text}"),)
        tokens = (*chat.encode(f"```python\n{AFTER[0]}```"), *chat.stop_ids)
        rollout = Rollout(messages, tuple(chat.render(messages)), tokens, (-1.0,) * len(tokens), 0.0, 1.0, 0, 0, "stop")
        proposal = desk.journal.add_proposal(
            model=open_lineage(settings, desk.journal).key, root=str(desk.root.path), task=TASK, path=FILE,
            before=BEFORE, after=AFTER[0], rollout=rollout, seconds=0.0,
        )  # fmt: skip
        desk.judge(Verdict(proposal.id, "reject", comment))


def _learn(home: Path, model: Path) -> None:
    """Exit status 0 when all is learned and nothing went wrong on the way, 3 otherwise."""
    from continual_code.app import open_session
    from continual_code.events import Event, Failed, LearnerState, Ready

    ended, troubles = threading.Event(), list[str]()

    def listen(event: Event) -> None:
        if isinstance(event, Ready):
            os.write(1, b"ready\n")
        if isinstance(event, Failed):
            troubles.append(event.what)
        if isinstance(event, Failed) or (isinstance(event, LearnerState) and event.state == "idle"):
            ended.set()

    session = open_session(_settings(home, model), home / "project")
    session.start(listen)
    ended.wait(60)
    session.close()
    if troubles:
        print(*troubles, file=sys.stderr)
    os._exit(3 if troubles or not ended.is_set() else 0)


def _nursery(model: Path) -> None:
    import playing  # noqa: F401 - what the forked processes need, imported once
    import torch
    import transformers.models.qwen2.modeling_qwen2
    import transformers.models.qwen2.tokenization_qwen2  # noqa: F401

    import continual_code.agent.prompts
    import continual_code.learning.worker
    import continual_code.model.base  # noqa: F401

    torch.set_num_threads(1)  # no thread may exist before the fork
    for line in sys.stdin:
        order, _, home = line.strip().partition(" ")
        child = os.fork()
        if child == 0:
            signal.alarm(90)
            (_prepare if order == "prepare" else _learn)(Path(home), model)
            os._exit(0)
        os.write(1, f"{child}\n".encode())
        os.write(1, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())


if __name__ == "__main__":
    _nursery(Path(sys.argv[1]))
