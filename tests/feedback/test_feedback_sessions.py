"""Sessions: what was asked in one, what came of it, and that it is told again as it was."""

from dataclasses import replace
from pathlib import Path

import pytest
from feedback_story import MODEL, NOON, ROLLOUT, ROOT, Story

from continual_code.errors import UsageError
from continual_code.events import Proposal, Task, Verdict
from continual_code.feedback import migrations
from continual_code.feedback.journal import Journal
from continual_code.logbook import CHOOSE, LATEST, Logbook
from continual_code.past import Offer, Past, SessionNote, Turn

SORT, NAME = Task("Sort it.", ("a.py",)), Task("Name it \ud800.")


def answer(journal: Journal, asked: str | None, task: Task = SORT, retry_of: str | None = None) -> Proposal:
    return journal.add_proposal(
        model=MODEL, root=ROOT, task=task, path="a.py", before="b\na\n", after="a\nb\n", rollout=ROLLOUT, seconds=1.5,
        retry_of=retry_of, asked=asked,
    )  # fmt: skip


def log(journal: Journal, resume: str | None = None, root: str = ROOT) -> Logbook:
    return Logbook(journal.sessions, root, resume)


def test_a_session_is_told_again_with_its_tasks_proposals_and_verdicts(journal: Journal, path: Path):
    book = log(journal)
    first, second, third = book.begin(SORT), book.begin(NAME), book.begin(SORT)
    accepted, rejected, waiting = (answer(journal, asked) for asked in (first, first, third))
    verdicts = Verdict(accepted.id, "edit", "", "c\n"), Verdict(rejected.id, "reject", "Keep the order.")
    journal.record_verdict(verdicts[0], {"path": "a.py"})
    journal.edit_done(accepted.id)
    journal.record_verdict(verdicts[1])
    book.end(second, "The answer was no edit.")
    journal.close()
    past = log(Journal(path), LATEST).past()
    assert past == Past(
        "s1",
        (
            Turn("t1", SORT, "", (Offer(accepted, verdicts[0], "applied"), Offer(rejected, verdicts[1]))),
            Turn("t2", NAME, "The answer was no edit."),
            Turn("t3", SORT, "", (Offer(waiting),)),
        ),
    )
    assert past.waiting == (waiting,)


def test_a_retried_task_is_no_task_of_its_own(journal: Journal):
    book = log(journal)
    first = answer(journal, book.begin(SORT))
    book.begin(NAME)
    again = answer(journal, None, retry_of=first.id)
    past = book.past()
    assert past is not None
    assert [[offer.proposal for offer in turn.offers] for turn in past.turns] == [[first, again], []]


def test_the_latest_session_is_the_one_that_was_last_worked_in(journal: Journal):
    old, new = log(journal), log(journal)
    old.begin(SORT)
    new.begin(NAME)
    answer(journal, new.begin(SORT))
    assert journal.sessions.of(ROOT) == [
        SessionNote("s2", NAME.text, NOON.isoformat(), 2, 1),
        SessionNote("s1", SORT.text, NOON.isoformat(), 1, 0),
    ]
    log(journal, "s1").begin(NAME)
    assert [note.id for note in journal.sessions.of(ROOT)] == ["s1", "s2"]
    assert log(journal, LATEST).begin(SORT)
    assert [note.tasks for note in journal.sessions.of(ROOT)] == [3, 2]


def test_a_session_without_a_task_leaves_nothing_behind(journal: Journal):
    assert log(journal).past() is None
    assert journal.sessions.of(ROOT) == []


@pytest.mark.parametrize("resume", [LATEST, CHOOSE, "s1", "s99", "p1", "nonsense"])
def test_there_is_nothing_to_continue_in_another_directory(journal: Journal, resume: str):
    log(journal).begin(SORT)
    with pytest.raises(UsageError):
        log(journal, resume, root="/elsewhere")
    assert [note.tasks for note in journal.sessions.of(ROOT)] == [1]


def test_the_person_may_choose_and_until_then_the_session_is_a_new_one(journal: Journal):
    for _ in range(2):
        log(journal).begin(SORT)
    book = log(journal, CHOOSE)
    assert [note.id for note in book.choices] == ["s2", "s1"]
    assert book.past() is None
    assert book.resume("s1").id == "s1"
    book.begin(NAME)
    assert [note.id for note in journal.sessions.of(ROOT)] == ["s1", "s2"]


def test_the_proposals_of_an_earlier_version_stay_and_belong_to_no_session(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:3])
    old = Journal(path)
    story = Story(old)
    lesson, waiting = story.reject_long_ago("Keep the order.", path), story.propose()
    old.close()
    monkeypatch.undo()
    journal = Journal(path)
    (pending,) = journal.pending(MODEL)
    assert (pending.lesson.id, pending.lesson.comment) == (lesson, "Keep the order.")
    assert journal.sessions.of(ROOT) == []
    assert journal.record_verdict(Verdict(waiting.id, "reject", "why")) is not None
    again = answer(journal, None, retry_of=pending.proposal.id)
    assert again.retry_of == pending.proposal.id
    asked = log(journal).begin(SORT)
    assert replace(answer(journal, asked), id=again.id, retry_of=again.retry_of) == again
    assert [note.id for note in journal.sessions.of(ROOT)] == ["s1"]
    journal.close()
