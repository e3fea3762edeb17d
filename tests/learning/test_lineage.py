"""Journal and store agree again after a kill between storing a revision and publishing it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch

from continual_code.events import Message, Rollout, StepReport, Task, Verdict
from continual_code.feedback.journal import Journal
from continual_code.feedback.rows import read_report, write_report
from continual_code.learning.lineage import Lineage
from continual_code.learning.rehearsal import Rehearsal
from continual_code.settings import LearningSettings

DIGEST = "a" * 64


def propose(lineage: Lineage, root: Path) -> str:
    """The id of a new proposal."""
    rollout = Rollout((Message("user", "x"),), (1,), (2,), (-1.0,), 0.0, 1.0, 0, 0, "stop")
    proposal = lineage.journal.add_proposal(
        model=lineage.key, root=str(root), task=Task("x"), path="a.py", before="a = 1\n", after="a = 2\n",
        rollout=rollout, seconds=0.0,
    )  # fmt: skip
    return proposal.id


def rejected(tmp_path: Path) -> Lineage:
    """A lineage with one lesson waiting and a revision that a killed step had stored for it."""
    journal = Journal(tmp_path / "journal.db")
    lineage = Lineage(journal, tmp_path, "tiny", DIGEST)
    journal.record_verdict(Verdict(propose(lineage, tmp_path), "reject", "why"))
    number = journal.next_revision_number(lineage.key)
    lineage.store.write(
        number=number, parent=0, lesson_ids=("l1",), base_digest=DIGEST, lora={"r": 1, "lora_alpha": 1},
        tensors={"w": torch.ones(2)}, created="2026-01-01",
    )  # fmt: skip
    return lineage


def test_a_revision_that_was_stored_but_never_published_does_not_serve_and_its_lesson_waits(tmp_path: Path) -> None:
    lineage = rejected(tmp_path)
    assert lineage.recover() is None
    assert lineage.head == 0
    assert [lesson.status for lesson in lineage.lessons()] == ["pending"]


def test_revisions_are_taken_over_when_the_journal_was_lost(tmp_path: Path) -> None:
    rejected(tmp_path)
    (tmp_path / "journal.db").unlink()
    lineage = Lineage(Journal(tmp_path / "journal.db"), tmp_path, "tiny", DIGEST)
    lineage.recover()
    assert lineage.head == 1


def test_an_export_names_what_the_base_is_loaded_from_whatever_the_person_called_it(tmp_path: Path) -> None:
    lineage = rejected(tmp_path)
    lineage.recover()
    lora = {"r": 1, "lora_alpha": 1, "target_modules": ["q_proj"]}
    tensors = {f"base_model.model.q_proj.lora_{side}.weight": torch.ones(1, 1) for side in "AB"}
    report = StepReport("l1", "learned", "", None, 0.1, 0.2, 0.1, 1, 1.0)
    lineage.publish("l1", report, tensors, lora)
    later = Lineage(lineage.journal, tmp_path, "tiny", DIGEST, "/models/tiny")
    directory = later.export(tmp_path / "out", LearningSettings())
    assert json.loads((directory / "adapter_config.json").read_text())["base_model_name_or_path"] == "/models/tiny"
    assert 'from_pretrained(BASE := "/models/tiny")' in (directory / "README.md").read_text()


def test_what_was_taught_is_rehearsed_until_it_is_undone(tmp_path: Path) -> None:
    lineage = rejected(tmp_path)
    lineage.recover()
    assert lineage.taught() == []
    report = StepReport("l1", "learned", "", None, 0.1, 0.2, 0.1, 1, 1.0, corrected_ids=(7, 8, 9), deciding=(1, 2))
    lineage.publish("l1", report, {"w": torch.ones(2)}, {"r": 1, "lora_alpha": 1})
    (earlier,) = lineage.taught()
    assert (earlier.lesson_id, earlier.rehearsal) == ("l1", Rehearsal((1,), (7, 8, 9), (1, 2)))
    lineage.undo("l1")
    assert lineage.taught() == []


def test_a_pin_is_kept_until_it_is_taken_out(tmp_path: Path) -> None:
    lineage = rejected(tmp_path)
    lineage.recover()
    report = StepReport("l1", "learned", "", None, 0.1, 0.2, 0.1, 1, 1.0, corrected_ids=(7, 8), deciding=(1,))
    lineage.publish("l1", report, {"w": torch.ones(2)}, {"r": 1, "lora_alpha": 1})
    for pinned in (True, False):
        lineage.journal.pin("l1", pinned)
        assert [lesson.pinned for lesson in lineage.lessons()] == [pinned]
        assert [each.pinned for each in lineage.taught()] == [pinned]


def test_a_superseded_lesson_is_rehearsed_no_more_until_what_came_in_its_place_is_undone(tmp_path: Path) -> None:
    lineage = rejected(tmp_path)
    lineage.recover()
    first = StepReport("l1", "learned", "", None, 0.1, 0.2, 0.1, 1, 1.0, corrected_ids=(7, 8), deciding=(1,))
    lineage.publish("l1", first, {"w": torch.ones(2)}, {"r": 1, "lora_alpha": 1})
    lineage.journal.record_verdict(Verdict(propose(lineage, tmp_path), "reject", "No docstrings."))
    later = replace(first, lesson_id="l2", supersedes=("l1",))
    lineage.publish("l2", later, {"w": torch.zeros(2)}, {"r": 1, "lora_alpha": 1})
    assert [each.lesson_id for each in lineage.taught()] == ["l2"]
    assert [lesson.superseded_by for lesson in lineage.lessons()] == ["l2", ""]
    lineage.undo("l2")
    assert [each.lesson_id for each in lineage.taught()] == ["l1"]
    assert [lesson.superseded_by for lesson in lineage.lessons()] == ["", ""]


def test_a_report_of_an_earlier_version_is_read_and_leaves_nothing_to_rehearse() -> None:
    report = StepReport("l1", "learned", "", 1, 0.1, 0.2, 0.1, 1, 1.0)
    content = json.loads(write_report(report))
    del content["corrected_ids"], content["deciding"]
    assert read_report(json.dumps(content)) == report
