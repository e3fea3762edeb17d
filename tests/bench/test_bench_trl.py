"""The outside reference learns from what the other arms learn from, and comes back as this program's adapter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from playing import tiny_settings
from tiny import spread, tiny_base

from continual_code.bench.lessons import baselines
from continual_code.bench.lessons.arms import arm
from continual_code.bench.lessons.subject import Lesson, State, Subject
from continual_code.events import Message, Reminder, Rollout
from continual_code.learning import teacher

pytest.importorskip("trl", reason="only benchmarks need it: pip install -e '.[bench]'")

TALK = (
    Message("system", "You change {code}."),
    Message("user", "def total(values):\n    return {values}\n\nMake it return the sum."),
)
COMMENT = "Use sum() instead of a loop."
TOP = 100  # of the trainer's usual settings, as is the even mixture of both divergences


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matrices this small only wait for a second thread, in the trainer's process as here."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="module")
def subject(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(tiny_base(tiny_model), tiny_settings(tmp_path_factory.mktemp("home"), tiny_model))


@pytest.fixture(scope="module")
def state(subject: Subject) -> State:
    """An earlier lesson's: the adapter does something, and a line is in the prompt."""
    return subject.state(spread(dict(subject.untaught.tensors), 0.1), [Reminder("Write short names.", "a.py")])


@pytest.fixture(scope="module")
def lesson(subject: Subject) -> Lesson:
    chat, generator = subject.base.chat, torch.Generator().manual_seed(3)
    words = torch.randint(10, 300, (24,), generator=generator).tolist()
    token_ids = (*words, min(chat.stop_ids))
    rollout = Rollout(TALK, tuple(chat.render(TALK)), token_ids, (-5.0,) * len(token_ids), 0.0, 1.0, 0, 0, "stop")
    return Lesson(rollout, COMMENT, None, "tool.py", "l1")


@torch.no_grad()
def expected_loss(subject: Subject, state: State, lesson: Lesson) -> float:
    """Jensen-Shannon on the student's likeliest tokens, between the student and the base that is told the comment."""
    view, token_ids = subject.views.learning, lesson.rollout.token_ids
    view.load(state.tensors)
    student_T_V = baselines._logprobs(view, lesson.rollout.prompt_ids, token_ids)
    with view.adapter_off():
        told_ids = subject.base.chat.render(teacher.told(TALK, COMMENT, None))
        told_T_V = baselines._logprobs(view, told_ids, token_ids)
    top_T_K = student_T_V.topk(TOP, dim=-1).indices
    p, q = (each.gather(1, top_T_K).softmax(dim=-1) for each in (student_T_V, told_T_V))
    middle = (p + q) / 2
    both = [(each * (each / middle).log()).sum(dim=-1) for each in (p, q)]
    return (sum(both) / 2).mean().item()


def test_the_lesson_is_the_one_that_the_other_arms_get(
    subject: Subject, state: State, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "TRL_UPDATES", 1)
    learned = baselines.trl_sdft(subject, state, lesson, rate=0.0)
    assert learned.loss == pytest.approx(expected_loss(subject, state, lesson), rel=1e-4)
    assert learned.tensors.keys() == state.tensors.keys()
    assert all(torch.equal(learned.tensors[name], state.tensors[name]) for name in state.tensors)


def test_it_goes_on_from_the_state_trains_the_whole_lora_and_is_served(
    subject: Subject, state: State, lesson: Lesson
) -> None:
    taught = arm("trl-sdft@1e-3")(subject, state, lesson)
    after, moves = taught.state.tensors, {}
    for name, tensor in state.tensors.items():
        moves[name] = (after[name] - tensor).abs().max().item()
    assert taught.status == "learned"
    assert taught.state.memory == state.memory
    assert len(moves) > 20
    assert min(moves.values()) > 0, "A and B of every layer"
    assert max(moves.values()) < 4 * 1.1e-3, "as far as four updates go, not from another adapter"
    assert subject.drift(taught.state) != pytest.approx(subject.drift(state), rel=1e-6)
    assert taught.seconds > 0
    assert taught.peak_bytes is not None
    assert taught.peak_bytes > 1e8
