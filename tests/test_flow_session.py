"""The loop as a person lives it: ask, reject with a reason, see it learned, accept, undo, come back tomorrow."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from playing import AFTER, BEFORE, COMMENT, FILE, TASK, Script, Watch, plant, play_script, playing, tiny_settings
from torch import Tensor

from continual_code.app import open_session
from continual_code.errors import UsageError, WorkspaceError
from continual_code.events import (
    Applied,
    Credited,
    Event,
    Failed,
    Learned,
    LearnerState,
    NoEdit,
    Proposed,
    Recorded,
    Retried,
    RunEnded,
    RunStarted,
    Started,
    Streamed,
    SuiteOffered,
    Swapped,
    Task,
    Undone,
    Verdict,
)
from continual_code.learning import teacher
from continual_code.learning.common_text import is_fresh
from continual_code.learning.lineage import Lineage
from continual_code.session import LiveSession
from continual_code.settings import Settings, SuiteSettings
from continual_code.workspace import sandbox_available


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    return tiny_settings(tmp_path / "home", tiny_model)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return plant(tmp_path / "project")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Script:
    return play_script(monkeypatch, tiny_model)


def lineage_of(session: LiveSession) -> Lineage:
    return session._loaded().lineage


def serving(session: LiveSession) -> dict[str, Tensor]:
    return session._loaded().views.serving.tensors()


def same(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def teach(watch: Watch, comment: str = COMMENT, status: str = "learned") -> Learned:
    """Ask, reject with the comment, and wait for what comes of it."""
    proposal = watch.ask()
    watch.session.judge(Verdict(proposal.id, "reject", comment))
    learned = watch.wait(Learned, lambda event: event.lesson.proposal_id == proposal.id)
    assert learned.report.status == status, learned.report.reason
    if status == "learned":
        watch.wait(Swapped, lambda event: event.revision == learned.report.revision)
    return learned


# --- One rejection, from the task to the retry -----------------------------------------


def test_an_answer_arrives_piece_by_piece_and_then_as_a_proposal(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as watch:
        proposal = watch.ask()
    kinds = [type(event) for event in watch.events if isinstance(event, Started | Streamed | Proposed)]
    assert kinds[0] is Started
    assert kinds[-1] is Proposed
    assert set(kinds[1:-1]) == {Streamed}
    assert "".join(event.text for event in watch.of(Streamed)) == f"```python\n{AFTER[0]}```"
    assert (proposal.path, proposal.before, proposal.after, proposal.revision) == (FILE, BEFORE, AFTER[0], 0)
    assert (root / FILE).read_text() == BEFORE


def test_an_answer_ends_with_its_code_whatever_the_model_would_still_say_to_it(
    settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path
):
    play_script(monkeypatch, tiny_model, after=lambda revision: f"{AFTER[0]}```\nIt multiplies now.\n")
    with playing(settings, root) as watch:
        proposal = watch.ask()
        rollout = lineage_of(watch.session).journal.rollout(proposal.id)
        assert watch.session._loaded().agent._chat.decode(rollout.token_ids) == f"```python\n{AFTER[0]}```"
    assert (proposal.after, rollout.finish) == (AFTER[0], "stop")
    assert "".join(event.text for event in watch.of(Streamed)) == f"```python\n{AFTER[0]}```"


def test_what_the_answer_uses_of_another_file_is_imported(settings: Settings, root: Path, script: Script):
    (root / "helpers.py").write_text("def twice(x):\n    return x + x\n")
    script.after = lambda revision: "def double(x):\n    return twice(x)\n"
    with playing(settings, root) as watch:
        proposal = watch.ask()
        assert proposal.after == "from helpers import twice\n\ndef double(x):\n    return twice(x)\n"
        watch.session.judge(Verdict(proposal.id, "accept"))
        watch.wait(Applied)
        assert (root / FILE).read_text() == proposal.after


def test_a_reason_becomes_a_revision_and_the_task_is_asked_again_without_it(
    settings: Settings, root: Path, script: Script
):
    with playing(settings, root) as watch:
        initial = serving(watch.session)
        first = watch.ask()
        mark = watch.mark()
        watch.session.judge(Verdict(first.id, "reject", COMMENT))
        retried = watch.wait(Retried)
        learned, trained = watch.wait(Learned), serving(watch.session)
        prompt = lineage_of(watch.session).journal.rollout(retried.after.id if retried.after else "")
        told = [message.content for message in prompt.messages]
        assert lineage_of(watch.session).journal.lesson(learned.lesson.id).retry_held == retried.held
    seen = [type(event) for event in watch.events[mark:] if not isinstance(event, LearnerState | Streamed)]
    assert seen == [Recorded, Credited, Learned, Swapped, Started, Proposed, Retried]
    stages = [event.stage for event in watch.of(LearnerState) if event.state == "learning"]
    assert stages == ["reading", "rewriting", "comparing", "learning", "saving"]
    assert learned.report.status == "learned"
    assert learned.report.loss_after < learned.report.loss_before
    assert not same(initial, trained)
    assert retried.before == first
    assert retried.after is not None
    assert (retried.after.retry_of, retried.after.revision, retried.after.after) == (first.id, 1, AFTER[1])
    assert prompt.revision == 1
    assert told == [message for message in told if COMMENT not in message and "zebra" not in message]
    assert len(script.prompts) == 2
    assert script.prompts[0] == script.prompts[1]


def test_what_the_comment_says_of_each_token_is_known_before_the_step_and_ever_after(
    settings: Settings, root: Path, script: Script
):
    watches: list[Watch] = []
    during: list[tuple[str, Credited | None]] = []

    def look(event: Event) -> None:
        if isinstance(event, LearnerState) and event.lesson_id == "l1" and watches:
            during.append((event.stage, watches[0].session.credit("l1")))

    with playing(settings, root, retries=False, react=look) as watch:
        watches.append(watch)
        report = teach(watch).report
        credited = watch.wait(Credited)
        assert "".join(credited.tokens).startswith(f"```python\n{AFTER[0]}```")
        assert (credited.lesson_id, len(credited.gaps)) == ("l1", len(credited.tokens))
        assert (credited.tokens, credited.gaps) == (report.tokens, report.token_gaps)
        assert {stage: told for stage, told in during if stage in {"reading", "learning"}} == {
            "reading": None, "learning": credited,
        }  # fmt: skip
        second = teach(watch, "Add type hints.").lesson.id
        assert [event.lesson_id for event in watch.of(Credited)] == ["l1", second]
        assert watch.session.credit("l1") == credited
        with pytest.raises(UsageError):
            watch.session.credit("l9")
    with playing(settings, root) as tomorrow:
        assert tomorrow.session.credit("l1") == credited
        assert tomorrow.of(Credited) == []


def test_a_lesson_that_was_stopped_before_it_was_looked_at_has_no_credit(
    settings: Settings, root: Path, script: Script
):
    watches: list[Watch] = []

    def cancel(event: Event) -> None:
        if isinstance(event, LearnerState) and event.stage == "rewriting":
            watches[0].session.cancel_lesson()

    with playing(settings, root, react=cancel) as watch:
        watches.append(watch)
        teach(watch, status="refused")
        assert watch.of(Credited) == []
        assert watch.session.credit("l1") is None


def test_the_answer_that_a_candidate_was_judged_by_is_the_retry_and_is_not_sampled_again(
    tmp_path: Path, tiny_model: Path, root: Path, script: Script
):
    with playing(tiny_settings(tmp_path / "home", tiny_model, reask=True), root) as watch:
        first = watch.ask()
        watch.session.judge(Verdict(first.id, "reject", COMMENT))
        retried = watch.wait(Retried)
        assert retried.after is not None
        rollout = lineage_of(watch.session).journal.rollout(retried.after.id)
    assert (retried.after.after, retried.after.revision) == (AFTER[1], 1)
    assert (rollout.prompt_ids, rollout.revision, rollout.finish) == (script.prompts[0], 1, "stop")
    assert len(script.prompts) == 1, "the serving side was asked for the first proposal alone"
    assert watch.of(Streamed)[-1].text == f"```python\n{AFTER[1]}```", "it is shown as the model wrote it"


def test_what_cannot_be_learned_becomes_a_line_of_every_prompt_until_it_is_undone(
    tmp_path: Path, tiny_model: Path, root: Path, script: Script
):
    settings = tiny_settings(tmp_path / "home", tiny_model, support_floor=1e9, memory=True)
    with playing(settings, root) as watch:
        initial = serving(watch.session)
        first = watch.ask()
        watch.session.judge(Verdict(first.id, "reject", COMMENT))
        retried = watch.wait(Retried)
        assert watch.wait(Learned).report.status == "memory"
        assert same(initial, serving(watch.session)), "the weights are as they were"
        assert retried.after is not None
        assert watch.of(Started)[-1].rules == (COMMENT,)
        told = lineage_of(watch.session).journal.rollout(retried.after.id).messages
        assert COMMENT in told[-1].content
    with playing(settings, root) as tomorrow:
        tomorrow.ask()
        assert tomorrow.of(Started)[-1].rules == (COMMENT,)
        tomorrow.session.undo("l1")
        assert "undone" in tomorrow.wait(Undone).detail
        tomorrow.ask()
        assert tomorrow.of(Started)[-1].rules == ()
    assert script.prompts[-1] == script.prompts[0]


def test_what_stays_in_the_prompt_is_not_repeated_with_files_of_another_kind(
    tmp_path: Path, tiny_model: Path, root: Path, script: Script
):
    (root / "test_tool.py").write_text("def test_double():\n    assert True\n")
    kept = tiny_settings(tmp_path / "home", tiny_model, support_floor=1e9, memory=True)
    with playing(kept, root, retries=False) as watch:
        teach(watch, status="memory")
        for file in (FILE, "test_tool.py"):
            watch.session.ask(Task("Use multiplication in double.", (file,)))
        watch.wait(Started, lambda event: event.task.files == ("test_tool.py",))
        rules = [event.rules for event in watch.of(Started)]
    assert rules == [(), (COMMENT,), ()]


def test_a_file_that_changed_meanwhile_is_asked_about_as_it_is_now(
    tmp_path: Path, tiny_model: Path, root: Path, script: Script
):
    with playing(tiny_settings(tmp_path / "home", tiny_model, reask=True), root) as watch:
        first = watch.ask()
        (root / FILE).write_text(BEFORE + "\n\nLIMIT = 3\n")
        watch.session.judge(Verdict(first.id, "reject", COMMENT))
        watch.wait(Retried)
    assert len(script.prompts) == 2
    assert script.prompts[0] != script.prompts[1]


def test_while_nothing_is_wanted_it_looks_whether_the_lesson_still_holds(
    tmp_path: Path, tiny_model: Path, root: Path, script: Script
):
    with playing(tiny_settings(tmp_path / "home", tiny_model, idle_seconds=0.0), root) as watch:
        learned = teach(watch)
        watch.wait(LearnerState, lambda event: (event.state, event.lesson_id) == ("checking", learned.lesson.id))
        watch.wait(LearnerState, lambda event: event.state == "idle", after=len(watch.events) - 1)
        (lesson,) = watch.session.lessons()
    assert (lesson.checked_at, lesson.checked != "") == (1, True)


def test_cancelling_after_the_step_does_not_swallow_the_comparison(settings: Settings, root: Path, script: Script):
    watches: list[Watch] = []

    def cancel_on_swap(event: Event) -> None:
        if isinstance(event, Swapped):
            watches[0].session.cancel_lesson()

    with playing(settings, root, react=cancel_on_swap) as watch:
        watches.append(watch)
        teach(watch)
        assert watch.wait(Retried).gap >= 0


def test_a_rejection_without_a_reason_teaches_nothing(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "reject"))
        assert watch.wait(Recorded).lesson is None
        assert watch.session.lessons() == []
        watch.ask()
    assert watch.of(Learned) == []
    assert lineage_of(watch.session).head == 0


def test_the_persons_own_version_is_written_and_shown_to_the_teacher(
    settings: Settings, root: Path, script: Script, monkeypatch: pytest.MonkeyPatch
):
    shown: list[str] = []
    told = teacher.told

    def spy(*arguments: object):
        messages = told(*arguments)  # type: ignore[arg-type]
        shown.append(messages[-1].content)
        return messages

    monkeypatch.setattr(teacher, "told", spy)
    own = "def double(pelican):\n    return 2 * pelican\n"
    with playing(settings, root) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "edit", edited=own))
        assert (root / FILE).read_text() == own
        recorded, learned = watch.wait(Recorded), watch.wait(Learned)
        watch.ask(Task("Add a docstring to double.", (FILE,)))
    assert recorded.lesson is not None
    assert learned.lesson.id == recorded.lesson.id
    assert learned.report.status == "learned"
    assert own in shown[0]
    assert watch.of(Retried) == []


# --- Files ------------------------------------------------------------------------------


def test_accepting_writes_the_file_and_undo_restores_every_byte(settings: Settings, root: Path, script: Script):
    original = "\ufeffdef double(x):\r\n    return x + x\r\n".encode()
    (root / FILE).write_bytes(original)
    (root / FILE).chmod(0o755)
    with playing(settings, root) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "accept"))
        assert watch.wait(Applied) == Applied(proposal.id, FILE)
        assert b"x * 2\r\n" in (root / FILE).read_bytes()
        assert watch.session.last_applied() == proposal.id
        watch.session.undo(proposal.id)
        assert watch.wait(Undone).id == proposal.id
        assert watch.session.last_applied() is None
    assert (root / FILE).read_bytes() == original
    assert (root / FILE).stat().st_mode & 0o777 == 0o755


def test_undo_never_overwrites_what_the_person_wrote_since(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "accept"))
        (root / FILE).write_text("# mine\n")
        with pytest.raises(WorkspaceError):
            watch.session.undo(proposal.id)
        assert watch.session.last_applied() == proposal.id
    assert (root / FILE).read_text() == "# mine\n"


# --- Lessons taken back, stopped, or in the way -----------------------------------------


def test_undoing_the_first_of_two_lessons_learns_the_second_again(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False) as watch:
        first, second = teach(watch, COMMENT), teach(watch, "Add type hints.")
        assert (first.report.revision, second.report.revision) == (1, 2)
        after_both = serving(watch.session)
        mark = watch.mark()
        watch.session.undo(first.lesson.id)
        again = watch.wait(Learned, after=mark)
        watch.wait(Swapped, lambda event: event.revision == 3, after=mark)
        seen = [event for event in watch.events[mark:] if isinstance(event, Undone | Swapped)]
        lineage = lineage_of(watch.session)
        statuses = {lesson.id: (lesson.status, lesson.revision) for lesson in watch.session.lessons()}
        revision = lineage.journal.revisions(lineage.key)[-1]
        assert same(serving(watch.session), lineage.load_head() or {})
        assert not same(serving(watch.session), after_both)
    assert [event.revision for event in seen if isinstance(event, Swapped)] == [0, 3]
    assert [event.id for event in seen if isinstance(event, Undone)] == [first.lesson.id]
    assert (again.lesson.id, again.report.revision) == (second.lesson.id, 3)
    assert statuses[first.lesson.id][0] == "undone"
    assert statuses[second.lesson.id] == ("learned", 3)
    assert (revision.number, revision.parent) == (3, 0)


def test_going_back_to_the_first_of_two_lessons_forgets_the_second(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False) as watch:
        teach(watch)
        first = serving(watch.session)
        second = teach(watch, "Add type hints.")
        watch.session.rollback(1)
        undone = watch.wait(Undone)
        watch.wait(Swapped, lambda event: event.revision == 1, after=watch.events.index(undone) - 1)
        assert same(serving(watch.session), first)
    assert (undone.id, undone.detail) == (
        second.lesson.id, "Revision 1 serves; what was learned after it is forgotten.",
    )  # fmt: skip


def test_a_lesson_that_does_not_exist_or_was_undone_cannot_be_undone(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False) as watch:
        with pytest.raises(UsageError):
            watch.session.undo("l9")
        lesson = teach(watch).lesson
        watch.session.undo(lesson.id)
        watch.wait(Undone)
        watch.session.undo(lesson.id)
        assert "cannot be undone" in watch.wait(Failed).what


@pytest.mark.parametrize("stage", ["rewriting", "comparing", "learning"])
def test_a_cancelled_lesson_ends_as_refused_and_changes_nothing(
    settings: Settings, root: Path, script: Script, stage: str
):
    watches: list[Watch] = []

    def cancel(event: Event) -> None:
        if isinstance(event, LearnerState) and event.stage == stage and event.lesson_id == "l1":
            watches[0].session.cancel_lesson()

    with playing(settings, root, react=cancel) as watch:
        watches.append(watch)
        initial = serving(watch.session)
        learned = teach(watch, status="refused")
        assert watch.session.lessons()[0].status == "refused"
        watch.ask()
        assert same(serving(watch.session), initial)
        assert is_fresh(watch.session._loaded().views.learning.tensors())
        assert lineage_of(watch.session).head == 0
        assert teach(watch, "Another reason.").report.status == "learned"  # the cancellation was for one lesson
    assert learned.report.revision is None


def test_the_person_is_answered_while_a_lesson_runs(tmp_path: Path, tiny_model: Path, root: Path, script: Script):
    settings = tiny_settings(tmp_path / "home", tiny_model, max_updates=64, stop_at=0.0, learning_rate=1e-6)
    watches: list[Watch] = []

    def ask_meanwhile(event: Event) -> None:
        if isinstance(event, LearnerState) and event.stage == "learning":
            watches[0].session.ask(Task("Add a docstring to double.", (FILE,)))
            assert script.begun.wait(10)

    with playing(settings, root, retries=False, react=ask_meanwhile) as watch:
        watches.append(watch)
        proposal = watch.ask()
        script.begun.clear()
        watch.session.judge(Verdict(proposal.id, "reject", COMMENT))
        learned = watch.wait(Learned)
    order = [type(event) for event in watch.events if isinstance(event, Proposed | Learned)]
    assert order == [Proposed, Proposed, Learned]
    assert learned.report.updates == 64
    assert watch.of(Proposed)[1].proposal.revision == 0


def test_a_step_waits_until_the_answer_has_ended(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False) as watch:
        proposal = watch.ask()
        script.held.clear()
        script.begun.clear()
        watch.session.ask(TASK)
        assert script.begun.wait(10)
        watch.session.judge(Verdict(proposal.id, "reject", COMMENT))
        time.sleep(1.5)
        assert watch.of(Learned) == []
        script.held.set()
        assert watch.wait(Learned).report.status == "learned"


def test_interrupting_an_answer_leaves_the_session_usable(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as watch:
        script.held.clear()
        watch.session.ask(TASK)
        assert script.begun.wait(10)
        watch.session.interrupt()
        assert "stopped" in watch.wait(NoEdit).reason
        script.held.set()
        assert watch.ask().after == AFTER[0]


# --- The end of a session, and the next one ---------------------------------------------


def in_answer(watch: Watch, script: Script) -> None:
    script.held.clear()
    script.begun.clear()
    watch.session.ask(TASK)
    assert script.begun.wait(10)


def idle(watch: Watch, script: Script) -> None:
    watch.wait(LearnerState, lambda event: event.state == "idle")


def nothing(watch: Watch, script: Script) -> None:
    pass


@pytest.mark.parametrize("state", [idle, in_answer, nothing], ids=["idle", "answering", "just ready"])
def test_closing_takes_less_than_five_seconds(settings: Settings, root: Path, script: Script, state: Callable):
    with playing(settings, root) as watch:
        state(watch, script)
        started = time.monotonic()
        watch.session.close()
        assert time.monotonic() - started < 5
    assert not watch.session._thread.is_alive()
    assert not watch.session._loaded().worker._thread.is_alive()
    assert not lineage_of(watch.session).lock.held


def test_closing_waits_for_what_is_done_beside(settings: Settings, root: Path, script: Script):
    ended: list[bool] = []

    def chore(stopped: Callable[[], bool]) -> None:
        while not stopped():
            time.sleep(0.01)
        time.sleep(0.2)  # a piece that cannot be left halfway
        ended.append(True)

    with playing(settings, root) as watch:
        watch.session.chores.start("slow", chore)
        watch.session.close()
        assert ended


def test_the_screen_is_told_of_what_is_prepared_after_the_start(tmp_path: Path, tiny_model: Path, root: Path):
    states: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, LearnerState):
            states.append(event.state)

    with playing(tiny_settings(tmp_path / "home", tiny_model), root, react=note) as watch:
        watch.wait(LearnerState, lambda event: event.state == "idle")
    assert states[:2] == ["preparing", "idle"]


@pytest.mark.parametrize("stage", ["rewriting", "comparing", "learning", "paused for an answer"])
def test_closing_during_a_lesson_keeps_it_pending(
    tmp_path: Path, tiny_model: Path, root: Path, script: Script, stage: str
):
    settings = tiny_settings(tmp_path / "home", tiny_model, max_updates=64, stop_at=0.0, learning_rate=1e-6)
    watches: list[Watch] = []

    def close_turns(event: Event) -> None:
        if isinstance(event, LearnerState) and event.stage == stage:
            watches[0].session.turns.close()  # what close() does first; it cannot join the thread it runs on

    with playing(settings, root, react=close_turns) as watch:
        watches.append(watch)
        proposal = watch.ask()
        if stage.startswith("paused"):
            watch.wait(LearnerState, lambda event: event.state == "idle")  # it has prepared for lessons
            in_answer(watch, script)
        watch.session.judge(Verdict(proposal.id, "reject", COMMENT))
        watch.wait(LearnerState, lambda event: event.state == "learning")
        started = time.monotonic()
        watch.session.close()
        assert time.monotonic() - started < 5
        assert watch.of(Learned) == []
        journal, key = lineage_of(watch.session).journal, lineage_of(watch.session).key
        assert [(waiting.lesson.id, waiting.attempts) for waiting in journal.pending(key)] == [("l1", 0)]
    script.held.set()
    with playing(tiny_settings(settings.home, tiny_model), root) as later:
        assert later.wait(Learned).report.status == "learned"
        later.wait(Swapped)
    assert later.of(Retried) == []


def test_closing_while_the_model_loads_stops_the_loading(settings: Settings, root: Path):
    session = open_session(settings, root)
    watch = Watch(session)
    session.start(watch)
    started = time.monotonic()
    session.close()
    assert time.monotonic() - started < 5
    assert not session._thread.is_alive()
    with playing(settings, root) as later:  # the lock is free again
        later.wait(LearnerState, lambda event: event.state == "idle")


def test_a_fresh_session_serves_the_same_weights(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as watch:
        teach(watch)
        watch.wait(Retried)
        before = serving(watch.session)
    with playing(settings, root) as later:
        assert same(serving(later.session), before)
        proposal = later.ask()
        assert (proposal.revision, proposal.after) == (1, AFTER[1])
        assert [lesson.status for lesson in later.session.lessons()] == ["learned"]


def test_a_damaged_head_falls_back_and_its_lesson_is_learned_again(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False) as watch:
        teach(watch, COMMENT)
        first = serving(watch.session)
        teach(watch, "Add type hints.")
        second = serving(watch.session)
        store = lineage_of(watch.session).store
    damaged = store.directory / "000002" / "adapter.safetensors"
    data = bytearray(damaged.read_bytes())
    data[-1] ^= 1
    damaged.chmod(0o600)
    damaged.write_bytes(bytes(data))
    with playing(settings, root) as later:
        assert "Revision 1 serves instead; lessons to be learned again: l2" in later.wait(Failed).what
        learned = later.wait(Learned)
        later.wait(Swapped)
        assert (learned.lesson.id, learned.report.revision) == ("l2", 3)
        assert same(
            lineage_of(later.session).store.load(1, base_digest=lineage_of(later.session).base_digest)[1], first
        )
        assert same(serving(later.session), second)  # a revision is a function of its parent and its lesson


def test_a_second_session_only_records_and_the_first_one_learns(settings: Settings, root: Path, script: Script):
    with playing(settings, root) as first, playing(settings, root) as second:
        assert second.wait(LearnerState, lambda event: event.state == "read_only").stage
        proposal = second.ask()
        second.session.judge(Verdict(proposal.id, "reject", COMMENT))
        learned = first.wait(Learned)
        assert (learned.lesson.proposal_id, learned.report.status) == (proposal.id, "learned")
        assert second.of(Learned) == []
        assert [lesson.status for lesson in second.session.lessons()] == ["learned"]


# --- Tests of an edit -------------------------------------------------------------------


def test_an_applied_edit_is_tested_and_its_failure_is_answered_with_another_proposal(
    settings: Settings, root: Path, script: Script
):
    if reason := sandbox_available():
        pytest.skip(reason)
    settings = settings.model_copy(update={"tests": SuiteSettings(command="grep zebra tool.py")})
    with playing(settings, root) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "accept"))
        watch.session.runs.edited(proposal.id)
        assert watch.wait(SuiteOffered).command == "grep zebra tool.py"
        watch.session.runs.tests()
        assert watch.wait(RunEnded).code == 1
        mark, script.after = watch.mark(), lambda revision: AFTER[1]
        watch.session.runs.follow_up()
        again = watch.wait(Proposed, after=mark).proposal
    assert again.path == FILE
    assert (again.before, again.after) == (AFTER[0], AFTER[1])
    assert again.task.text.startswith(TASK.text)
    assert "`grep zebra tool.py` ended with exit code 1" in again.task.text


def test_closing_the_session_ends_its_command(settings: Settings, root: Path, script: Script):
    if reason := sandbox_available():
        pytest.skip(reason)
    with playing(settings, root) as watch:
        watch.session.runs.shell("sleep 600")
        watch.wait(RunStarted)
        started = time.monotonic()
    assert watch.wait(RunEnded).how == "stopped"
    assert time.monotonic() - started < 5


def test_a_search_waits_for_no_model(settings: Settings, root: Path):
    session = open_session(settings, root)
    try:
        (match,) = session.search("return x").matches
    finally:
        session.close()
    assert (match.path, match.number) == (FILE, 2)
