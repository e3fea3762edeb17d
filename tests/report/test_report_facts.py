"""A report says what the journal holds, and nothing that it does not hold."""

from __future__ import annotations

import sqlite3

import pytest
from taught import AFTER, BETTER, HINTS, MODEL, Taught

from continual_code.events import Verdict
from continual_code.feedback.chronicle import Look
from continual_code.feedback.rows import wording
from continual_code.report.credit import REDACTED, pieces
from continual_code.report.facts import Retention, retention_of
from continual_code.report.plot import Series, nice_steps, plot
from continual_code.ui.credit import mark_of

KEY = "gh" + "p_" + "a1B2" * 9  # assembled here, so that no scanner takes this file for a leak


def test_lessons_come_newest_first_with_their_figures(taught: Taught):
    taught.learn(taught.reject())
    taught.end(taught.reject("Nice weather."), "no_signal", "It is not about the code.")
    facts = taught.facts()
    assert [entry.id for entry in facts.entries] == ["l2", "l1"]
    assert (facts.revision, facts.counts, facts.seconds) == (1, {"learned": 1, "no_signal": 1}, 5.0)
    second, first = facts.entries
    assert (second.state.name, second.reason) == ("no signal", "It is not about the code.")
    assert (first.revision, first.figures.gap, first.figures.loss_before, first.figures.loss_after) == (
        1,
        0.5,
        0.4,
        0.1,
    )


def test_an_undone_lesson_keeps_its_figures_and_says_that_it_is_undone(taught: Taught):
    lesson = taught.reject()
    taught.learn(lesson)
    taught.journal.rewind(MODEL, to=0, undone=(lesson.id,))
    entry = taught.entry("l1")
    assert (entry.state.name, entry.revision, entry.figures.gap) == ("undone", 1, 0.5)


def test_a_figure_that_is_not_a_number_is_left_out(taught: Taught):
    lesson = taught.reject()
    taught.learn(lesson, gaps=(float("nan"), -1.0))
    assert [piece.mark for piece in taught.entry("l1").credit] == ["", "moderate"]
    change = "UPDATE lessons SET report = replace(report, '\"gap\": 0.5', '\"gap\": Infinity')"
    with sqlite3.connect(taught.path) as connection:
        connection.execute(change)
    assert taught.entry("l1").figures.gap is None


# --- Asked again ------------------------------------------------------------------------


def test_the_retry_stands_beside_the_rejected_answer(taught: Taught):
    rejected = taught.propose()
    taught.learn(taught.reject(proposal=rejected))
    again = taught.propose(BETTER, revision=1, retry_of=rejected.id)
    taught.journal.record_verdict(Verdict(again.id, "accept"))
    (retry,) = taught.entry("l1").retries
    assert (retry.revision, retry.told, retry.same, retry.verdict) == (1, False, False, "accept")
    assert "+def double(x: int) -> int:" in retry.change.diff


def test_a_retry_with_the_comment_in_the_prompt_is_not_passed_off_as_one_without(taught: Taught):
    rejected = taught.propose()
    taught.end(taught.reject(proposal=rejected), "memory", "It changed nothing.")
    taught.propose(AFTER, retry_of=rejected.id, rules=["Another rule.", HINTS])
    taught.propose(AFTER, retry_of=rejected.id, rules=[f"{HINTS} But not here."])
    told, other = taught.entry("l1").retries
    assert (told.told, told.same, told.verdict) == (True, True, None)
    assert not other.told


def test_the_persons_own_version_is_shown(taught: Taught):
    taught.journal.record_verdict(Verdict(taught.propose().id, "edit", "", BETTER))
    entry = taught.entry("l1")
    assert entry.own is not None
    assert "+def double(x: int) -> int:" in entry.own.diff
    assert entry.repeats.earlier == entry.repeats.later == ()


def test_a_damaged_proposal_costs_its_own_diff_only(taught: Taught):
    taught.learn(taught.reject())
    taught.learn(taught.reject("Use names that say something."))
    with sqlite3.connect(taught.path) as connection:
        connection.execute("UPDATE proposals SET content = substr(content, 1, 40) WHERE number = 1")
    assert taught.entry("l1").rejected is None
    assert taught.entry("l1").comment == HINTS
    assert taught.entry("l2").rejected is not None


# --- Said again -------------------------------------------------------------------------


def test_the_same_words_said_later_are_counted_and_told_apart_from_those_said_in_spite_of_the_lesson(taught: Taught):
    first = taught.reject()
    taught.reject("always  add type hints")  # before the first was learned: no answer could have known it
    revision = taught.learn(first)
    taught.reject(HINTS, taught.propose(revision=revision))
    taught.journal.record_verdict(Verdict(taught.propose(revision=revision).id, "accept"))
    taught.propose(revision=revision)  # not judged
    repeats = taught.entry("l1").repeats
    assert (repeats.earlier, repeats.later, repeats.despite, repeats.judged) == ((), ("l2", "l3"), ("l3",), 2)
    assert taught.entry("l3").repeats.earlier == ("l1", "l2")


def test_a_comment_that_was_a_rule_in_the_prompt_counts_as_known(taught: Taught):
    taught.end(taught.reject(), "memory", "It changed nothing.")
    taught.reject(HINTS, taught.propose(rules=[HINTS]))
    assert taught.entry("l1").repeats.despite == ("l2",)


def test_after_undo_an_answer_does_not_count_as_given_in_spite_of_the_lesson(taught: Taught):
    lesson = taught.reject()
    taught.learn(lesson)
    taught.journal.rewind(MODEL, to=0, undone=(lesson.id,))
    taught.reject(HINTS, taught.propose(revision=0))
    assert (taught.entry("l1").repeats.later, taught.entry("l1").repeats.despite) == (("l2",), ())


def test_two_edits_without_words_did_not_say_the_same(taught: Taught):
    for _ in range(2):
        taught.journal.record_verdict(Verdict(taught.propose().id, "edit", "", BETTER))
    assert taught.entry("l2").repeats.earlier == ()


@pytest.mark.parametrize(("comment", "same"), [("use  NAMES.", True), ("Use names!", True), ("Use no names", False)])
def test_small_differences_in_writing_do_not_make_other_words(comment: str, same: bool):
    assert (wording(comment) == wording("Use names")) == same


# --- Secrets ----------------------------------------------------------------------------


def test_a_secret_in_a_file_is_not_in_the_report(taught: Taught):
    secret = f"KEY = '{KEY}'\n"
    taught.learn(taught.reject(proposal=taught.propose(AFTER + secret, task=f"Use {KEY}.", path=f"{KEY}.py")))
    facts = taught.facts()
    assert facts.entries[0].rejected is not None
    assert "+KEY = '[redacted: GitHub token]'" in facts.entries[0].rejected.diff
    assert KEY not in str(facts)


def test_a_change_of_nothing_but_a_secret_is_said(taught: Taught):
    other = KEY.replace("a1B2", "c3D4")
    change = taught.propose(f"KEY = '{other}'\n", before=f"KEY = '{KEY}'\n")
    taught.reject(proposal=change)
    rejected = taught.entry("l1").rejected
    assert rejected is not None
    assert rejected.only_secrets


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_a_secret_that_spans_several_tokens_is_hidden_whole(size: int):
    text = f'KEY = "{KEY}"\nuse(KEY)'
    tokens = [text[at : at + size] for at in range(0, len(text), size)]
    shown = "".join(piece.text for piece in pieces(tokens, [0.0] * len(tokens)))
    assert shown == f'KEY = "{REDACTED}"\nuse(KEY)'


def test_tokens_without_secrets_are_shown_as_they_are():
    tokens = ("def", " f", "(", ")", ":", "\n", "")
    assert "".join(piece.text for piece in pieces(tokens, [0.0] * 7)) == "".join(tokens)


# --- Marks and plots --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "mark"),
    [(-3.0, "strong"), (-2.0, "strong"), (-0.6, "moderate"), (-0.06, "slight"), (-0.04, ""), (0.04, ""),
     (0.2, "welcome"), (float("nan"), "")],
)  # fmt: skip
def test_a_token_is_marked_by_how_much_the_comment_argues_against_it(gap: float, mark: str):
    assert mark_of(gap) == mark


def test_a_higher_figure_stands_higher_and_a_missing_one_nowhere():
    one = Series("gap", "dot", (0.1, None, 0.4))
    drawn = plot("Gap", "nats", ["l1", "l2", "l3"], [one])
    assert drawn is not None
    low, high = drawn.marks
    assert high.y < low.y
    assert low.x < high.x
    assert high.tip == "l3: gap 0.4 nats"
    assert plot("Gap", "nats", ["l1"], [Series("gap", "dot", (None,))]) is None


def test_an_axis_of_many_lessons_names_only_some_of_them():
    ids = [f"l{number}" for number in range(1, 201)]
    drawn = plot("Gap", "nats", ids, [Series("gap", "dot", (1.0,) * 200)])
    assert drawn is not None
    assert len(drawn.marks) == 200
    assert len(drawn.across) < 10


@pytest.mark.parametrize("top", [0.0, 1e-6, 0.13, 1.0, 3.7, 88.0, 12345.0])
def test_an_axis_begins_at_zero_and_reaches_the_top(top: float):
    steps = nice_steps(top)
    assert steps[0] == 0
    assert steps[-1] >= top
    assert 2 <= len(steps) <= 6


def test_retention_counts_each_lesson_once_a_revision_by_its_newest_look():
    looks = (
        Look("l1", 1, "retry", False), Look("l1", 1, "check", True), Look("l1", 2, "check", True),
        Look("l2", 2, "retry", False),
    )  # fmt: skip
    assert retention_of(looks) == (Retention(1, 1, 1), Retention(2, 1, 2))
