"""Going on with another model: what can be chosen, what is refused, and what the program starts anew with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playing import plant, play_script, playing, tiny_settings
from tiny import make_tiny_model

from continual_code.app import open_session
from continual_code.cli import parser
from continual_code.errors import ModelError, UsageError
from continual_code.events import Learned, Recorded, Task, Verdict
from continual_code.port import Switch
from continual_code.report.command import read_facts
from continual_code.settings import Settings
from continual_code.switching import model_choices, planned_switch, start_anew


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", model="smollm2-135m")


def test_every_model_with_a_name_can_be_chosen_and_which_serves_is_said(settings: Settings) -> None:
    other = settings.model_copy(update={"model": "qwen2.5-coder-7b"})
    assert model_choices(other)[0].id == "qwen2.5-coder-7b"
    states = {choice.id: choice.state for choice in model_choices(settings)}
    assert states["smollm2-135m"] == "serves"
    assert states["qwen2.5-coder-0.5b"] == "not installed, would be fetched"


def test_an_installed_model_and_one_of_your_own_are_named(settings: Settings, tiny_model: Path) -> None:
    own = settings.model_copy(update={"model": str(tiny_model)})
    assert (model_choices(own)[0].id, model_choices(own)[0].state) == (str(tiny_model), "serves")
    assert model_choices(own)[1].state == "not installed, would be fetched"


def test_a_model_that_is_none_or_serves_already_is_refused(settings: Settings) -> None:
    with pytest.raises(ModelError, match="No model is called"):
        planned_switch(settings, "nonsense", None)
    with pytest.raises(UsageError, match="is the model that serves"):
        planned_switch(settings, "smollm2-135m", None)


def test_the_session_goes_on_once_something_was_asked_in_it(settings: Settings, tmp_path: Path) -> None:
    session = open_session(settings, plant(tmp_path / "project"))
    try:
        assert session.switch("qwen2.5-coder-0.5b") == Switch("qwen2.5-coder-0.5b", None)
        session.ask(Task("add a function"))
        assert session.switch("qwen2.5-coder-0.5b") == Switch("qwen2.5-coder-0.5b", "s1")
    finally:
        session.close()


def test_what_another_model_wrote_is_learned_by_that_one_alone_and_the_person_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path
) -> None:
    play_script(monkeypatch, tiny_model)
    root, other = plant(tmp_path / "project"), make_tiny_model(tmp_path / "other", seed=1)
    settings = tiny_settings(tmp_path / "home", tiny_model)
    with playing(settings, root) as watch:
        first, second = watch.ask(), watch.ask()
    with playing(settings.model_copy(update={"model": str(other)}), root) as watch:
        watch.session.judge(Verdict(first.id, "reject", "Double it."))
        assert watch.wait(Recorded).waits_for == str(tiny_model)
        own = watch.ask()
        watch.session.judge(Verdict(own.id, "reject", "Double it."))
        assert watch.wait(Recorded, lambda event: event.verdict.proposal_id == own.id).waits_for == ""
        assert watch.wait(Learned).lesson.proposal_id == own.id
    with playing(settings, root) as watch:
        assert watch.wait(Learned).lesson.proposal_id == first.id
        watch.session.judge(Verdict(second.id, "reject", "Double it."))
        assert watch.wait(Recorded).waits_for == ""


def test_the_same_weights_under_another_name_know_what_was_taught(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_model: Path
) -> None:
    play_script(monkeypatch, tiny_model)
    root, settings = plant(tmp_path / "project"), tiny_settings(tmp_path / "home", tiny_model)
    renamed = settings.model_copy(update={"model": str(shutil.copytree(tiny_model, tmp_path / "other@home"))})
    for number, names in enumerate([settings, renamed, settings], 1):
        with playing(names, root) as watch:
            watch.session.judge(Verdict(watch.ask().id, "reject", f"Double it, for the {number}. time."))
            assert watch.wait(Recorded).waits_for == ""
            assert watch.wait(Learned).report.revision == number, "nothing that was stored is in the way, or gone"
            assert [lesson.status for lesson in watch.session.lessons()] == ["learned"] * number
        assert len(read_facts(names).entries) == number


@pytest.mark.parametrize("session", [None, "s4"])
def test_the_program_starts_anew_with_what_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, session: str | None
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda program, argv: started.append(argv))
    start_anew(tmp_path, Switch("-odd", session))
    module = started[0].index("continual_code.cli")
    arguments = parser().parse_args(started[0][module + 1 :])
    assert (arguments.model, arguments.repo, arguments.resume, arguments.run) == ("-odd", tmp_path, session, "screen")
