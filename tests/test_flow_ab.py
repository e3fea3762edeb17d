"""/ab with real revisions: each answers with its own weights, nothing is kept, and what served before serves again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from playing import AFTER, BEFORE, COMMENT, FILE, TASK, Script, Watch, plant, play_script, playing, tiny_settings
from torch import Tensor

from continual_code.app import open_session
from continual_code.comparing import planned
from continual_code.errors import ContinualCodeError, UsageError
from continual_code.events import (
    Compared,
    Comparing,
    Event,
    Failed,
    Learned,
    NoEdit,
    Proposed,
    Revision,
    Streamed,
    Swapped,
    Task,
    Verdict,
)
from continual_code.model.generation import Generator, Sampling
from continual_code.past import Point
from continual_code.settings import GenerationSettings, Settings

Tensors = dict[str, Tensor]


@pytest.fixture
def settings(tmp_path: Path, tiny_model: Path) -> Settings:
    return tiny_settings(tmp_path / "home", tiny_model)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return plant(tmp_path / "project")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Script:
    return play_script(monkeypatch, tiny_model)


def engine(watch: Watch) -> Any:
    return watch.session._loaded()


def serving(watch: Watch) -> Tensors:
    return engine(watch).views.serving.tensors()


def weights(watch: Watch, revision: int) -> Tensors:
    return engine(watch).lineage.load(revision) or engine(watch).views.initial


def same(left: Tensors, right: Tensors) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def teach(watch: Watch) -> None:
    """One lesson: revision 1 serves."""
    proposal = watch.ask()
    watch.session.judge(Verdict(proposal.id, "reject", COMMENT))
    learned = watch.wait(Learned)
    assert learned.report.status == "learned", learned.report.reason
    watch.wait(Swapped, lambda event: event.revision == 1)


def serves_as_before(watch: Watch, script: Script) -> bool:
    """Revision 1 is in the view, and answers."""
    script.held.set()
    return same(serving(watch), weights(watch, 1)) and watch.ask().after == AFTER[1]


def test_each_revision_answers_the_same_prompt_with_its_own_weights_and_nothing_of_it_is_kept(
    settings: Settings, root: Path, script: Script, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[int, Tensors, Sampling]] = []
    generate = Generator.generate

    def spy(self: Generator, prompt_ids: Any, sampling: Sampling, *, owner: Any, **rest: Any) -> Any:
        if isinstance(owner, int):  # under this name the prompt's keys and values are kept
            asked.append((owner, self._view.tensors(), sampling))
        return generate(self, prompt_ids, sampling, owner=owner, **rest)

    monkeypatch.setattr(Generator, "generate", spy)
    settings = settings.model_copy(update={"generation": GenerationSettings(temperature=0.9, draft_tokens=7)})
    with playing(settings, root, retries=False) as watch:
        teach(watch)
        past, mark = watch.session._work.log.past(), watch.mark()
        asked.clear()
        watch.session.compare()
        compared = watch.wait(Compared)
        heard = [event for event in watch.events[mark:] if isinstance(event, Comparing | Compared | Streamed)]
        for owner, tensors, _ in asked:
            assert same(tensors, weights(watch, owner))
        assert not same(asked[0][1], asked[1][1])
        assert watch.session._work.log.past() == past
        assert serves_as_before(watch, script)
    before, after = compared.before, compared.after
    assert before.edit
    assert after.edit
    assert (before.revision, before.lesson_ids, before.edit.after) == (0, (), AFTER[0])
    assert (after.revision, after.lesson_ids, after.edit.after) == (1, ("l1",), AFTER[1])
    assert (before.edit.path, before.edit.before, compared.task) == (FILE, BEFORE, TASK)
    assert [sampling.temperature for _, _, sampling in asked[:2]] == [0.0, 0.0], "greedy, whatever the person has set"
    assert [sampling.draft_tokens for _, _, sampling in asked] == [7, 7, 7]
    assert asked[2][2].temperature == 0.9, "and afterwards as they have set it"
    assert script.prompts[1] == script.prompts[2]
    kinds = [type(event) for event in heard]
    assert [kind for kind in kinds if kind is not Streamed] == [Comparing, Comparing, Compared]
    assert kinds[1] is kinds[-2] is Streamed
    assert len(watch.of(Learned)) == 1
    assert (root / FILE).read_text() == BEFORE


def test_a_task_of_its_own_is_not_a_task_of_the_session(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False) as watch:
        teach(watch)
        points = watch.session.points()
        own = Task("Name the parameter better.", (FILE,))
        watch.session.compare(own, (1, 0))
        compared = watch.wait(Compared)
        assert watch.session.points() == points
    assert (compared.task, compared.before.revision, compared.after.revision) == (own, 1, 0)


def test_rules_of_the_prompt_are_in_neither(
    tmp_path: Path, tiny_model: Path, settings: Settings, root: Path, script: Script
):
    with playing(settings, root, retries=False) as watch:
        teach(watch)
    keeping = tiny_settings(tmp_path / "home", tiny_model, support_floor=1e9, memory=True)
    with playing(keeping, root, retries=False) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "reject", "Say more."))
        assert watch.wait(Learned).report.status == "memory"
        watch.session.compare()
        assert watch.wait(Compared).rules == ("Say more.",)
    assert script.prompts[-2] == script.prompts[-1] == script.prompts[0]


# --- However it ends --------------------------------------------------------------------


def held_at(script: Script, revision: int) -> Callable[[Event], None]:
    def hold(event: Event) -> None:
        if isinstance(event, Comparing) and event.revision == revision:
            script.begun.clear()
            script.held.clear()

    return hold


@pytest.mark.parametrize("revision", [1, 0], ids=["the first", "the second"])
def test_esc_stops_an_answer_and_the_comparison(settings: Settings, root: Path, script: Script, revision: int):
    with playing(settings, root, retries=False, react=held_at(script, revision)) as watch:
        teach(watch)
        watch.session.compare(None, (1, 0))
        watch.wait(Comparing, lambda event: event.revision == revision)
        assert script.begun.wait(10)
        watch.session.interrupt()
        stopped = watch.wait(NoEdit)
        assert stopped.reason == "You stopped the comparison. Revision 1 serves, as before."
        assert serves_as_before(watch, script)
    assert watch.of(Compared) == []


def test_a_failure_in_the_middle_brings_the_weights_back(settings: Settings, root: Path, script: Script):
    def fail(revision: int) -> str:
        raise RuntimeError("out of memory")

    with playing(settings, root, retries=False) as watch:
        teach(watch)
        fine, script.after = script.after, fail
        watch.session.compare()
        assert "out of memory" in watch.wait(Failed).what
        script.after = fine
        assert serves_as_before(watch, script)


def test_closing_in_the_middle_brings_the_weights_back(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False, react=held_at(script, 0)) as watch:
        teach(watch)
        watch.session.compare()
        watch.wait(Comparing)
        assert script.begun.wait(10)
        assert same(serving(watch), weights(watch, 0))
        started = time.monotonic()
        watch.session.close()
        assert time.monotonic() - started < 5
        assert not watch.session._thread.is_alive()
        assert same(serving(watch), weights(watch, 1))


def spoil(revision: Path) -> None:
    file = revision / "adapter.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.chmod(0o600)
    file.write_bytes(bytes(data))


@pytest.mark.parametrize("lose", [spoil, shutil.rmtree], ids=["damaged", "removed"])
def test_a_revision_that_cannot_be_read_is_said_before_any_is_asked(
    settings: Settings, root: Path, script: Script, lose: Callable[[Path], None]
):
    with playing(settings, root, retries=False) as watch:
        teach(watch)
        served = serving(watch)
        lose(engine(watch).lineage.store.directory / "000001")
        prompts = len(script.prompts)
        watch.session.compare()
        failed = watch.wait(Failed)
        assert failed.what.startswith("Revision 1 cannot be used: ")
        assert failed.kept == "Revision 1 serves, as before."
        assert len(script.prompts) == prompts
        assert same(serving(watch), served)


def test_it_waits_its_turn_like_a_task(settings: Settings, root: Path, script: Script):
    with playing(settings, root, retries=False) as watch:
        teach(watch)
        script.held.clear()
        mark = watch.mark()
        watch.session.ask(TASK)
        watch.session.compare()
        watch.session.ask(TASK)
        script.held.set()
        watch.wait(Compared)
        watch.wait(Proposed, lambda event: event.proposal.id == "p3")
    ends = [type(event) for event in watch.events[mark:] if isinstance(event, Proposed | Compared)]
    assert ends == [Proposed, Compared, Proposed]


# --- What cannot be compared ------------------------------------------------------------


def test_what_cannot_be_asked_is_said_at_once(settings: Settings, root: Path, script: Script):
    with pytest.raises(ContinualCodeError, match=r"The model is still loading\."):
        open_session(settings, root).compare(TASK, (0, 1))
    with playing(settings, root) as watch:
        with pytest.raises(UsageError, match=r"The base serves: no lesson is in the weights"):
            watch.session.compare(TASK)
        with pytest.raises(UsageError, match=r"There is no revision 1\. .* The newest is 0"):
            watch.session.compare(TASK, (0, 1))
    assert watch.of(Comparing) == []


ONE, TWO = Point("t1", Task("one")), Point("t2", Task("two"))
REVISIONS = [Revision(1, 0, ("l1",), "", ""), Revision(2, 1, ("l2",), "", ""), Revision(3, 0, ("l2",), "", "")]


def lineage(head: int) -> Any:
    return SimpleNamespace(journal=SimpleNamespace(revisions=lambda key: REVISIONS), key="tiny", head=head)


@pytest.mark.parametrize(("head", "pair"), [(1, (0, 1)), (2, (1, 2)), (3, (0, 3))])
def test_the_revision_before_the_head_is_the_one_that_it_was_made_from(head: int, pair: tuple[int, int]):
    assert planned(lineage(head), [ONE], None, None) == (ONE.task, pair)


def test_the_latest_task_is_the_last_one_that_was_asked_not_the_last_edit():
    edit_of_the_first = Point("p1", ONE.task, "one.py")
    assert planned(lineage(3), [ONE, TWO, edit_of_the_first], None, (2, 0)) == (TWO.task, (2, 0))


def test_without_a_task_or_with_one_revision_twice_there_is_nothing_to_ask():
    with pytest.raises(UsageError, match="Nothing was asked in this session yet"):
        planned(lineage(3), [], None, (0, 3))
    with pytest.raises(UsageError, match="Both are revision 2"):
        planned(lineage(3), [ONE], None, (2, 2))
