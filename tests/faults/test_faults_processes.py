"""Several processes write to one journal and none loses a word (F10, the journal's part)."""

import subprocess
import sys
from pathlib import Path

import pytest
from fake_learner import MODEL, Learner

from continual_code.errors import StateError
from continual_code.feedback.journal import Journal

WRITER = """
import sys
from pathlib import Path
from continual_code.events import Message, Rollout, Task, Verdict
from continual_code.errors import StateError
from continual_code.feedback.journal import Journal
rollout = Rollout((Message("user", "x"),), (1,), (3,), (-0.5,), 0.0, 1.0, 0, 0, "stop")
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    proposal = journal.add_proposal(
        model="tiny@0", root="/p", task=Task("t"), path="a.py", before="", after="b", rollout=rollout, seconds=0.0)
    journal.record_verdict(Verdict(proposal.id, "reject", f"{sys.argv[2]}-{number}"))
"""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("writers", "each"), [(2, 100), (6, 10)])
def test_f10_writers_that_start_together_on_a_new_journal_lose_nothing(tmp_path: Path, writers: int, each: int):
    path = tmp_path / "journal.db"
    commands = [[sys.executable, "-c", WRITER, str(path), str(name), str(each)] for name in range(writers)]
    processes = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [process.wait(60) for process in processes] == [0] * writers
    journal = Journal(path)
    comments = [lesson.comment for lesson in journal.lessons(MODEL)]
    journal.close()
    for name in range(writers):
        own = [comment for comment in comments if comment.startswith(f"{name}-")]
        assert own == [f"{name}-{number}" for number in range(each)]


def test_f10_of_two_learners_with_the_same_lesson_only_one_publishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, second = Learner(tmp_path), Learner(tmp_path)
    first.comment("only once")
    waiting = second.journal.pending(MODEL)
    first.learn_one()
    monkeypatch.setattr(second.journal, "pending", lambda *_: waiting)  # read before the other one published
    with pytest.raises(StateError, match="not pending"):
        second.learn_one()
    assert int(second.weight().sum()) == 1
    first.close()
    second.close()
