"""While nothing is wanted, earlier lessons are looked at; a faded one is studied again if the person wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from continual_code.errors import Interrupted
from continual_code.events import Checked, Event, Message, Rollout, StepReport, StudiedAgain, Task, Verdict
from continual_code.feedback.journal import Journal
from continual_code.learning.lessons import Candidate, Earlier, Evidence
from continual_code.learning.lineage import Lineage
from continual_code.learning.upkeep import Upkeep
from continual_code.settings import LearningSettings

REJECTED = Rollout((Message("user", "x"),), (1,), (2, 3), (-1.0, -1.0), 0.0, 1.0, 0, 0, "stop")
LORA = {"r": 1, "lora_alpha": 1}


class Pupil:
    """A learner that has forgotten some lessons, and says of each how much its comment still holds against it.

    `answers` are the tokens that it answers the tasks of all lessons with.
    """

    def __init__(self, **left: float) -> None:
        self.left, self.answers = left, (2, 9)
        self.asked: list[str] = []
        self.learned: list[tuple[str, Rollout, Evidence, tuple[str, ...]]] = []
        self.refuses = self.stops = False

    def still_decides(self, taught: Sequence[Earlier], adapter: Mapping[str, Tensor]) -> bool:
        self.asked.append(taught[0].lesson_id)
        return taught[0].lesson_id not in self.left

    def attempt(self, rollout: Rollout, adapter: Mapping[str, Tensor], revision: int) -> Rollout:
        return replace(rollout, token_ids=self.answers, revision=revision)

    def objection_to(self, rollout: Rollout, comment: str) -> float:
        return 0.4 if rollout.token_ids == REJECTED.token_ids else 0.4 * self.left[comment]

    def learn(
        self, lesson_id: str, rollout: Rollout, evidence: Evidence, adapter: Mapping[str, Tensor], revision: int,
        earlier: Sequence[Earlier] = (),
    ) -> Candidate:  # fmt: skip
        self.learned.append((lesson_id, rollout, evidence, tuple(each.lesson_id for each in earlier)))
        if self.stops:
            raise Interrupted("The lesson was stopped.")
        if self.refuses:
            return Candidate(taught(lesson_id, "refused", reason="The answer runs on without an end."), None)
        self.left.pop(lesson_id, None)
        return Candidate(taught(lesson_id, corrected_ids=(2, 8)), {"w": torch.ones(2)})


def taught(lesson_id: str, status: Any = "learned", reason: str = "", corrected_ids: tuple[int, ...] = (2, 7)):
    report = StepReport(lesson_id, status, reason, None, 0.4, 0.2, 0.1, 1, 1.0, ("a", "b"), (-1.0, 0.0))
    return replace(report, corrected_ids=corrected_ids, deciding=(1,))


class House:
    """A model that was taught lessons l1, l2 …, whose comments are their names."""

    def __init__(self, directory: Path, lessons: int, pupil: Pupil, **settings: Any) -> None:
        self.lineage = Lineage(Journal(directory / "journal.db"), directory, "tiny", "a" * 64)
        self.pupil, self.said = pupil, list[Event]()
        for number in range(1, lessons + 1):
            self._teach(f"l{number}", directory)
        self.upkeep = Upkeep(
            self.lineage, pupil, LearningSettings(**settings), lora=LORA, adapter=lambda: {}, emit=self.said.append,
            evidence=lambda material: Evidence(material.lesson.comment, against=[("x",)]),
        )  # fmt: skip

    def _teach(self, id: str, directory: Path) -> None:
        proposal = self.lineage.journal.add_proposal(
            model=self.lineage.key, root=str(directory), task=Task("x"), path="a.py", before="a\n", after="b\n",
            rollout=REJECTED, seconds=0.0,
        )  # fmt: skip
        self.lineage.journal.record_verdict(Verdict(proposal.id, "reject", id))
        self.lineage.publish(id, taught(id), {"w": torch.zeros(2)}, LORA)

    def teaches(self, id: str, directory: Path) -> None:
        """One more lesson, which somebody wanted."""
        self._teach(id, directory)
        self.upkeep.rest()

    def rests(self, pieces: int = 10) -> list[bool]:
        return [self.upkeep.work() for _ in range(pieces)]

    @property
    def memory(self) -> list[str]:
        return [reminder.comment for reminder in self.lineage.memory()]

    @property
    def faded(self) -> list[str]:
        return [lesson.id for lesson in self.lineage.lessons() if lesson.faded]


def test_every_lesson_is_looked_at_once_and_again_after_the_weights_have_changed(tmp_path: Path) -> None:
    house = House(tmp_path, 2, Pupil())
    house.rests()
    assert house.pupil.asked == ["l1", "l2"]
    assert [(lesson.checked_at, lesson.objection_left) for lesson in house.lineage.lessons()] == [(2, 0.0), (2, 0.0)]
    house.teaches("l3", tmp_path)
    house.rests()
    assert sorted(house.pupil.asked[2:]) == ["l1", "l2", "l3"]
    assert not any(isinstance(event, Checked) for event in house.said), "there is nothing to tell"


def test_a_lesson_that_faded_stands_in_the_prompt_until_it_holds_again(tmp_path: Path) -> None:
    house = House(tmp_path, 2, Pupil(l1=0.8))
    house.rests()
    assert house.memory == ["l1"]
    assert [event.lesson.faded for event in house.said if isinstance(event, Checked)] == [True]
    del house.pupil.left["l1"]
    house.teaches("l3", tmp_path)
    house.rests()
    assert house.memory == []
    assert [event.lesson.faded for event in house.said if isinstance(event, Checked)] == [True, False]


def test_an_answer_that_the_comment_has_nothing_against_will_do_whatever_its_words(tmp_path: Path) -> None:
    house = House(tmp_path, 1, Pupil(l1=0.1))
    house.rests()
    assert (house.faded, house.lineage.lessons()[0].objection_left) == ([], pytest.approx(0.1))


def test_nothing_is_studied_again_unless_the_person_wants_it(tmp_path: Path) -> None:
    house = House(tmp_path, 1, Pupil(l1=1.0))
    assert not any(house.rests())
    assert house.pupil.learned == []


def test_the_worst_is_studied_first_on_a_fresh_answer_and_leaves_the_prompt(tmp_path: Path) -> None:
    house = House(tmp_path, 3, Pupil(l1=0.6, l3=0.9), consolidate=True)
    assert house.rests().count(True) == 2
    assert [lesson_id for lesson_id, *_ in house.pupil.learned] == ["l3", "l1"]
    _, answered, evidence, others = house.pupil.learned[0]
    assert (answered.token_ids, answered.revision) == ((2, 9), 3)
    assert (evidence.against, evidence.supersedes, others) == ((), False, ("l1", "l2"))
    assert (house.lineage.head, house.memory) == (5, [])
    assert [event.revision for event in house.said if isinstance(event, StudiedAgain)] == [4, 5]
    kept = house.lineage.journal.report("l3")
    assert kept is not None
    assert (kept.corrected_ids, kept.tokens, kept.gap) == ((2, 8), ("a", "b"), 0.4)


def test_undoing_a_lesson_takes_back_what_it_was_taught_later_too(tmp_path: Path) -> None:
    house = House(tmp_path, 2, Pupil(l1=0.9), consolidate=True)
    house.rests()
    assert house.lineage.head == 3
    plan = house.lineage.undo("l1")
    assert (plan.to, plan.requeue, house.lineage.head) == (0, ("l2",), 0)


@pytest.mark.parametrize("trouble", ["refuses", "stops"])
def test_what_cannot_be_studied_again_is_not_tried_for_ever_and_stays_in_the_prompt(
    tmp_path: Path, trouble: str
) -> None:
    house = House(tmp_path, 1, Pupil(l1=0.9), consolidate=True)
    setattr(house.pupil, trouble, True)
    house.upkeep.work()
    if trouble == "stops":
        with pytest.raises(Interrupted):
            house.upkeep.work()
    house.rests()
    assert len(house.pupil.learned) == 1
    assert (house.lineage.head, house.memory) == (1, ["l1"])


def test_once_all_is_seen_to_the_journal_is_left_in_peace_until_something_was_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, 1, Pupil())
    house.rests()
    reads: list[str] = []
    monkeypatch.setattr(Journal, "lessons", lambda self, model: reads.append(model) or [])
    house.rests()
    assert reads == []
    house.upkeep.rest()
    house.rests()
    assert len(reads) == 1


def test_the_budget_of_one_go_is_kept_and_renewed_once_something_was_wanted(tmp_path: Path) -> None:
    house = House(tmp_path, 3, Pupil(), idle_budget=1e-9)
    house.rests()
    assert house.pupil.asked == ["l1"]
    house.upkeep.rest()
    house.rests()
    assert house.pupil.asked == ["l1", "l2"]


@pytest.mark.parametrize("error", [RuntimeError("no memory"), ValueError("a bug"), OSError("no such file")])
def test_what_fails_is_not_tried_again_until_something_was_wanted(tmp_path: Path, error: Exception) -> None:
    house = House(tmp_path, 1, Pupil())
    house.pupil.still_decides = lambda *_: (_ for _ in ()).throw(error)
    with pytest.raises(type(error)):
        house.upkeep.work()
    assert house.upkeep.work() is False
