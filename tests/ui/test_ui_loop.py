"""The loop as a person goes through it: ask, look, judge, see what was learned."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from person import Person, at_work
from scripted import AFTER, learned, lesson, proposal, ready, retried

from continual_code.errors import UsageError
from continual_code.events import (
    Applied,
    Failed,
    LearnerState,
    Loading,
    NoEdit,
    Proposed,
    Recorded,
    Started,
    Streamed,
    Swapped,
    Task,
    Verdict,
)

ANSWER = f"I will use an f-string.\n\ngreet.py\n```python\n{AFTER}```\n"


async def test_a_task_leads_to_a_diff_and_a_reason_becomes_the_verdict() -> None:
    async with at_work() as person:
        session = person.session
        await person.types("greet politely in @greet.py")
        await person.press("enter")
        await person.until(lambda: bool(session.asked))
        assert session.asked == [Task("greet politely in @greet.py", ("greet.py",))]
        session.play(Started(session.asked[0], 900, 3072), *map(Streamed, ANSWER), Proposed(proposal()))
        await person.review_opens()
        await person.sees('print(f"hello {name}")')
        await person.sees("print('hi ' + name)")
        person.clock.pass_grace()
        await person.press("n")
        await person.types("use f-strings")
        await person.press("enter")
        await person.until(lambda: bool(session.verdicts))
        assert session.verdicts == [Verdict("p1", "reject", "use f-strings")]
        session.play(Recorded(session.verdicts[0], lesson(status="pending")))
        await person.sees("saved as lesson l3")
        assert "rejected p1: use f-strings" in person.transcript
        assert "which waits" not in person.transcript
        assert person.prompt.has_focus


async def test_a_lesson_for_another_model_says_which_one_it_waits_for() -> None:
    async with at_work() as person:
        person.session.play(Recorded(Verdict("p1", "reject", "no"), lesson(status="pending"), "smollm2-135m"))
        await person.sees("saved as lesson l3, which waits for /model smollm2-135m: it wrote this")


async def test_the_code_of_an_answer_is_folded_once_the_diff_shows_it() -> None:
    async with at_work() as person:
        person.session.play(Started(Task("x"), 1, 2), *map(Streamed, ANSWER))
        await person.until(lambda: "```python" in person.transcript)
        person.session.play(Proposed(proposal()))
        await person.until(lambda: "⋯ 6 lines of code" in person.transcript)
        assert "```" not in person.transcript
        assert "I will use an f-string." in person.transcript


async def test_an_answer_stays_whole_when_the_learner_speaks_in_the_middle_of_it() -> None:
    async with at_work() as person:
        half = ANSWER.index("print")
        person.session.play(Started(Task("x"), 1, 2), Streamed(ANSWER[:half]), learned())
        await person.until(lambda: "l3 learned" in person.transcript)
        person.session.play(Streamed(ANSWER[half:]), Proposed(proposal()))
        await person.until(lambda: "lines of code" in person.transcript)
        assert "```" not in person.transcript
        assert "l3 learned" in person.transcript


@pytest.mark.parametrize("said_before", [2, 40])
async def test_what_the_learner_says_behind_a_card_stands_at_the_end_when_the_card_is_put_aside(
    said_before: int,
) -> None:
    async with at_work() as person:
        for number in range(said_before):
            person.session.play(Failed(f"trouble {number}"))
        person.session.play(Proposed(proposal()))
        await person.review_opens()
        person.session.play(learned(status="no_signal", reason="it says nothing"))
        await person.until(lambda: "it says nothing" in person.transcript)
        person.clock.pass_grace()
        await person.press("escape")
        await person.sees("it says nothing")
        person.session.play(Failed("one more"))
        await person.sees("one more")


async def test_typing_works_before_the_model_is_loaded_and_the_task_is_queued() -> None:
    async with at_work(loaded=False) as person:
        person.session.play(Loading("loading model", 0.4))
        await person.until(lambda: "loading model 40%" in person.footer)
        await person.types("add a test")
        await person.press("enter")
        await person.until(lambda: person.session.asked == [Task("add a test")])
        await person.sees("queued: add a test")
        assert "Enter queues" in person.footer
        person.session.play(ready(), Started(Task("add a test"), 10, 3072))
        await person.until(lambda: "› add a test" in person.transcript)
        assert "queued: add a test" not in person.screen


async def test_a_task_asked_again_leaves_one_with_the_same_words_in_the_queue() -> None:
    async with at_work() as person:
        await person.types("add a test")
        await person.press("enter")
        await person.sees("queued: add a test")
        person.session.play(Started(Task("add a test"), 10, 3072, retry_of="p1"))
        await person.until(lambda: "asking again" in person.transcript)
        assert "queued: add a test" in person.screen
        person.session.play(Started(Task("add a test"), 10, 3072))
        await person.until(lambda: "queued: add a test" not in person.screen)


async def test_typing_goes_on_while_a_lesson_is_learned_and_the_footer_counts_the_seconds() -> None:
    async with at_work() as person:
        person.session.play(LearnerState("learning", "l12", 2, "step", 3.0))
        await person.until(lambda: "learning l12, 3.0 s" in person.footer)
        await person.types("meanwhile")
        person.clock.now += 0.1
        await person.until(lambda: "learning l12, 3.1 s · queued 2 · r3 serving" in person.footer)
        assert person.prompt.text == "meanwhile"
        person.session.play(LearnerState("idle"), Swapped(14, 8.0))
        await person.until(lambda: "idle · r14 serving" in person.footer)


async def test_a_failed_load_does_not_leave_the_footer_loading() -> None:
    async with at_work(loaded=False) as person:
        person.session.play(
            Loading("loading model", 0.4), Failed("The weights are damaged.", "Nothing else.", "Retry.")
        )
        await person.until(lambda: "model is not loaded" in person.footer)
        assert "40%" not in person.footer


async def test_esc_interrupts_the_answer_and_then_cancels_the_lesson() -> None:
    async with at_work() as person:
        session = person.session
        person.session.play(LearnerState("learning", "l1"), Started(Task("x"), 1, 2), Streamed("so"))
        await person.until(lambda: "Esc stops the answer" in person.footer)
        await person.press("escape")
        await person.until(lambda: ("interrupt",) in session.calls)
        assert ("cancel_lesson",) not in session.calls
        session.play(NoEdit(Task("x"), "you interrupted it"))
        await person.until(lambda: "Esc cancels the lesson" in person.footer)
        await person.press("escape")
        await person.until(lambda: ("cancel_lesson",) in session.calls)
        session.play(LearnerState("idle"))
        await person.until(lambda: "idle" in person.footer)
        before = len(session.calls)
        await person.press("escape")
        await person.settles()
        assert len(session.calls) == before


async def test_what_was_learned_is_told_with_its_figures() -> None:
    async with at_work() as person:
        person.session.play(learned())
        await person.until(lambda: "l3 learned: gap 0.31, loss 0.82 → 0.21, 3.1 s, r4" in person.transcript)


async def test_a_lesson_without_effect_says_so_and_why() -> None:
    async with at_work() as person:
        for status, words in {"no_signal": "nothing to learn", "refused": "refused", "failed": "failed"}.items():
            person.session.play(learned(status=status, reason=f"of {status}"))
            line = f"l3 learned nothing ({words}), because of {status}"
            await person.until(lambda line=line: line in person.transcript, line)


async def test_a_lesson_that_stays_in_the_prompt_says_so() -> None:
    async with at_work() as person:
        person.session.play(learned(status="memory", reason="the model left it as it is"))
        line = "l3 stays in the prompt as a rule for files like greet.py: the model left it"
        await person.until(lambda: line in person.transcript, line)
        person.session.play(Started(Task("x"), 1, 2, retry_of="p1", rules=("use f-strings",)))
        await person.until(lambda: "asking again, with 1 rule(s) of yours in the prompt" in person.transcript)


async def test_a_failure_is_one_calm_block() -> None:
    async with at_work() as person:
        person.session.play(Failed("The disk is full.", "Your lesson is kept.", "Free some space."))
        await person.until(
            lambda: "The disk is full.\n  Your lesson is kept.\n  → Free some space." in person.transcript
        )


async def test_a_refused_request_is_explained_and_the_words_come_back() -> None:
    async with at_work() as person:
        person.session.errors["ask"] = UsageError("Too many tasks wait.", kept="Nothing was lost.", do="Wait a moment.")
        await person.types("one more")
        await person.press("enter")
        await person.until(lambda: "Too many tasks wait." in person.transcript)
        assert person.prompt.text == "one more"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(28, "No space left on device", "/state/a\x1b[2J"),
            "That failed: No space left on device: /state/a␛[2J.",
        ),
        (FileExistsError(17, "File exists"), "That failed: File exists."),
        (RuntimeError("Could not determine home directory."), "That failed: RuntimeError: Could not determine home"),
    ],
)
async def test_a_call_that_fails_as_nobody_foresaw_is_said_and_the_screen_goes_on(error: Exception, said: str) -> None:
    async with at_work() as person:
        person.session.errors["ask"] = error
        await person.types("one more")
        await person.press("enter")
        await person.until(lambda: said in person.transcript, "the reason")
        assert "continual-code doctor" in person.transcript
        assert person.prompt.text == "one more"
        del person.session.errors["ask"]
        await person.press("enter")
        await person.settles()
        assert person.app.is_running
        assert len(person.session.asked) == 2


async def test_what_cannot_be_interrupted_for_a_broken_disk_leaves_the_screen_too() -> None:
    async with at_work() as person:
        person.session.play(Started(Task("x"), 10, 100))
        await person.until(lambda: person.app.status.answering)
        person.session.errors["interrupt"] = OSError(5, "Input/output error")
        await person.press("escape")
        await person.until(lambda: "That failed: Input/output error." in person.transcript)
        assert person.app.is_running


async def test_no_session_call_runs_on_the_loop_of_the_screen() -> None:
    async with at_work() as person:
        await person.types("do it")
        await person.press("enter", "f4")
        await person.until(lambda: {"ask", "lessons", "files", "start"} <= set(person.session.threads))
        assert threading.main_thread() not in person.session.threads.values()


async def test_a_slow_disk_holds_up_no_key() -> None:
    async with at_work() as person:
        person.session.held.clear()
        await person.types("first")
        await person.press("enter")
        await person.types("second")
        assert person.prompt.text == "second"
        person.session.held.set()
        await person.until(lambda: [task.text for task in person.session.asked] == ["first"])


async def test_tasks_arrive_in_the_order_they_were_sent() -> None:
    async with at_work() as person:
        for number in range(8):
            await person.types(f"{number}")
            await person.press("enter")
        await person.until(lambda: len(person.session.asked) == 8)
        assert [task.text for task in person.session.asked] == [str(number) for number in range(8)]


async def test_an_applied_edit_is_undone_by_the_bare_command() -> None:
    async with at_work() as person:
        person.session.play(Applied("p7", "greet.py"))
        person.session.applied = "p7"
        await person.types("/undo")
        await person.press("enter")
        await person.until(lambda: ("undo", "p7") in person.session.calls)


async def test_undo_with_nothing_applied_says_what_else_can_be_undone() -> None:
    async with at_work() as person:
        await person.types("/undo")
        await person.press("enter")
        await person.until(lambda: "There is no applied edit to undo." in person.transcript)


async def test_ctrl_c_quits_only_when_pressed_twice() -> None:
    async with at_work() as person:
        await person.press("ctrl+c")
        await person.until(lambda: "Ctrl+C again quits" in person.footer)
        person.clock.now += 5
        await person.press("ctrl+c")
        assert person.app.is_running
        await person.press("ctrl+c")
        await asyncio.sleep(0.05)
        assert person.app.return_code == 0


async def test_a_retried_task_opens_before_and_after_and_is_judged_there() -> None:
    async with at_work(size=(120, 36)) as person:
        after = proposal("p2", after=AFTER.replace("hello", "hi"), retry_of="p1", revision=4)
        person.session.play(learned(), Swapped(4, 9.0), Proposed(after), retried(after=after))
        await person.sees("l3 retried: learned")
        await person.sees("gap 0.31 → 0.02 · loss 0.82 → 0.21 · 3.1 s · r4")
        await person.sees('print(f"hello {name}")')
        await person.sees('print(f"hi {name}")')
        person.clock.pass_grace()
        await person.press("y")
        await person.until(lambda: person.session.verdicts == [Verdict("p2", "accept")])
        assert person.app.screen is person.app.main


async def test_not_yet_is_said_as_plainly_as_learned() -> None:
    async with at_work() as person:
        person.session.play(learned(), retried(held=False))
        await person.sees("l3 retried: not yet: the answer is the same as before")
        await person.sees("No edit this time.")
        await person.press("y")
        await person.press("escape")
        await person.settles()
        assert person.session.verdicts == []
        assert person.app.screen is person.app.main


async def test_before_and_after_waits_while_the_person_types() -> None:
    async with at_work() as person:
        await person.types("half a sen")
        after = proposal("p2", retry_of="p1")
        person.session.play(Proposed(after), retried(after=after))
        await person.sees("l3 retried: learned — F3 to look")
        await person.types("tence")
        assert person.prompt.text == "half a sentence"
        await person.press("f3")
        await person.sees("Before")
        await person.press("escape")
        await person.sees("p2 greet.py for your verdict — F2 to review")
        assert person.prompt.text == "half a sentence"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 50)])
async def test_the_card_the_prompt_and_the_footer_fit_on_the_screen(size: tuple[int, int]) -> None:
    async with at_work(size=size) as person:
        person.session.play(Proposed(proposal(left_out=("big.py",))))
        await person.review_opens()
        await person.sees('+     print(f"hello {name}")')
        for text in ("Say why not", "y accept", "r3 serving", "What should change?", "did not see: big.py"):
            await person.sees(text)


async def test_quitting_while_the_engine_talks_is_quiet() -> None:
    quiet = threading.Event()

    def talk(person: Person) -> None:
        while not quiet.is_set():
            person.session.play(Streamed("word\n"), learned(), LearnerState("learning", "l1"))
            time.sleep(0.0005)

    async with at_work() as person:
        talker = threading.Thread(target=talk, args=(person,))
        talker.start()
        await person.types("/lessons")
        await person.press("enter")
    quiet.set()
    talker.join()
