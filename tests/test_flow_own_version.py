"""A person's own version of a proposal, where the model was shown one function of a long file, and answered that."""

from __future__ import annotations

from pathlib import Path

import pytest
from playing import BEFORE, FILE, plant, play_script, playing, tiny_settings

from continual_code.events import Learned, Verdict
from continual_code.learning import teacher
from continual_code.settings import ContextSettings

OTHER = "def triple(x):\n    return x + x + x\n"
OWN = "def double(pelican):\n    return 2 * pelican\n"


@pytest.mark.parametrize(("lines", "is_part"), [(1, True), (150, False)])
def test_the_teacher_is_shown_as_much_of_it_as_the_model_was_shown_of_the_file(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, lines: int, is_part: bool
) -> None:
    shown: list[str] = []
    told = teacher.told

    def spy(*arguments: object):
        messages = told(*arguments)  # type: ignore[arg-type]
        shown.append(messages[-1].content)
        return messages

    monkeypatch.setattr(teacher, "told", spy)
    play_script(monkeypatch, tiny_model)
    settings = tiny_settings(tmp_path / "home", tiny_model)
    settings = settings.model_copy(update={"context": ContextSettings(whole_file_lines=lines)})
    root = plant(tmp_path / "project", f"{BEFORE}\n\n{OTHER}")
    with playing(settings, root) as watch:
        proposal = watch.ask()
        watch.session.judge(Verdict(proposal.id, "edit", edited=f"{OWN}\n\n{OTHER}"))
        assert watch.wait(Learned).report.status == "learned"
    assert (root / FILE).read_text() == f"{OWN}\n\n{OTHER}", "the file gets all of it"
    assert OWN in shown[0]
    assert (OTHER not in shown[0]) == is_part
