"""Every arm of the benchmark teaches a real, tiny model, from the same rejection and by its own recipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from playing import play_script, tiny_settings, watch_learning
from tiny import spread, tiny_base
from torch import Tensor
from transformers import AutoTokenizer

from continual_code.bench.lessons import baselines
from continual_code.bench.lessons.arms import ARMS, Taught, arm
from continual_code.bench.lessons.rules import Exercise
from continual_code.bench.lessons.subject import Answer, Lesson, State, Subject
from continual_code.errors import UsageError
from continual_code.events import Message, Reminder, Rollout
from continual_code.learning import teacher
from continual_code.learning.divergence import reverse_kl
from continual_code.learning.learner import Learner
from continual_code.learning.lessons import Candidate, Earlier
from continual_code.learning.rehearsal import Rehearsal
from continual_code.learning.scoring import BASE
from continual_code.model.generation import Generation, Generator
from continual_code.settings import Settings

TALK = (Message("user", "def total(values):\n    return values\n\nMake it return the sum."),)
COMMENT = "Use sum() instead of a loop."
EDIT = "```python\ndef total(values):\n    return sum(values)\n```"
TOLD_EDIT = "```python\ndef total(values):\n    return 0 + sum(values)\n```"
LEARNING = sorted(ARMS.keys() - {"none", "memory", "trl-sdft"})  # the last has a file of its own
DISTILLING = sorted(name for name in ARMS if name.startswith("ours"))
EXERCISE = Exercise("e1", "Use multiplication in double.", "tool.py", {"tool.py": "def double(x):\n    return x + x\n"})


@pytest.fixture(scope="module", autouse=True)
def corrected(tiny_model: Path) -> Iterator[None]:
    """Asked to correct its answer, the base gives the edit, and an adapter that is told the comment another one.

    Everything else is sampled.
    """
    sampled, tokenizer = Generator.generate, AutoTokenizer.from_pretrained(tiny_model)

    def scripted(prompt: str, owner: object) -> str | None:
        if owner == BASE:
            return EDIT if prompt.count("assistant\n") > 1 else None
        return TOLD_EDIT if isinstance(owner, int) and f"follow: {COMMENT}" in prompt else None

    def generate(self: Generator, prompt_ids: Sequence[int], *arguments: Any, **named: Any) -> Generation:
        text = scripted(tokenizer.decode(prompt_ids), named["owner"])
        if text is None:
            return sampled(self, prompt_ids, *arguments, **named)
        tokens = (*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id)
        return Generation(tokens, (0.0,) * len(tokens), "stop", len(tokens))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Generator, "generate", generate)
        yield


def learning_from(floor: float, home: Path, model: Path) -> Settings:
    """Settings under which a comment is learned when its effect, however measured, is as large as this."""
    floors = {"gap_floor": floor, "support_floor": floor}
    return tiny_settings(home, model, max_updates=2, learning_rate=5e-3, **floors)


@pytest.fixture(scope="module")
def subject(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(tiny_base(tiny_model), learning_from(-1000.0, tmp_path_factory.mktemp("home"), tiny_model))


@pytest.fixture(scope="module")
def state(subject: Subject) -> State:
    """An earlier lesson's: the adapter does something, a line is in the prompt, an answer is to be rehearsed."""
    chat = subject.base.chat
    rehearsal = Rehearsal(chat.render(TALK), chat.encode("def f(a):\n    return a\n"), (2, 4))
    earlier = Earlier("l0", tuple(TALK), rehearsal)
    return subject.state(
        spread(dict(subject.untaught.tensors), 0.02), [Reminder("Write short names.", "a.py")], [earlier]
    )


@pytest.fixture(scope="module")
def lesson(subject: Subject) -> Lesson:
    """About an answer of random tokens, which ends as this model ends its answers."""
    chat, generator = subject.base.chat, torch.Generator().manual_seed(3)
    words = torch.randint(10, 300, (24,), generator=generator).tolist()
    token_ids = (*words, min(chat.stop_ids))
    rollout = Rollout(TALK, tuple(chat.render(TALK)), token_ids, (-5.0,) * len(token_ids), 0.0, 1.0, 0, 0, "stop")
    return Lesson(rollout, COMMENT, EDIT, "tool.py", "l1")


@pytest.fixture(scope="module")
def taught(subject: Subject, state: State, lesson: Lesson) -> Mapping[str, Taught]:
    """What each learning arm made of the lesson, one after the other."""
    return {name: arm(name)(subject, state, lesson) for name in LEARNING}


@torch.no_grad()
def logprobs(subject: Subject, tensors: Mapping[str, Tensor], prompt: tuple[int, ...], token_ids: list[int]) -> Tensor:
    """Of each of the tokens after the prompt, in one plain pass of the learning view, [T]."""
    view = subject.views.learning
    view.load(tensors)
    hidden_T_D = view.hidden(torch.tensor([*prompt, *token_ids[:-1]]))[-len(token_ids) :]
    return view.logits(hidden_T_D).log_softmax(dim=-1)[range(len(token_ids)), token_ids]


def same(left: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


# --- Every arm -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEARNING)
def test_a_learning_arm_changes_the_adapter_and_keeps_the_memory(
    taught: Mapping[str, Taught], state: State, name: str
) -> None:
    after = taught[name].state
    assert taught[name].status == "learned"
    assert after.number != state.number
    assert not same(after.tensors, state.tensors)
    assert all(tensor.isfinite().all() for tensor in after.tensors.values())
    assert after.memory == state.memory


@pytest.mark.parametrize("name", LEARNING)
def test_the_same_lesson_gives_the_same_bits_and_is_served_when_it_is_asked(
    subject: Subject,
    taught: Mapping[str, Taught],
    state: State,
    lesson: Lesson,
    name: str,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(of: State) -> None:
        with monkeypatch.context() as patch:
            play_script(patch, tiny_model)
            subject.answer(EXERCISE, of)

    ask(state)
    torch.manual_seed(77)
    arm("predecessor")(subject, subject.untaught, Lesson(lesson.rollout, "Say nothing.", None, "tool.py", "l1"))
    again = arm(name)(subject, state, lesson)
    assert same(again.state.tensors, taught[name].state.tensors)
    assert again.gap == taught[name].gap
    assert same(subject.views.serving.tensors(), spread(dict(subject.untaught.tensors), 0.02))
    ask(again.state)
    assert same(subject.views.serving.tensors(), again.state.tensors)


def test_every_learning_arm_goes_its_own_way(taught: Mapping[str, Taught]) -> None:
    adapters = [each.state.tensors for each in taught.values()]
    assert len(adapters) == len(LEARNING)
    assert not any(same(a, b) for index, a in enumerate(adapters) for b in adapters[:index])


@pytest.mark.parametrize("name", DISTILLING)
def test_an_arm_of_the_product_says_how_large_the_gap_was(taught: Mapping[str, Taught], name: str) -> None:
    gap = taught[name].gap
    assert gap is not None
    assert gap > 0
    assert taught[name].seconds > 0


def test_nothing_and_memory_leave_the_adapter_alone(subject: Subject, state: State, lesson: Lesson) -> None:
    nothing, memory = arm("none")(subject, state, lesson), arm("memory")(subject, state, lesson)
    assert nothing.state is state
    assert same(memory.state.tensors, state.tensors)
    assert [reminder.comment for reminder in memory.state.memory] == ["Write short names.", COMMENT]
    assert memory.state.number != state.number, "another prompt's keys belong to another owner"


def test_an_arm_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="no arm 'magic'") as caught:
        arm("magic")
    assert all(name in caught.value.do for name in ARMS)


# --- A learning rate of its own --------------------------------------------------------------


@pytest.mark.parametrize("name", ["ours-one-update", "predecessor", "sdpo", "sft-edit", "sft-told"])
def test_the_learning_rate_in_an_arms_name_is_how_far_it_goes(
    subject: Subject, taught: Mapping[str, Taught], state: State, lesson: Lesson, name: str
) -> None:
    def moved(after: State) -> float:
        return max((after.tensors[key] - state.tensors[key]).abs().max().item() for key in state.tensors)

    small, large = (moved(arm(f"{name}@{rate}")(subject, state, lesson).state) for rate in ("1e-5", "1e-2"))
    assert 0 < small < moved(taught[name].state) < large


@pytest.mark.parametrize("name", ["sdpo@", "sdpo@fast", "sdpo@0", "sdpo@-1e-4", "sdpo@nan", "sdpo@inf", "memory@1e-4"])
def test_a_learning_rate_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="learning rate"):
        arm(name)


def test_an_arm_whose_package_is_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trl", None)
    with pytest.raises(UsageError, match="needs trl, which is not installed") as caught:
        arm("trl-sdft@1e-4")
    assert caught.value.do == 'Run: pip install -e ".[bench]"'


# --- Nothing to learn ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deaf(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """One that takes every comment for meaningless."""
    return Subject(tiny_base(tiny_model), learning_from(1000.0, tmp_path_factory.mktemp("home"), tiny_model))


@pytest.mark.parametrize("name", DISTILLING)
def test_a_comment_that_changes_nothing_leaves_the_state_itself(deaf: Subject, lesson: Lesson, name: str) -> None:
    state = deaf.state(spread(dict(deaf.untaught.tensors), 0.02))
    taught = arm(name)(deaf, state, lesson)
    assert taught.status == "no_signal"
    assert taught.state is state


def test_a_line_of_the_prompt_takes_back_the_lesson_that_says_otherwise_and_teaches_later_ones_again(
    subject: Subject, state: State, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = arm("ours")
    second, third = replace(lesson, id="l2", comment="Say it otherwise."), replace(lesson, id="l3", comment="No.")
    without = ours(subject, state, second).state
    learn = Learner.learn

    def kept(self: Learner, lesson_id: str, *rest: Any) -> Candidate:
        candidate = learn(self, lesson_id, *rest)
        if lesson_id != "l3":
            return candidate
        return Candidate(replace(candidate.report, status="memory", supersedes=("l1",)), None)

    monkeypatch.setattr(Learner, "learn", kept)
    both = ours(subject, ours(subject, state, lesson).state, second).state
    after = ours(subject, both, third)
    assert not same(both.tensors, without.tensors)
    assert same(after.state.tensors, without.tensors), "as if the first had never been taught"
    assert [line.comment for line in after.state.memory][-1] == "No."
    assert after.supersedes == ("l1",)


def test_a_learned_lesson_takes_the_line_of_the_prompt_away_that_says_otherwise(
    subject: Subject, state: State, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, learn = arm("ours"), Learner.learn
    lines: list[list[str]] = []

    def as_told(self: Learner, lesson_id: str, *rest: Any) -> Candidate:
        lines.append([line.lesson_id for line in rest[-1]])
        candidate = learn(self, lesson_id, *rest)
        if lesson_id == "l1":
            return Candidate(replace(candidate.report, status="memory", deciding=(0,)), None)
        return replace(candidate, report=replace(candidate.report, supersedes=("l1",)))

    monkeypatch.setattr(Learner, "learn", as_told)
    kept = ours(subject, state, lesson).state
    assert [reminder.comment for reminder in kept.memory][-1:] == [lesson.comment]
    after = ours(subject, kept, replace(lesson, id="l2", comment="Say it otherwise."))
    assert (after.status, after.state.memory, after.state.lines) == ("learned", state.memory, ())
    assert lines == [[], ["l1"]]


def test_fine_tuning_without_an_edit_has_nothing_to_learn_from(subject: Subject, state: State, lesson: Lesson) -> None:
    taught = arm("sft-edit")(subject, state, Lesson(lesson.rollout, COMMENT, None, "tool.py", "l1"))
    assert taught.status == "no_signal"
    assert taught.state is state


# --- The subject -----------------------------------------------------------------------------


def test_drift_is_zero_before_any_lesson_and_grows_with_it(subject: Subject, lesson: Lesson) -> None:
    untaught = subject.untaught
    same_tensors = subject.state(untaught.tensors, ("A line.",))
    small, large = (arm(name)(subject, untaught, lesson).state for name in ("ours-one-update", "ours"))
    wild = subject.state(spread(dict(untaught.tensors), 0.2))
    assert subject.drift(untaught) == pytest.approx(0.0, abs=1e-5)
    assert subject.drift(same_tensors) == pytest.approx(0.0, abs=1e-5)
    assert 1e-4 < subject.drift(small) < subject.drift(large) < subject.drift(wild)
    assert subject.drift(untaught) == pytest.approx(0.0, abs=1e-5), "what was asked in between does not stay"


def test_memory_and_what_is_told_are_read_by_the_model(
    subject: Subject, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = play_script(monkeypatch, tiny_model, lambda owner: "def double(x):\n    return x * 2\n")
    tensors = subject.untaught.tensors
    subject.answer(EXERCISE, subject.untaught)
    one, two, elsewhere = Reminder("Line one.", "a.py"), Reminder("Line two.", "b.py"), Reminder("No.", "test_a.py")
    subject.answer(EXERCISE, subject.state(tensors, (one, elsewhere, two)))
    answer = subject.answer(EXERCISE, subject.state(tensors, (one,)), told="Be brief.")
    plain, remembered, told = (subject.base.chat.decode(prompt) for prompt in script.prompts)
    assert "Line" not in plain
    assert "Line one.\nLine two." in remembered
    assert "Line one.\nBe brief." in told
    assert all(EXERCISE.task in prompt for prompt in (plain, remembered, told))
    assert (answer.status, answer.before) == ("proposed", EXERCISE.files["tool.py"])
    assert answer.after == "def double(x):\n    return x * 2\n"
    assert answer.rollout is not None
    assert answer.rollout.prompt_ids == tuple(subject.base.chat.render(answer.rollout.messages))


def test_our_learner_leaves_out_of_a_correction_what_the_agent_would_import(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, lesson: Lesson
) -> None:
    seen = watch_learning(monkeypatch)
    files = {"tool.py": "", "sums.py": "def twice(x):\n    return x + x\n"}
    exercise = Exercise("e", "Double it.", "tool.py", files)
    answer = Answer("", "def double(x):\n    return x\n", "proposed", lesson.rollout, 0.0)
    arm("ours-one-update")(subject, subject.untaught, Lesson.on(exercise, answer, lesson.rollout, COMMENT, None, "l1"))
    code = "def double(x):\n    return twice(x)\n```"
    assert seen[0].bare(f"```python\nfrom sums import twice\n\n{code}", "") == f"```python\n{code}"


def test_an_answer_that_cannot_be_offered_says_why(
    subject: Subject, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_script(monkeypatch, tiny_model, lambda owner: EXERCISE.files["tool.py"])
    answer = subject.answer(EXERCISE, subject.untaught)
    assert answer.status.startswith("no_edit: ")
    assert not answer.offered
    assert (answer.rollout, answer.after) == (None, answer.before)


def test_the_teacher_of_a_lesson_is_asked_as_the_told_model_is(
    subject: Subject, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = play_script(monkeypatch, tiny_model, lambda owner: "def double(x):\n    return x * 2\n")
    rejected = subject.answer(EXERCISE, subject.untaught).rollout
    subject.answer(EXERCISE, subject.untaught, told=COMMENT)
    assert rejected is not None
    shown = subject.base.chat.render(teacher.told(rejected.messages, COMMENT, None))
    assert script.prompts[-1] == tuple(shown)


# --- What others do --------------------------------------------------------------------------


def distribution(seed: int, scale: float) -> Tensor:
    return (torch.randn(7, 300, generator=torch.Generator().manual_seed(seed)) * scale).log_softmax(dim=-1)


@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
def test_twenty_tokens_and_all_others_are_one_distribution(scale: float) -> None:
    logprobs_T_V = distribution(1, scale)
    top_T_K = logprobs_T_V.topk(baselines.TOP, dim=-1).indices
    bucketed = baselines._with_tail(logprobs_T_V, top_T_K)
    assert bucketed.shape == (7, baselines.TOP + 1)
    assert torch.allclose(bucketed.exp().sum(dim=-1), torch.ones(7), atol=1e-5)
    assert torch.equal(bucketed[:, :-1], logprobs_T_V.gather(1, top_T_K))


@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
def test_there_is_nothing_to_learn_from_a_teacher_that_agrees(scale: float) -> None:
    def gradient(told_T_V: Tensor) -> float:
        logits = distribution(1, scale).requires_grad_()
        student_T_V = logits.log_softmax(dim=-1)
        top_T_K = student_T_V.topk(baselines.TOP, dim=-1).indices
        both = (baselines._with_tail(each, top_T_K) for each in (student_T_V, told_T_V))
        reverse_kl(*both).mean().backward()
        assert logits.grad is not None
        return logits.grad.abs().max().item()

    assert gradient(distribution(1, scale)) < 1e-6
    assert gradient(distribution(2, scale)) > 1e-5


def test_the_predecessor_moves_each_token_towards_the_teacher(subject: Subject, lesson: Lesson) -> None:
    rollout, untaught = lesson.rollout, subject.untaught.tensors
    tokens = list(rollout.token_ids)
    told_ids = tuple(subject.base.chat.render(teacher.told(rollout.messages, COMMENT, None)))
    before = logprobs(subject, untaught, rollout.prompt_ids, tokens)
    advantage = logprobs(subject, untaught, told_ids, tokens) - before
    moved = logprobs(
        subject, baselines.sampled_token_step(subject, subject.untaught, lesson), rollout.prompt_ids, tokens
    )
    assert advantage.min() < 0 < advantage.max(), "the control: the teacher wants some tokens more, some less"
    assert ((moved - before) * advantage).mean() > 0
    assert torch.corrcoef(torch.stack([moved - before, advantage]))[0, 1] > 0.2


def test_the_predecessor_learns_nothing_from_a_teacher_that_was_told_nothing(
    subject: Subject, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teacher, "told", lambda messages, comment, example: messages)
    assert same(baselines.sampled_token_step(subject, subject.untaught, lesson), subject.untaught.tensors)


def test_sdpo_comes_closer_to_the_teacher_as_it_was_before_the_lesson(subject: Subject, lesson: Lesson) -> None:
    rollout, untaught = lesson.rollout, subject.untaught.tensors
    tokens = list(rollout.token_ids)
    told_ids = tuple(subject.base.chat.render(teacher.told(rollout.messages, COMMENT, None)))
    told = logprobs(subject, untaught, told_ids, tokens)
    tensors = baselines.sdpo(subject, subject.untaught, lesson)
    distance = [
        (logprobs(subject, each, rollout.prompt_ids, tokens) - told).abs().mean() for each in (untaught, tensors)
    ]
    assert distance[1] < distance[0]


def test_fine_tuning_makes_the_edit_and_the_end_after_it_more_likely(subject: Subject, lesson: Lesson) -> None:
    end = lesson.rollout.token_ids[-1]
    tokens = [*subject.base.chat.encode(EDIT), end]
    tensors = baselines.sft_edit(subject, subject.untaught, lesson)
    assert tensors is not None
    before, after = (
        logprobs(subject, each, lesson.rollout.prompt_ids, tokens) for each in (subject.untaught.tensors, tensors)
    )
    assert after.mean() > before.mean() + 0.02
    assert after[-1] > before[-1]


def test_fine_tuning_ends_the_edit_as_the_model_ends_its_answers(
    subject: Subject, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some models have a second end, of whole documents, that never comes after an answer."""
    end = lesson.rollout.token_ids[-1]
    usual = arm("sft-edit")(subject, subject.untaught, lesson)
    monkeypatch.setattr(subject.base.chat, "stop_ids", frozenset({0, end}))
    assert same(arm("sft-edit")(subject, subject.untaught, lesson).state.tensors, usual.state.tensors)


def test_fine_tuning_on_the_teacher_learns_what_the_model_answers_when_it_is_told(
    subject: Subject, lesson: Lesson
) -> None:
    as_edit = Lesson(lesson.rollout, COMMENT, TOLD_EDIT, lesson.path, lesson.id)
    edited, told = (
        arm(name)(subject, subject.untaught, each) for name, each in (("sft-edit", as_edit), ("sft-told", lesson))
    )
    assert same(told.state.tensors, edited.state.tensors)


def test_an_answer_of_the_teacher_that_finds_no_end_is_not_learned(
    subject: Subject, state: State, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Generation((20, 21), (0.0, 0.0), "length", 2)
    monkeypatch.setattr(Generator, "generate", lambda *arguments, **named: cut)
    taught = arm("sft-told")(subject, state, lesson)
    assert taught.status == "no_signal"
    assert taught.state is state
