"""What the person marked on a proposal reaches the learner as what was marked, and nothing else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playing import AFTER as ANSWERS
from playing import BEFORE as ONE
from playing import FILE, plant, play_script, playing, tiny_settings, watch_learning

from continual_code.events import Compared, Comparing, Edit, Learned, Retried, Task, Verdict
from continual_code.learning.lessons import Evidence

GAP = "\n\n\ndef between():\n    return None\n\n\ndef further():\n    return None\n\n\n"
BEFORE = f"def double(x):\n    return x + x\n{GAP}def half(x):\n    return x / 2\n"
AFTER = f"def double(x):\n    return 2 * x\n{GAP}def half(x):\n    return 0.5 * x\n"
SECOND = ["    return 0.5 * x\n"]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Evidence]:
    """What the learner was shown for each lesson."""
    return watch_learning(monkeypatch)


@pytest.mark.parametrize(
    ("kind", "edited", "unwanted", "against", "written"),
    [
        ("reject", None, (1,), [SECOND], BEFORE),
        ("reject", None, (), [], BEFORE),
        ("accept", None, (1,), [SECOND], AFTER.replace("0.5 * x", "x / 2")),
        ("edit", AFTER.replace("2 * x", "x * 2"), (), [], AFTER.replace("2 * x", "x * 2")),
    ],
    ids=["a hunk rejected", "all rejected", "a hunk left out", "an edit"],
)
def test_what_was_marked_is_what_is_learned_from(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, shown: list[Evidence], kind: Any,
    edited: str | None, unwanted: tuple[int, ...], against: list[list[str]], written: str,
) -> None:  # fmt: skip
    play_script(monkeypatch, tiny_model, lambda revision: AFTER)
    root = tmp_path / "project"
    root.mkdir()
    (root / FILE).write_text(BEFORE)
    with playing(tiny_settings(tmp_path / "home", tiny_model), root, retries=False) as watch:
        proposal = watch.ask(Task("Multiply in both.", (FILE,)))
        assert [list(hunk.new_lines) for hunk in proposal.hunks] == [["    return 2 * x\n"], SECOND]
        watch.session.judge(Verdict(proposal.id, kind, "Keep the division.", edited, unwanted))
        watch.wait(Learned)
    assert [list(map(list, evidence.against)) for evidence in shown] == [against]
    assert shown[0].comment == "Keep the division."
    assert (shown[0].example or "").count("x * 2") == (edited or "").count("x * 2")
    assert (root / FILE).read_text() == written


def test_after_an_edit_of_the_person_s_own_both_answers_are_shown_from_the_file_as_it_was(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_script(monkeypatch, tiny_model)
    root = plant(tmp_path / "project")
    with playing(tiny_settings(tmp_path / "home", tiny_model), root) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "edit", "", ANSWERS[1]))
        assert watch.wait(Learned).report.status == "learned"
        compared = watch.wait(Compared)
        points = watch.session.points()
    assert [event.lesson_id for event in watch.of(Comparing)] == ["l1", "l1"]
    assert (compared.before.revision, compared.before.edit) == (0, Edit(FILE, ONE, ANSWERS[0]))
    assert (compared.after.revision, compared.after.edit) == (1, Edit(FILE, ONE, ANSWERS[1]))
    assert (root / FILE).read_text() == ANSWERS[1], "nothing of it is written"
    assert watch.of(Retried) == []
    assert [point.id for point in points] == ["t1", "p1"], "nor kept"


def test_an_import_that_every_answer_would_be_given_is_no_part_of_what_is_learned(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, shown: list[Evidence]
) -> None:
    play_script(monkeypatch, tiny_model, lambda revision: AFTER)
    root = tmp_path / "project"
    root.mkdir()
    (root / FILE).write_text(BEFORE)
    (root / "sums.py").write_text("def twice(x):\n    return x + x\n")
    bare = AFTER.replace("return 2 * x", "return twice(x)")
    with playing(tiny_settings(tmp_path / "home", tiny_model), root, retries=False) as watch:
        proposal = watch.ask(Task("Multiply in both.", (FILE,)))
        edited = f"from sums import twice\n\n\n{bare}"
        watch.session.judge(Verdict(proposal.id, "edit", "Call twice().", edited))
        assert watch.wait(Learned).report.status == "learned"
        [evidence] = shown
        assert evidence.bare(f"```python\n{edited}```", AFTER) == f"```python\n{bare}```"
    assert (root / FILE).read_text() == edited
