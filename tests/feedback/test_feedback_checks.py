"""What is known about lessons after they were learned: whether they hold, and how often they had to be said again."""

from dataclasses import replace

import pytest
from feedback_story import MODEL, Story, memory_of, report

from continual_code.errors import StateError
from continual_code.events import Verdict
from continual_code.feedback.journal import Journal, RevisionRow
from continual_code.feedback.planning import plan_undo


def study_again(journal: Journal, lesson_id: str) -> int:
    number = journal.next_revision_number(MODEL)
    row = RevisionRow(number, journal.head(MODEL), f"{number:06d}", "0" * 64, (lesson_id,))
    journal.checks.study_again(MODEL, row, lesson_id, report(lesson_id))
    return number


def test_a_faded_lesson_is_a_line_of_the_prompt_until_a_later_look_finds_it_holding(story: Story, journal: Journal):
    story.learn("use tabs")
    assert journal.checks.add("l1", 1, 0.7)
    assert (journal.lesson("l1").faded, memory_of(journal)) == (True, ("use tabs",))
    assert journal.checks.add("l1", 1, 0.2)
    found = journal.lesson("l1")
    assert (found.faded, found.checked_at, found.objection_left, memory_of(journal)) == (False, 1, 0.2, ())


def test_an_edit_without_words_that_faded_has_no_line_to_give(story: Story, journal: Journal):
    lesson = journal.record_verdict(Verdict(story.propose().id, "edit", edited="a\n"))
    assert lesson is not None
    story.publish(lesson.id)
    journal.checks.add(lesson.id, 1, 1.0)
    assert (journal.lesson(lesson.id).faded, memory_of(journal)) == (True, ())


def test_nothing_is_recorded_about_a_lesson_that_is_not_learned(story: Story, journal: Journal):
    waiting = story.reject()
    assert not journal.checks.add(waiting.id, 1, 0.9)
    assert journal.lesson(waiting.id).checked == ""


def test_a_lesson_that_was_undone_or_superseded_leaves_the_prompt(story: Story, journal: Journal):
    for number, comment in enumerate(("use tabs", "be brief"), 1):
        story.learn(comment)
        journal.checks.add(f"l{number}", number, 0.9)
    plan = plan_undo(journal.lesson("l2"), revisions=journal.revisions(MODEL), head=2, lessons=journal.lessons(MODEL))
    journal.rewind(MODEL, to=plan.to, undone=plan.undone)
    assert memory_of(journal) == ("use tabs",)
    lesson = story.reject("use spaces")
    row = RevisionRow(3, 1, "000003", "0" * 64, (lesson.id,))
    taught = replace(report(lesson.id), supersedes=("l1",))
    journal.publish(model=MODEL, revision=row, lesson_id=lesson.id, report=taught)
    assert memory_of(journal) == ()


def test_a_lesson_that_is_studied_again_keeps_its_revision_and_its_place(story: Story, journal: Journal):
    story.learn("use tabs")
    journal.checks.add("l1", 1, 0.9)
    assert study_again(journal, "l1") == 2
    assert (journal.head(MODEL), memory_of(journal)) == (2, ())
    found = journal.lesson("l1")
    assert (found.revision, found.checked_at, found.status) == (1, 2, "learned")


def test_only_a_learned_lesson_can_be_studied_again(story: Story, journal: Journal):
    story.learn()
    lesson = story.reject("be brief")
    before = story.everything()
    with pytest.raises(StateError, match="not learned"):
        study_again(journal, lesson.id)
    assert story.everything() == before


def test_the_same_words_said_later_are_counted(story: Story, journal: Journal):
    for comment in ("Use tabs.", "be brief", "use  TABS", "use tabs"):
        story.reject(comment)
    story.journal.record_verdict(Verdict(story.propose().id, "edit", edited="a\n"))
    story.journal.record_verdict(Verdict(story.propose().id, "edit", edited="a\n"))
    assert [lesson.said_again for lesson in journal.lessons(MODEL)] == [2, 0, 1, 0, 0, 0]


def test_what_came_of_asking_again_is_known_in_the_next_session_and_the_newest_time_counts(
    story: Story, journal: Journal
) -> None:
    story.learn("use tabs")
    assert journal.lesson("l1").retry_held is None
    journal.checks.retried("l1", 1, False)
    assert journal.lesson("l1").retry_held is False
    journal.checks.retried("l1", 2, True)
    assert journal.lessons(MODEL)[0].retry_held is True


def test_a_line_of_the_prompt_goes_when_a_learned_lesson_says_otherwise_and_comes_back_with_its_undoing(
    story: Story, journal: Journal
) -> None:
    first, second = story.reject("make it async"), story.reject("make nothing async")
    journal.finish(first.id, replace(report(first.id), status="memory"))
    assert memory_of(journal) == ("make it async",)
    row = RevisionRow(journal.next_revision_number(MODEL), 0, "000001", "0" * 64, (second.id,))
    says = replace(report(second.id), supersedes=(first.id,))
    journal.publish(model=MODEL, revision=row, lesson_id=second.id, report=says)
    assert (journal.lesson("l1").status, memory_of(journal)) == ("memory", ())
    assert journal.lessons(MODEL)[0].superseded_by == "l2"
    found = journal.lessons(MODEL)
    plan = plan_undo(found[1], revisions=journal.revisions(MODEL), head=row.number, lessons=found)
    journal.rewind(MODEL, to=plan.to, undone=plan.undone, requeue=plan.requeue)
    assert memory_of(journal) == ("make it async",)
