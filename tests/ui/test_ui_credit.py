"""What the comment says of each token: a line before the step ends, and a view of the whole answer."""

from __future__ import annotations

import pytest
from hostile import PAYLOADS, unsafe
from hypothesis import given, settings
from hypothesis import strategies as st
from person import Person, at_work
from rich.segment import Segment
from scenes import ANSWER
from scripted import GAPS, TOKENS, credited, learned, lesson, proposal

from continual_code.errors import StateError
from continual_code.events import LearnerState, Proposed
from continual_code.ui.credit import MARKS, SIGNS, mark_of, marked_lines
from continual_code.ui.screens.credit import CreditScreen

MARKED = credited("l3", *zip(*ANSWER, strict=True))
NOTHING = "what you wrote argues against nothing in particular here"
EVERYTHING = " ".join(PAYLOADS.values())


async def opens(person: Person, *lessons: str) -> None:
    """The view of the newest of `lessons`, all of which a step has looked at."""
    person.session.lesson_list = [lesson(id, f"comment of {id}") for id in lessons or ("l3",)]
    person.session.credits = {"l3": MARKED} | {id: credited(id) for id in lessons if id != "l3"}
    await types_credit(person)
    await person.until(lambda: isinstance(person.app.screen, CreditScreen), "the view")
    await person.settles()


async def types_credit(person: Person, id: str = "") -> None:
    await person.types(f"/credit {id}".strip())
    await person.press("enter")


def looks(person: Person, text: str) -> set[str]:
    """How each character of `text` looks where it stands alone on a row: the attributes, and "coloured"."""
    plain = person.app.screen.get_visual_style().rich_style.color
    for strip in person.app.screen._compositor.render_strips():
        letters = [(letter, segment) for segment in strip for letter in segment.text]
        if (at := "".join(letter for letter, _ in letters).find(text)) >= 0:
            return {look for _, segment in letters[at : at + len(text)] for look in _looks(segment, plain)}
    raise AssertionError(f"{text!r} is not on the screen:\n{person.screen}")


def _looks(segment: Segment, plain: object) -> set[str]:
    style = segment.style
    assert style is not None
    found = {name for name in ("bold", "italic", "underline") if getattr(style, name)}
    return found | ({"coloured"} if style.color != plain else set())


# --- The line in the transcript --------------------------------------------------------


async def test_what_the_comment_argues_against_is_said_while_the_lesson_is_learned_and_not_again() -> None:
    async with at_work() as person:
        person.session.play(LearnerState("learning", "l3"), credited())
        line = "l3: what you wrote argues most against  def greet('hi ' + name)"
        await person.until(lambda: line in person.transcript, line)
        assert "● learning l3" in person.footer
        person.session.play(learned())
        await person.until(lambda: "l3 learned: gap 0.31" in person.transcript)
        assert person.transcript.count("argue") == 1


async def test_a_comment_that_was_not_understood_is_said_to_argue_against_nothing() -> None:
    async with at_work() as person:
        person.session.play(credited(gaps=[-0.01] * len(TOKENS)))
        await person.until(lambda: f"l3: {NOTHING}" in person.transcript)


async def test_a_weak_objection_is_not_called_a_strong_one() -> None:
    async with at_work() as person:
        person.session.play(credited(gaps=[0.0] * 5 + [-0.3] + [0.0] * 3))
        await person.until(lambda: "what you wrote argues a little against  def greet" in person.transcript)


# --- The view --------------------------------------------------------------------------


async def test_the_answer_is_shown_with_its_marks_and_a_sign_beside_each_line() -> None:
    async with at_work() as person:
        await opens(person)
        rows = [row.rstrip() for row in person.screen.splitlines()]
        assert "comment of l3" in rows[0]
        for row in (
            "   ```python", " ! import sys", " ✗ def greet(name, polite=False):", " ·     print('hi ' + name)⏎",
            " ! ··· return name⏎", " ! ⏎", "   ```<|im_end|>",
        ):  # fmt: skip
            assert row in rows, row


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_each_mark_is_coloured_and_each_objection_has_an_attribute_of_its_own(theme: str) -> None:
    async with at_work() as person:
        person.app.theme = theme
        await opens(person)
        assert looks(person, "=False") == {"bold", "underline", "coloured"}
        assert looks(person, "import") == {"underline", "coloured"}
        assert looks(person, " sys") == {"italic", "coloured"}
        assert looks(person, " polite") == {"coloured"}
        assert looks(person, "def greet") == set()


async def test_without_colours_every_mark_can_still_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_work() as person:
        await opens(person)
        found = [looks(person, text) - {"coloured"} for text in ("=False", "import", " sys", " polite", "def greet")]
        assert all(found.count(look) == 1 for look in found), found


async def test_the_legend_names_every_mark_in_its_own_look() -> None:
    async with at_work() as person:
        await opens(person)
        for mark, (name, _) in MARKS.items():
            assert looks(person, f"{SIGNS.get(mark, '')} {name}") == looks(
                person, {"strong": "=False", "moderate": "import", "slight": " sys", "welcome": " polite"}[mark]
            )


async def test_where_nothing_stands_out_the_view_says_so() -> None:
    async with at_work() as person:
        await opens(person)
        person.session.play(credited(gaps=[-0.01] * len(TOKENS)))
        await person.sees("What you wrote argues against nothing in particular here.")
        assert not any(sign in row[:2] for row in person.screen.splitlines()[4:-2] for sign in SIGNS.values())


async def test_it_opens_from_the_list_for_the_chosen_lesson_and_goes_back_to_it() -> None:
    async with at_work() as person:
        person.session.lesson_list = [lesson("l1", "use f-strings"), lesson("l2", "no globals")]
        person.session.credits = {"l1": credited("l1"), "l2": MARKED}
        await person.press("f4")
        await person.sees("c credit")
        await person.press("down", "c")
        await person.sees("token by token")
        assert "def greet('hi ' + name)" in person.screen
        assert "use f-strings" in person.screen.splitlines()[0]
        await person.press("c")
        await person.sees("› l1")
        await person.press("escape")
        assert person.app.screen is person.app.main


async def test_it_follows_the_lesson_while_it_is_learned_and_no_other_one() -> None:
    async with at_work() as person:
        await opens(person)
        person.session.play(credited("l9", ["another"], [-9.0]), credited("l3", ["changed"], [-9.0]))
        await person.sees("✗ changed")
        assert "another" not in person.screen
        person.session.play(learned())
        await person.settles()
        assert "✗ changed" in person.screen


async def test_a_lesson_may_be_named_and_the_newest_is_meant_otherwise() -> None:
    async with at_work() as person:
        await opens(person, "l3", "l4")
        assert "comment of l4" in person.screen
        await person.press("escape")
        await types_credit(person, "l3")
        await person.sees("comment of l3")
        assert "polite" in person.screen


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("l9", "There is no lesson l9."), ("", "No step has looked at lesson l4 yet."),
        ("[b]", "There is no lesson [b]."),
    ],
)  # fmt: skip
async def test_why_there_is_nothing_to_show_is_said(id: str, words: str) -> None:
    async with at_work() as person:
        person.session.lesson_list = [lesson("l3"), lesson("l4", status="pending")]
        await types_credit(person, id)
        await person.until(lambda: f"! {words}\n  → " in person.transcript, words)
        assert person.app.screen is person.app.main
        assert person.session.asked == []


async def test_on_the_list_it_is_said_there() -> None:
    async with at_work() as person:
        person.session.lesson_list = [lesson("l4", status="pending")]
        await person.press("f4")
        await person.sees("◌ waiting")
        await person.press("c")
        await person.sees("! No step has looked at lesson l4 yet.")
        person.session.errors["credit"] = StateError("The journal cannot be read.")
        await person.press("c")
        await person.sees("! The journal cannot be read.")


async def test_without_lessons_it_says_how_to_teach_one() -> None:
    async with at_work() as person:
        await types_credit(person)
        await person.until(lambda: "! There is no lesson yet.\n  → Reject a proposal" in person.transcript)


async def test_while_the_model_loads_no_lesson_is_denied() -> None:
    async with at_work(loaded=False) as person:
        await types_credit(person)
        await person.until(lambda: "The lessons are shown once the model is loaded." in person.transcript)
        assert "There is no lesson yet." not in person.transcript


async def test_a_view_that_is_ready_late_opens_over_nothing_else() -> None:
    async with at_work() as person:
        person.session.lesson_list, person.session.credits = [lesson("l3")], {"l3": MARKED}
        person.session.held.clear()
        await types_credit(person)
        await person.press("f1")
        person.session.held.set()
        await person.until(lambda: ("credit", "l3") in person.session.calls)
        await person.settles()
        assert not isinstance(person.app.screen, CreditScreen)


async def test_a_proposal_that_arrives_meanwhile_waits_behind_it() -> None:
    async with at_work() as person:
        await opens(person)
        person.session.play(Proposed(proposal()))
        await person.settles()
        assert isinstance(person.app.screen, CreditScreen)
        await person.press("escape")
        await person.review_opens()


async def test_a_long_answer_scrolls_to_its_end_and_back() -> None:
    async with at_work(size=(60, 20)) as person:
        tokens = [f"line_{number} = {'x' * 90}\n" for number in range(200)]
        person.session.lesson_list, person.session.credits = (
            [lesson("l3")],
            {"l3": credited("l3", tokens, [-3.0] * 200)},
        )
        await types_credit(person)
        await person.sees("✗ line_0 =")
        await person.press("pagedown")
        await person.until(lambda: "line_0 =" not in person.screen)
        await person.press("end")
        await person.sees("✗ line_199 =")
        await person.press("up")
        await person.press("home")
        await person.sees("✗ line_0 =")


async def test_on_the_narrowest_screen_nothing_is_cut_off() -> None:
    async with at_work(size=(60, 20)) as person:
        tokens = ("total = ", "a" * 60, "b" * 60, "\n", "end")
        person.session.lesson_list, person.session.credits = (
            [lesson("l3")],
            {"l3": credited("l3", tokens, (0, -3.0, 0))},
        )
        await types_credit(person)
        await person.sees("in favour")
        shown = "".join(row[3:59].rstrip() for row in person.screen.splitlines() if "aa" in row or "bb" in row)
        assert shown == f"total = {'a' * 60}{'b' * 60}"
        assert sum("✗" in row for row in person.screen.splitlines()) == 2, "in the legend, and beside one row"


async def test_hostile_tokens_are_painted_as_plain_text() -> None:
    async with at_work(size=(200, 50)) as person:
        tokens = tuple(token for payload in PAYLOADS.values() for token in (payload, " next\n"))
        event = credited(EVERYTHING, tokens, (-3.0, 0.0) * len(PAYLOADS))
        person.session.lesson_list = [lesson(EVERYTHING, EVERYTHING)]
        person.session.credits[EVERYTHING] = event
        person.session.play(event)
        await person.until(lambda: "argues most against" in person.transcript)
        assert not unsafe(person.transcript)
        await types_credit(person)
        await person.sees("52;c;")
        seen = ""
        for _ in range(4):
            await person.settles()
            seen += person.screen
            await person.press("pagedown")
        assert not unsafe(seen)
        for text in ("[@click=app.exit]press[/] next", "[red]x[/red] next", "[/foo] [bold next", "\\[x\\] next"):
            assert text in seen
        assert person.app.is_running


# --- The marks -------------------------------------------------------------------------

tokens = st.lists(st.tuples(st.text("ab \n\té\x1b", max_size=4), st.floats(-5, 1)), max_size=20)


@settings(max_examples=200, deadline=None)
@given(tokens)
def test_every_character_stands_in_its_line_and_a_line_has_its_strongest_sign(scored: list[tuple[str, float]]) -> None:
    lines = marked_lines([text for text, _ in scored], [gap for _, gap in scored])
    plain = "".join(text for text, _ in scored).replace("\x1b", "␛")
    assert len(lines) == plain.count("\n") + 1
    for line, text in zip(lines, plain.split("\n"), strict=True):
        assert "".join(line.content.plain.split()).translate(str.maketrans("", "", "⏎→·")) == "".join(text.split())
        marks = [str(span.style).removeprefix(".credit-") for span in line.content.spans]
        assert line.mark == next((mark for mark in SIGNS if mark in marks), "")


def test_a_token_without_a_gap_is_shown_unmarked() -> None:
    (line,) = marked_lines(("a", "b"), (-3.0,))
    assert (line.content.plain, [(span.start, span.end) for span in line.content.spans]) == ("ab", [(0, 1)])


def test_the_signs_are_those_of_objections_strongest_first() -> None:
    assert [mark_of(gap) for gap in sorted(GAPS) if gap < -0.05] == ["strong", "moderate", "slight", "slight"]
    assert list(SIGNS) == ["strong", "moderate", "slight"]
