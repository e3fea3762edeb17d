"""A comment that says otherwise and cannot be learned: the lesson that it speaks against leaves the weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from playing import COMMENT, Watch, plant, play_script, playing, tiny_settings

from continual_code.events import Learned, Rollout, Undone, Verdict
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Candidate, Evidence

OTHERWISE = "Do the opposite."


def keeps_instead(monkeypatch: pytest.MonkeyPatch, replaced: str) -> None:
    """As if one comment could not be learned, and spoke against an earlier lesson; random weights never say so."""
    learn = Learner.learn

    def kept(self: Learner, lesson_id: str, rollout: Rollout, evidence: Evidence, *rest: Any) -> Candidate:
        candidate = learn(self, lesson_id, rollout, evidence, *rest)
        if evidence.comment != OTHERWISE:
            return candidate
        return Candidate(replace(candidate.report, status="memory", supersedes=(replaced,)), None)

    monkeypatch.setattr(Learner, "learn", kept)


def teach(watch: Watch, comment: str) -> Learned:
    mark, proposal = watch.mark(), watch.ask()
    watch.session.judge(Verdict(proposal.id, "reject", comment))
    return watch.wait(Learned, lambda event: event.lesson.proposal_id == proposal.id, after=mark)


def test_the_lesson_is_taken_back_and_later_ones_are_learned_again_without_it(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_script(monkeypatch, tiny_model)
    keeps_instead(monkeypatch, "l1")
    with playing(tiny_settings(tmp_path / "home", tiny_model), plant(tmp_path / "project"), retries=False) as watch:
        teach(watch, COMMENT)
        second = teach(watch, "Add type hints.")
        mark = watch.mark()
        third = teach(watch, OTHERWISE)
        undone = watch.wait(Undone, after=mark)
        again = watch.wait(Learned, lambda event: event.lesson.id == second.lesson.id, after=mark)
        loaded = watch.session._loaded()
        statuses = {lesson.id: lesson.status for lesson in watch.session.lessons()}
        in_its_place = {lesson.id: lesson.superseded_by for lesson in watch.session.lessons()}
        revision = loaded.lineage.journal.revisions(loaded.lineage.key)[-1]
        serves = loaded.lineage.load_head() or {}
        reminders = [reminder.comment for reminder in loaded.lineage.memory()]
        mark = watch.mark()
        watch.session.undo("l3")
        back = watch.wait(Learned, lambda event: event.lesson.id == "l1", after=mark)
        afterwards = {lesson.id: (lesson.status, lesson.superseded_by) for lesson in watch.session.lessons()}
    assert undone.id == "l1"
    assert undone.detail.startswith("l3 says otherwise. Lesson l1 is undone")
    assert (third.report.status, again.report.status) == ("memory", "learned")
    assert statuses == {"l1": "undone", "l2": "learned", "l3": "memory"}
    assert in_its_place == {"l1": "l3", "l2": "", "l3": ""}
    assert (revision.number, revision.parent) == (again.report.revision, 0), "as if the first had never been"
    assert any(tensor.any() for name, tensor in serves.items() if ".lora_B." in name)
    assert all(torch.isfinite(tensor).all() for tensor in serves.values())
    assert reminders == [OTHERWISE]
    assert back.report.status == "learned", "what it had displaced comes back with its undoing"
    assert afterwards == {"l1": ("learned", ""), "l2": ("learned", ""), "l3": ("undone", "")}
