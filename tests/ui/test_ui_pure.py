"""The parts of the screen that need no terminal: diff, credit, mentions, status."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import GAPS, TOKENS, learned, proposal

from continual_code.events import LearnerState, Loading, Ready, Started, Task
from continual_code.ui.credit import argued_against
from continual_code.ui.diff import diff_of
from continual_code.ui.mentions import matching_paths, task_from
from continual_code.ui.status import Status
from continual_code.ui.syntax import coloured
from continual_code.ui.widgets.status_bar import fitting

texts = st.lists(st.sampled_from(["a", "b", "c", "", "\tx", "d\r"]), max_size=12).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(texts, texts)
def test_every_changed_line_of_both_sides_is_in_exactly_one_row(before: str, after: str) -> None:
    diff = diff_of(proposal(before=before, after=after))
    for rows in (diff.inline, diff.paired):
        old = [row.old for row in rows if row.old is not None]
        new = [row.new for row in rows if row.new is not None]
        assert old == sorted(set(old))
        assert new == sorted(set(new))
        hidden = sum(row.hidden for row in rows)
        if rows:
            assert len(old) + hidden == len(diff.old)
            assert len(new) + hidden == len(diff.new)
        else:
            assert diff.old == diff.new


def test_a_lost_final_newline_is_a_visible_change() -> None:
    for before, after in (("a\nb\n", "a\nb"), ("a\nb", "a\nb\n")):
        diff = diff_of(proposal(before=before, after=after))
        assert (diff.added, diff.removed) == (1, 1)
        assert {diff.old[-1], diff.new[-1]} == {"b", "b ⊘ no newline"}


def test_tabs_that_became_spaces_are_a_visible_change() -> None:
    assert diff_of(proposal(before="\tx\n", after="    x\n")).added == 1


@settings(max_examples=150, deadline=None)
@given(texts, texts)
def test_the_rows_of_a_hunk_are_the_lines_it_changes(before: str, after: str) -> None:
    offered = proposal(before=before, after=after)
    diff = diff_of(offered)
    assert diff.hunks == len(offered.hunks)
    for rows in (diff.inline, diff.paired):
        for hunk in offered.hunks:
            own = [row for row in rows if row.hunk == hunk.index]
            old, new = hunk.old_start - 1, hunk.new_start - 1
            assert [row.old for row in own if row.old is not None] == list(range(old, old + len(hunk.old_lines)))
            assert [row.new for row in own if row.new is not None] == list(range(new, new + len(hunk.new_lines)))
        assert all(row.mark in " ⋯" for row in rows if row.hunk is None)


def test_changed_line_ends_are_visible_and_common_ones_are_not() -> None:
    assert diff_of(proposal(before="a\r\nb\r\n", after="a\nb\n")).removed == 2
    assert diff_of(proposal(before="a\r\nb\r\n", after="a\r\nc\r\n")).old == ("a", "b")


def test_colours_never_change_the_text() -> None:
    lines = ["def f(x):", "    return 'unterminated", "", "  \u2421 {"]
    assert [content.plain for content in coloured(lines, "x.py")] == lines
    assert any(content.spans for content in coloured(lines, "x.py"))
    assert [content.plain for content in coloured(lines, "x.unknown")] == lines


def test_credit_names_the_lines_of_the_strongest_objections_in_reading_order() -> None:
    assert argued_against(TOKENS, GAPS) == "def greet('hi ' + name)"
    tokens = ("a", "=1\n", "b\n", " c", "d(\n", "\n", "  e", " f")
    assert argued_against(tokens, (0.1, -2.0, -0.1, 0.0, -3.0, 0.0, -0.2, -3.1)) == "a=1 · cd( · e f"


def test_credit_is_silent_about_noise_and_about_nothing() -> None:
    assert argued_against(TOKENS, [-0.01] * len(TOKENS)) == ""
    assert argued_against((), ()) == ""


def test_mentions_lose_the_punctuation_around_them_but_not_their_own() -> None:
    task, missing = task_from("see (@a.py), @b/c.py: and x@a.py @d.", ["a.py", "b/c.py", "d."])
    assert task.files == ("b/c.py", "d.")
    assert missing == ()
    assert task_from("@a.py!", ["a.py"])[0].files == ("a.py",)


def test_paths_that_start_like_the_query_come_first() -> None:
    known = ["docs/app.md", "src/app.py", "app/x.py", "src/wrapped.py"]
    assert matching_paths("app", known) == ["app/x.py", "docs/app.md", "src/app.py", "src/wrapped.py"]
    assert matching_paths("app", known, limit=2) == ["app/x.py", "docs/app.md"]


def test_the_footer_never_shows_negative_seconds() -> None:
    status = Status("m").after(Ready("m", "cpu", 1), 50.0).after(LearnerState("learning", "l1", elapsed=1.0), 50.0)
    assert "learning l1, 1.0 s" in status.words(40.0)


def test_a_learner_that_ended_is_not_shown_as_learning() -> None:
    status = Status("m").after(LearnerState("learning", "l3", 1), 0.0).after(learned("l3"), 1.0)
    assert "learning" not in status.words(2.0)
    other = Status("m").after(LearnerState("learning", "l4"), 0.0).after(learned("l3"), 1.0)
    assert "learning l4" in other.words(2.0)


def test_a_lesson_that_waits_for_the_learner_to_be_ready_says_so() -> None:
    preparing = Status("m", loading=None).after(LearnerState("preparing", queued=1), 0.0)
    assert preparing.words(0.0) == "◌ preparing to learn · queued 1"


def test_a_read_only_window_says_so() -> None:
    assert "read-only" in Status("m", loading=None).after(LearnerState("read_only"), 0.0).words(0.0)


def test_loading_without_a_known_share_shows_no_percentage() -> None:
    assert Status("m").after(Loading("checking"), 0.0).words(0.0) == "◌ checking"


def test_the_way_out_is_the_last_key_to_be_dropped() -> None:
    assert fitting("y accept · n reject · Esc later", 20) == "y accept · Esc later"
    assert fitting("y accept · Esc later", 5) == "Esc l"


def test_the_footer_measures_the_newest_prompt_against_the_room_for_it() -> None:
    loaded = Status().after(Ready("qwen", "cpu", 0), 0.0)
    assert loaded.engine()[0] == "qwen · cpu"
    asked = loaded.after(Started(Task("x"), 1_200, 4_096), 1.0).after(Started(Task("y"), 812, 3_072), 2.0)
    assert asked.engine() == ["qwen · cpu · 812/3,072 tokens", "qwen · 812/3,072 tokens", "qwen · cpu", "qwen"]
