"""What the model is asked for a commit's subject, and by which weights it answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import spread, tiny_base, tiny_views

from continual_code.agent.commit_subject import CHANGE_TOKENS, SUBJECT_TOKENS, SubjectWriter
from continual_code.events import Message
from continual_code.model.base import Base
from continual_code.model.generation import Generator, Sampling
from continual_code.model.prefix import PrefixStore
from continual_code.model.views import Views

DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-one = 1\n+one = 2\n"


@pytest.fixture
def base(tiny_model: Path) -> Base:
    return tiny_base(tiny_model)


@pytest.fixture
def views(base: Base) -> Views:
    views = tiny_views(base)
    views.serving.load(spread(views.initial))  # what was taught
    return views


def asked(views: Views, base: Base, monkeypatch: pytest.MonkeyPatch, task: str, diff: str) -> tuple[str, str]:
    """The prompt that the model was given, and what is said to have been left out."""
    prompts: list[str] = []
    generate = Generator.generate

    def listen(self: Generator, prompt_ids, sampling, **rest):
        prompts.append(base.chat.decode(prompt_ids))
        return generate(self, prompt_ids, sampling, **rest)

    monkeypatch.setattr(Generator, "generate", listen)
    left_out = SubjectWriter(views.serving, base.chat).write("a.py", task, diff).left_out
    return prompts[0], left_out


def test_the_model_sees_the_task_the_change_and_the_wish(views: Views, base: Base, monkeypatch: pytest.MonkeyPatch):
    prompt, left_out = asked(views, base, monkeypatch, "Make it two.", DIFF)
    for part in ("`a.py`", "Make it two.", DIFF, "at most 72 characters"):
        assert part in prompt
    assert left_out == ""


def test_a_long_change_is_cut_to_its_budget_and_that_is_said(views: Views, base: Base, monkeypatch: pytest.MonkeyPatch):
    diff = "".join(f"+line {number} = {number}\n" for number in range(5_000))
    prompt, left_out = asked(views, base, monkeypatch, "x " * 5_000, diff)
    assert base.chat.count(prompt) < CHANGE_TOKENS + 400
    assert "+line 3 = 3" in prompt
    assert "+line 4999" not in prompt
    assert left_out.endswith(f"of {len(diff.strip()):,} characters")


def test_the_base_answers_and_afterwards_the_view_serves_what_was_taught(views: Views, base: Base):
    def told(view) -> list[float]:
        with torch.no_grad():
            return view.logits(view.hidden(torch.tensor([7, 120, 33])))[-1].tolist()

    before, so_far = told(views.serving), []
    SubjectWriter(views.serving, base.chat).write("a.py", "Make it two.", DIFF, on_text=so_far.append)
    assert told(views.serving) == before
    views.serving.load(views.initial)
    plain: list[str] = []
    SubjectWriter(views.serving, base.chat).write("a.py", "Make it two.", DIFF, on_text=plain.append)
    assert so_far == plain
    assert plain[-1]


def test_the_adapter_would_change_the_answer_if_it_were_on(views: Views, base: Base):
    ids = base.chat.render([Message("user", DIFF)])
    answers = []
    for tensors in (views.initial, spread(views.initial)):
        views.serving.load(tensors)
        generator = Generator(views.serving, base.chat.stop_ids, PrefixStore())
        answers.append(generator.generate(ids, Sampling(max_tokens=SUBJECT_TOKENS), owner=len(answers)).token_ids)
    assert answers[0] != answers[1]


def test_it_stops_when_it_is_told_to(views: Views, base: Base):
    pieces: list[str] = []
    writer = SubjectWriter(views.serving, base.chat)
    writer.write("a.py", "x", DIFF, on_text=pieces.append, stopped=lambda: bool(pieces))
    assert len(pieces) == 1
    assert writer.write("a.py", "y", DIFF, stopped=lambda: True).answer == ""
