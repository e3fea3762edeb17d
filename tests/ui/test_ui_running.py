"""Tests after an edit, as the person sees them: offered, running, stopped, failed, shown to the model."""

from __future__ import annotations

from hostile import PAYLOADS
from person import Person, at_work

from continual_code.errors import UsageError
from continual_code.events import (
    Applied,
    FollowedUp,
    LearnerState,
    NoEdit,
    RunEnded,
    RunOutput,
    RunStarted,
    Started,
    SuiteOffered,
    Task,
    Undone,
)

COMMAND = "python -m pytest -q"
STARTED = RunStarted("tests", COMMAND)


def ended(code: int = 1, *, left: int = 3, tail: tuple[str, ...] = ("E   assert 1 == 2", "1 failed")) -> RunEnded:
    return RunEnded("tests", COMMAND, "exited", code, 3.2, tail, 0, left if code else 0)


async def called(person: Person, *call: str) -> None:
    await person.until(lambda: call in person.session.calls, f"{call} among the calls")


async def test_after_an_edit_the_notice_offers_the_tests_and_f5_runs_them() -> None:
    async with at_work() as person:
        person.session.play(Applied("p7", "greet.py"))
        await called(person, "edited", "p7")
        person.session.play(SuiteOffered(COMMAND))
        await person.sees(f"F5 runs the tests ({COMMAND})")
        assert ("tests",) not in person.session.calls
        await person.press("f5")
        await called(person, "tests")
        person.session.play(STARTED)
        await person.until(lambda: "F5 runs" not in person.screen)


async def test_running_tests_show_their_seconds_and_their_newest_line_and_hold_up_no_key() -> None:
    async with at_work() as person:
        person.session.play(STARTED, RunOutput((), "tests/test_a.py ..... [ 40%]"))
        await person.sees("tests: tests/test_a.py ..... [ 40%]")
        person.clock.now += 12
        await person.until(lambda: "▸ tests, 12 s" in person.footer)
        await person.types("meanwhile")
        assert person.prompt.text == "meanwhile"
        assert "Esc stops the tests" in person.footer
        person.session.play(ended(0, tail=("5 passed",)))
        await person.until(lambda: "▸ tests" not in person.footer)
        assert "40%" not in person.screen


async def test_passed_tests_are_told_in_a_few_lines() -> None:
    async with at_work() as person:
        person.session.play(STARTED, ended(0, tail=tuple(f"line {n}" for n in range(40))))
        await person.sees(f"✓ tests passed ({COMMAND}), 3.2 s")
        assert "⋯ 37 more lines" in person.transcript
        assert "line 39" in person.transcript
        assert "line 36\n" not in person.transcript
        assert "F6" not in person.screen


async def test_failed_tests_are_told_with_their_last_lines_and_f6_shows_them_to_the_model() -> None:
    async with at_work() as person:
        person.session.play(STARTED, ended())
        await person.sees(f"✗ tests failed, exit code 1 ({COMMAND}), 3.2 s")
        assert "  E   assert 1 == 2\n  1 failed\n✗" in person.transcript
        await person.sees("F6 shows the failure to the model (3 more times for this task)")
        await person.press("f6")
        await called(person, "follow_up")
        person.session.play(FollowedUp(Task("Double it.", ("greet.py",)), 2, 3))
        await person.sees("the failure goes to the model, for greet.py (2 of 3 for this task)")
        await person.until(lambda: "F6 shows" not in person.screen)


async def test_the_offer_ends_where_it_makes_no_sense_any_more() -> None:
    async with at_work() as person:
        for event in (Undone("p7", "back"), Applied("p8", "a.py"), Started(Task("x"), 1, 2)):
            person.session.play(STARTED, ended())
            await person.sees("F6 shows")
            person.session.play(event)
            await person.until(lambda: "F6 shows" not in person.screen)
        person.session.play(NoEdit(Task("x"), "enough"))


async def test_the_last_failure_that_the_model_was_shown_says_that_it_was_the_last() -> None:
    async with at_work() as person:
        person.session.play(STARTED, RunEnded("tests", COMMAND, "exited", 1, 1.0, reason="Three were shown."))
        await person.sees("Three were shown.")
        assert "F6" not in person.screen


async def test_esc_stops_the_answer_first_then_the_tests_then_the_lesson() -> None:
    async with at_work() as person:
        person.session.play(LearnerState("learning", "l1"), STARTED, Started(Task("x"), 1, 2))
        await person.until(lambda: "Esc stops the answer" in person.footer)
        await person.press("escape")
        await called(person, "interrupt")
        person.session.play(NoEdit(Task("x"), "stopped"))
        await person.until(lambda: "Esc stops the tests" in person.footer)
        await person.press("escape")
        await called(person, "stop")
        assert ("cancel_lesson",) not in person.session.calls
        person.session.play(RunEnded("tests", COMMAND, "stopped", -9, 2.0))
        await person.sees("✗ tests stopped by you")
        await person.until(lambda: "Esc cancels the lesson" in person.footer)


async def test_every_other_end_is_said_in_words() -> None:
    async with at_work() as person:
        for how, words in (
            ("late", "✗ tests stopped, the time was over"),
            ("flooded", "✗ tests stopped, too much was printed"),
            ("refused", f"✗ {COMMAND} was not run"),
        ):
            person.session.play(STARTED, RunEnded("tests", COMMAND, how, None, reason=f"of {how}"))  # type: ignore[arg-type]
            await person.until(lambda words=words: words in person.transcript, words)
            assert f"of {how}" in person.transcript


async def test_a_request_that_makes_no_sense_is_explained() -> None:
    async with at_work() as person:
        person.session.errors["tests"] = UsageError("No way to test this repository was found.")
        await person.press("f5")
        await person.sees("No way to test this repository was found.")


async def test_whatever_a_command_prints_reaches_the_terminal_as_plain_text() -> None:
    payloads = tuple(text for payload in PAYLOADS.values() for text in payload.split("\n"))
    async with at_work(size=(120, 50)) as person:
        person.session.play(
            SuiteOffered(payloads[0]), STARTED, RunOutput(payloads[:15], payloads[0]), ended(tail=payloads)
        )
        await person.until(lambda: "tests failed" in person.transcript)
        person.session.play(RunStarted("shell", payloads[0]), RunOutput(payloads, payloads[-1]))
        await person.until(lambda: "▸ command" in person.footer)
        assert "\x1b" not in person.transcript + person.screen
        assert "\u202e" not in person.transcript + person.screen
