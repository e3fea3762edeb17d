"""continual-code as the recorded session wants it, without a model: the real screen before a scripted engine.

It waits for nothing but the person, so the recording may be as slow as the machine.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ui"))

from scripted import ScriptedRuns, ScriptedSession, learned, lesson, proposal, ready

from continual_code import sample
from continual_code.bench.recording.session import FILES
from continual_code.events import (
    Applied,
    LearnerState,
    Listener,
    Proposed,
    Recorded,
    Retried,
    RunEnded,
    RunStarted,
    Started,
    Streamed,
    Swapped,
    Task,
    Undone,
    Verdict,
)
from continual_code.port import Opened
from continual_code.ui import run

STATS, TEXT = FILES["stats.py"], FILES["text.py"]
MEDIAN = f"{STATS}\n\ndef median(values):\n    return sorted(values)[len(values) // 2]\n"
EXPLAINED = TEXT.replace("(text):", '(text):\n    """What it does."""')
FIRST = proposal("p1", "stats.py", STATS, MEDIAN, revision=0)
SECOND = proposal("p2", "text.py", TEXT, EXPLAINED, revision=0)
AGAIN = replace(FIRST, id="p3", after=MEDIAN.replace("def ", "@traced\ndef "), retry_of="p1", revision=1)
LESSON = lesson("l1", sample.COMMENT, revision=1)


class Runs(ScriptedRuns):
    """The tests pass."""

    def __init__(self, session: Scripted) -> None:
        super().__init__(lambda *call: None)
        self._session = session

    def tests(self) -> None:
        self._session.play(RunStarted("tests", "check"), RunEnded("tests", "check", "exited", 0))


class Scripted(ScriptedSession):
    """Answers two tasks, and ends the lesson after the second one."""

    def __init__(self) -> None:
        super().__init__(Path.cwd(), tuple(FILES))
        self.runs = Runs(self)
        self.applied = "p2"

    def start(self, listener: Listener) -> Opened:
        opened = super().start(listener)
        self.play(replace(ready(), revision=0))
        return opened

    def ask(self, task: Task) -> None:
        answer = FIRST if "median" in task.text else SECOND
        self.play(Started(task, 1, 2), Streamed(f"```python\n{answer.after}```"), Proposed(answer))
        if answer is SECOND:
            self.play(LearnerState("idle"), learned("l1"), Swapped(1, 1.0), Proposed(AGAIN))
            self.play(Retried("l1", FIRST, AGAIN, True, 0.02))

    def judge(self, verdict: Verdict) -> None:
        if verdict.kind == "reject":
            self.lesson_list = [LESSON]
            self.play(Recorded(verdict, LESSON), LearnerState("learning", "l1"))
        else:
            path = {answer.id: answer.path for answer in (SECOND, AGAIN)}[verdict.proposal_id]
            self.play(Recorded(verdict, None), Applied(verdict.proposal_id, path))

    def undo(self, id: str) -> None:
        self.play(Undone(id, "text.py is as it was"))


def command(name: str) -> int:
    """What the other commands print."""
    if name == "export":
        Path("adapter").mkdir()
        Path("adapter/adapter_model.safetensors").touch()
    else:
        print("+@traced\n+def initials(text):")
    return 0


if __name__ == "__main__":
    sys.exit(command(sys.argv[1]) if sys.argv[1:] else run(Scripted()).code)
