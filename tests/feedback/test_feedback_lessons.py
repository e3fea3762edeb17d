"""Lessons and revisions: applied once, taken back as planned, never lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from feedback_story import MODEL, Story, memory_of, report

from continual_code.errors import StateError, UsageError
from continual_code.events import Verdict
from continual_code.feedback import migrations
from continual_code.feedback.journal import Journal, RevisionRow
from continual_code.feedback.planning import Rewind, chain, plan_fallback, plan_rollback, plan_undo


def rewind(journal: Journal, plan: Rewind) -> None:
    journal.rewind(MODEL, to=plan.to, undone=plan.undone, requeue=plan.requeue, rolled_back=plan.rolled_back)


def history(journal: Journal) -> dict:
    return {
        "revisions": journal.revisions(MODEL),
        "head": journal.head(MODEL),
        "lessons": journal.lessons(MODEL),
    }


def test_publishing_learns_the_lesson_and_moves_the_head(story: Story, journal: Journal):
    lesson = story.learn()
    assert (lesson.status, lesson.revision, lesson.gap, lesson.loss_before, lesson.loss_after, lesson.seconds) == (
        "learned", 1, 0.5, 0.4, 0.1, 2.5,
    )  # fmt: skip
    assert journal.head(MODEL) == 1
    [revision] = journal.revisions(MODEL)
    assert (revision.number, revision.parent, revision.lesson_ids) == (1, 0, ("l1",))
    assert journal.pending(MODEL) == []
    kept = journal.report("l1")
    assert kept is not None
    assert (kept.revision, kept.tokens, kept.token_gaps) == (1, ("a", "b"), (-1.0, 0.25))


def test_the_same_lesson_published_again_a_hundred_times_is_applied_once(story: Story, journal: Journal):
    story.learn()
    before = story.everything()
    for _ in range(100):
        with pytest.raises(StateError):
            story.publish("l1")
    assert story.everything() == before


def test_a_revision_of_a_parent_that_no_longer_serves_is_refused(story: Story, journal: Journal):
    story.learn()
    lesson = story.reject()
    before = story.everything()
    with pytest.raises(StateError, match="no longer serves"):
        story.publish(lesson.id, parent=0)
    assert story.everything() == before
    story.publish(lesson.id)
    assert journal.head(MODEL) > 1


def test_a_lesson_of_one_model_is_not_published_for_another(story: Story, journal: Journal):
    lesson = story.reject(model="other")
    with pytest.raises(StateError, match="another model"):
        story.publish(lesson.id)
    assert journal.head(MODEL) == 0
    assert journal.revisions(MODEL) == []


def test_memory_holds_each_kept_comment_once_until_it_is_undone(story: Story, journal: Journal):
    for comment in ("be brief", "use tabs", "be brief", "never mind"):
        lesson = story.reject(comment=comment)
        journal.finish(lesson.id, report(lesson.id, "no_signal" if comment == "never mind" else "memory"))
    story.learn()
    assert memory_of(journal) == ("be brief", "use tabs")
    assert memory_of(journal, "other") == ()
    plan = plan_undo(journal.lesson("l2"), revisions=journal.revisions(MODEL), head=1, lessons=journal.lessons(MODEL))
    assert plan == Rewind(to=1, undone=("l2",))
    rewind(journal, plan)
    assert memory_of(journal) == ("be brief",)
    assert journal.lesson("l2").status == "undone"
    assert journal.head(MODEL) == 1


@pytest.mark.parametrize("status", ["memory", "no_signal", "refused", "failed"])
def test_a_step_without_a_revision_ends_the_lesson(story: Story, journal: Journal, status: str):
    lesson = story.reject()
    journal.finish(lesson.id, report(lesson.id, status, "why: token=aK8x!2mQz7Lp9Tw \x1b[1m"))
    ended = journal.lesson(lesson.id)
    assert (ended.status, ended.reason) == (status, "why: token=[redacted: secret]")
    kept = journal.report(lesson.id)
    assert kept is not None
    assert kept.reason == ended.reason
    with pytest.raises(StateError):
        journal.finish(lesson.id, report(lesson.id, status))
    with pytest.raises(StateError):
        story.publish(lesson.id)


def test_a_report_with_numbers_that_are_not_finite_survives(story: Story, journal: Journal):
    lesson = story.reject()
    broken = report(lesson.id, "refused")
    journal.finish(lesson.id, type(broken)(lesson.id, "refused", "", None, float("inf"), float("nan"), 0.0, 0, 0.0))
    kept = journal.report(lesson.id)
    assert kept is not None
    assert kept.gap == float("inf")
    assert kept.loss_before != kept.loss_before


def test_a_lesson_that_kills_the_process_three_times_is_parked(story: Story, journal: Journal):
    lesson, other = story.reject(), story.reject()
    assert [journal.begin_attempt(lesson.id) for _ in range(3)] == [1, 2, 3]
    assert journal.pending(MODEL)[0].attempts == 3
    with pytest.raises(StateError, match="ended 3 times"):
        journal.begin_attempt(lesson.id)
    assert journal.lesson(lesson.id).status == "failed"
    assert "3 times" in journal.lesson(lesson.id).reason
    assert [waiting.lesson.id for waiting in journal.pending(MODEL)] == [other.id]


def test_a_step_stopped_in_good_order_does_not_count(story: Story, journal: Journal):
    lesson = story.reject()
    for _ in range(10):
        assert journal.begin_attempt(lesson.id) == 1
        journal.release(lesson.id)
    assert journal.lesson(lesson.id).status == "pending"


def test_the_queue_is_counted_and_read_in_order(story: Story, journal: Journal):
    for _ in range(5):
        story.reject()
    assert journal.queued(MODEL) == 5
    assert [waiting.lesson.id for waiting in journal.pending(MODEL, limit=2)] == ["l1", "l2"]
    assert journal.queued("other") == 0


def test_numbers_are_never_issued_twice(story: Story, journal: Journal):
    assert [journal.next_revision_number(MODEL) for _ in range(3)] == [1, 2, 3]
    assert journal.next_revision_number("other") == 1
    lesson = story.reject()
    assert story.publish(lesson.id) == 4
    rewind(journal, plan_rollback(0, **history(journal)))
    assert journal.next_revision_number(MODEL) == 5


def test_undoing_a_lesson_relearns_the_later_ones_in_their_old_order(story: Story, journal: Journal):
    for _ in range(4):
        story.learn()
    plan = plan_undo(journal.lesson("l2"), **history(journal))
    assert plan == Rewind(to=1, undone=("l2",), requeue=("l3", "l4"))
    rewind(journal, plan)
    assert journal.head(MODEL) == 1
    assert story.statuses() == ["learned", "undone", "pending", "pending"]
    story.reject()
    assert [waiting.lesson.id for waiting in journal.pending(MODEL)] == ["l3", "l4", "l5"]
    assert journal.lesson("l3").gap is None
    assert [waiting.attempts for waiting in journal.pending(MODEL)] == [0, 0, 0]
    assert story.publish("l3") == 5
    assert chain(journal.revisions(MODEL), journal.head(MODEL)) == (5, 1)


def test_undoing_a_lesson_that_still_waits_takes_it_out_of_the_queue(story: Story, journal: Journal):
    story.learn()
    waiting = story.reject()
    journal.begin_attempt(waiting.id)
    rewind(journal, plan_undo(waiting, **history(journal)))
    assert story.statuses() == ["learned", "undone"]
    assert journal.head(MODEL) == 1
    with pytest.raises(StateError):
        story.publish(waiting.id)


@pytest.mark.parametrize("status", ["no_signal", "undone"])
def test_what_does_not_serve_cannot_be_undone(story: Story, journal: Journal, status: str):
    lesson = story.reject()
    if status == "undone":
        rewind(journal, plan_undo(lesson, **history(journal)))
    else:
        journal.finish(lesson.id, report(lesson.id, status))
    with pytest.raises(UsageError):
        plan_undo(journal.lesson(lesson.id), **history(journal))


def test_rolling_back_forgets_what_came_after(story: Story, journal: Journal):
    for _ in range(20):
        story.learn()
    waiting = story.reject()
    for target in (13, 5, 0):
        rewind(journal, plan_rollback(target, **history(journal)))
        assert journal.head(MODEL) == target
        assert story.statuses() == ["learned"] * target + ["rolled_back"] * (20 - target) + ["pending"]
    assert [item.lesson.id for item in journal.pending(MODEL)] == [waiting.id]
    assert len(journal.revisions(MODEL)) == 20


def test_rolling_forward_or_to_nowhere_is_refused(story: Story, journal: Journal):
    for _ in range(3):
        story.learn()
    rewind(journal, plan_rollback(1, **history(journal)))
    for target in (3, 99, -1):
        with pytest.raises(UsageError):
            plan_rollback(target, **history(journal))
        with pytest.raises(StateError):
            journal.rewind(MODEL, to=target)
    assert journal.head(MODEL) == 1


def test_falling_back_from_a_damaged_head_learns_the_lost_lessons_again(story: Story, journal: Journal):
    for _ in range(3):
        story.learn()
    rewind(journal, plan_fallback(1, **history(journal)))
    assert story.statuses() == ["learned", "pending", "pending"]


def test_a_plan_overtaken_by_a_new_lesson_changes_nothing(story: Story, journal: Journal):
    for _ in range(2):
        story.learn()
    stale = plan_rollback(1, **history(journal))
    story.learn()
    before = story.everything()
    with pytest.raises(StateError, match="l3"):
        rewind(journal, stale)
    assert story.everything() == before
    rewind(journal, plan_rollback(1, **history(journal)))


def test_a_rewind_that_forgets_a_lesson_is_refused(story: Story, journal: Journal):
    for _ in range(3):
        story.learn()
    before = story.everything()
    for wrong in (
        Rewind(1, undone=("l2",)),
        Rewind(3, undone=("l3",)),
        Rewind(1, undone=("l1",), requeue=("l2", "l3")),
    ):
        with pytest.raises(StateError):
            rewind(journal, wrong)
    assert story.everything() == before


def test_revisions_of_a_lost_journal_are_adopted_once_and_built_upon(story: Story, journal: Journal):
    found = [RevisionRow(number, number - 1, f"{number:06d}", "0" * 64, ("l1",)) for number in (7, 3)]
    journal.adopt(MODEL, found, head=7)
    assert journal.head(MODEL) == 7
    assert [revision.lesson_ids for revision in journal.revisions(MODEL)] == [(), ()]
    assert story.learn().revision == 8
    with pytest.raises(StateError):
        journal.adopt(MODEL, found, head=3)
    rewind(journal, plan_rollback(7, **history(journal)))
    assert journal.head(MODEL) == 7


def test_lessons_of_another_model_do_not_appear(story: Story, journal: Journal):
    story.reject(model="other")
    assert journal.lessons(MODEL) == []
    assert journal.pending(MODEL) == []
    assert len(journal.pending("other")) == 1
    assert journal.record_verdict(Verdict(story.propose().id, "accept")) is None


def test_a_journal_of_the_first_schema_keeps_its_lessons_and_can_hold_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
    old = Journal(path)
    Story(old).learn_long_ago("Keep the order.", path)
    waiting = Story(old).reject_long_ago("use tabs", path)
    old.close()
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.IntegrityError, match="CHECK constraint"):
        connection.execute("UPDATE lessons SET status = 'memory'")
    monkeypatch.undo()
    journal = Journal(path)
    assert journal.head(MODEL) == 1
    assert [(each.comment, each.status, each.revision) for each in journal.lessons(MODEL)] == [
        ("Keep the order.", "learned", 1), ("use tabs", "pending", None),
    ]  # fmt: skip
    journal.finish(waiting, report(waiting, "memory"))
    assert memory_of(journal) == ("use tabs",)
    assert Story(journal).reject().id == "l3"
    journal.close()


def test_a_verdict_from_before_hunks_were_judged_is_about_the_whole_proposal(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:2])
    old = Journal(path)
    waiting = Story(old).reject_long_ago("use tabs", path)
    old.close()
    monkeypatch.undo()
    journal = Journal(path)
    assert [(one.lesson.id, one.verdict) for one in journal.pending(MODEL)] == [
        (waiting, Verdict("p1", "reject", "use tabs"))
    ]
    journal.close()
