"""A lesson from comment to candidate: what counts as a signal, and what an interruption leaves behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lessons import ANSWER, COMMENT, Bench, same
from tiny import spread

from continual_code.errors import Interrupted
from continual_code.learning import teacher
from continual_code.learning.alignment import departures
from continual_code.learning.correction import Corrections
from continual_code.learning.lessons import Evidence
from continual_code.learning.remarks import Remarks
from continual_code.learning.scoring import BASE, Scorer, of_tokens
from continual_code.learning.weighing import Correction
from continual_code.model.generation import Generation, Generator
from continual_code.model.prefix import PrefixStore


@pytest.fixture(scope="module")
def loaded(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


@pytest.fixture
def bench(loaded: Bench) -> Bench:
    loaded.view.load(loaded.views.initial)
    loaded.views.serving.load(loaded.views.initial)
    return loaded


class Pause:
    """Counts its calls and raises at the one it was told to."""

    def __init__(self, raise_at: int | None = None) -> None:
        self.calls, self._raise_at = 0, raise_at

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self._raise_at:
            raise Interrupted("The lesson was stopped.")


def test_a_comment_that_argues_against_the_answer_is_learned(bench: Bench) -> None:
    candidate = bench.learner().learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    report = candidate.report
    assert (report.lesson_id, report.status, report.reason) == ("l1", "learned", "")
    assert report.gap > 0.01
    assert "".join(report.tokens) == bench.base.chat.decode(bench.rollout.token_ids)
    assert len(report.token_gaps) == len(bench.rollout.token_ids)
    assert report.gap == pytest.approx(sum(max(0.0, -gap) for gap in report.token_gaps) / len(report.token_gaps))
    assert not same(candidate.tensors, bench.adapter)
    assert same(bench.view.tensors(), candidate.tensors)


def test_a_comment_that_changes_nothing_leaves_everything_as_it_was(bench: Bench) -> None:
    candidate = bench.learner(gap_floor=1000.0).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (candidate.report.status, candidate.tensors) == ("no_signal", None)
    assert "changes nothing" in candidate.report.reason
    assert candidate.report.updates == 0
    assert same(bench.view.tensors(), bench.adapter)


def test_the_gap_is_that_of_the_plain_base_with_and_without_the_comment(bench: Bench) -> None:
    """Against a pass of the model by itself, with no view, no cache and no adapter switch in between."""
    report = bench.learner().learn("l1", bench.rollout, COMMENT, bench.adapter, 1).report
    untold = list(bench.rollout.prompt_ids)
    told = bench.base.chat.render(teacher.told(bench.rollout.messages, COMMENT.comment, None))
    scores = []
    for prompt in (told, untold):
        with torch.no_grad():
            logits = bench.base.module(torch.tensor([[*prompt, *bench.rollout.token_ids]])).logits[0, len(prompt) - 1 :]
        picked = logits.log_softmax(dim=-1)[range(len(bench.rollout.token_ids)), list(bench.rollout.token_ids)]
        scores.append(picked)
    assert report.token_gaps == pytest.approx((scores[0] - scores[1]).tolist(), abs=1e-3)


def test_the_adapter_has_no_say_in_what_the_teacher_thinks(bench: Bench) -> None:
    small = bench.learner().learn("l1", bench.rollout, COMMENT, bench.views.initial, 0)
    strong = spread(bench.views.initial, 0.5)
    bench.view.load(bench.views.initial)
    neutral = bench.logprobs()
    bench.view.load(strong)
    assert (bench.logprobs() - neutral).abs().max() > 1, "the control: this adapter changes the student a lot"
    large = bench.learner().learn("l1", bench.rollout, COMMENT, strong, 1)
    assert large.report.token_gaps == small.report.token_gaps
    assert large.report.gap == small.report.gap


def test_what_the_comment_says_against_a_new_answer_does_not_depend_on_the_adapter(bench: Bench) -> None:
    learner = bench.learner()
    report = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1).report
    assert learner.objection_to(bench.rollout, COMMENT.comment) == pytest.approx(report.gap, abs=1e-5)
    bench.view.load(spread(bench.views.initial, 0.5))
    assert bench.learner().objection_to(bench.rollout, COMMENT.comment) == pytest.approx(report.gap, abs=1e-5)


@pytest.mark.parametrize("comment", ["", COMMENT.comment])
def test_what_the_person_wrote_instead_is_shown_to_the_teacher(bench: Bench, comment: str) -> None:
    def gaps(evidence: Evidence) -> tuple[float, ...]:
        return bench.learner().learn("l1", bench.rollout, evidence, bench.adapter, 1).report.token_gaps

    one, other = (gaps(Evidence(comment, f"def total(v):\n    return {way}\n")) for way in ("sum(v)", "reduce(v)"))
    assert one != other
    assert one != gaps(COMMENT)


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("Sure:\n```python\nx = 2\n```\nDone.", "```python\nx = 2\n```"),
        ("```python\nx  =   1\n```", None),  # the rejected code again, spaced differently
        ("You are welcome!", None),
    ],
)
def test_only_corrected_code_counts_as_a_demonstration(answer: str, shown: str | None) -> None:
    assert teacher.demonstration(answer, "```python\nx = 1\n```") == shown


@pytest.fixture
def corrected(monkeypatch: pytest.MonkeyPatch) -> str:
    """Whatever the tiny model writes when it is asked to correct itself counts as this."""
    example = "```python\ndef total(values):\n    return sum(values)\n```"
    monkeypatch.setattr(Generator, "generate", lambda *_, **__: Generation((1,), (0.0,), "stop", 1))
    monkeypatch.setattr(teacher, "demonstration", lambda answer, rejected: example)
    return example


def made_likelier(bench: Bench, example: str) -> float:
    """By the comment, in the eyes of the base: the mean over the tokens that a correction changes."""
    token_ids = [*bench.base.chat.encode(example), bench.rollout.token_ids[-1]]
    scorer = Scorer(bench.view, PrefixStore(), lambda: None)
    logprobs = []
    for messages in (teacher.told(bench.rollout.messages, COMMENT.comment, None), bench.rollout.messages):
        hidden = scorer.hidden(BASE, bench.base.chat.render(messages), token_ids)
        with bench.view.adapter_off():
            logprobs.append(of_tokens(scorer.logprobs(hidden), token_ids))
    changed = departures(bench.rollout.token_ids, token_ids)[1]
    return (logprobs[0] - logprobs[1])[changed].mean().item()


def test_of_two_corrections_the_one_that_the_comment_makes_likelier_is_taught(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = ["def total(values):\n    return sum(values)\n", "class Box:\n    name = 1\n"]
    learner = bench.learner(demonstration=True, support_floor=-1000.0)
    likelier = max(examples, key=lambda example: made_likelier(bench, example))
    for order in (examples, examples[::-1]):
        monkeypatch.setattr("continual_code.learning.learner.corrections", lambda *_, order=order: Corrections(*order))
        report = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1).report
        assert bench.base.chat.decode(report.corrected_ids) == likelier


def test_a_comment_that_accounts_for_the_models_own_correction_is_learned(bench: Bench, corrected: str) -> None:
    learner = bench.learner(demonstration=True, support_floor=-1000.0)
    candidate = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert candidate.report.status == "learned"
    assert same(bench.view.tensors(), candidate.tensors)


@pytest.mark.parametrize(
    ("rejected_sound", "corrected_sound", "status"),
    [(True, True, "learned"), (True, False, "no_signal"), (False, False, "learned")],
)
def test_a_correction_that_breaks_the_code_is_not_learned_from(
    bench: Bench, corrected: str, rejected_sound: bool, corrected_sound: bool, status: str
) -> None:
    evidence = Evidence(COMMENT.comment, is_sound=lambda it: corrected_sound if it == corrected else rejected_sound)
    learner = bench.learner(demonstration=True, support_floor=-1000.0)
    candidate = learner.learn("l1", bench.rollout, evidence, bench.adapter, 1)
    assert candidate.report.status == status
    assert ("broke it" in candidate.report.reason) == (status == "no_signal")


def test_a_comment_that_does_not_account_for_the_correction_teaches_nothing(bench: Bench, corrected: str) -> None:
    learner = bench.learner(demonstration=True, support_floor=1000.0)
    candidate = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (candidate.report.status, candidate.tensors) == ("no_signal", None)
    assert "does not change what the model would write" in candidate.report.reason
    assert same(bench.view.tensors(), bench.adapter)


@pytest.fixture
def odds(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What the model thinks of remarks: the log odds, by remark, that it is about the code."""
    judged: dict[str, float] = {}
    monkeypatch.setattr(Remarks, "odds", lambda self, comment: judged[comment])
    return judged


def test_a_remark_that_is_not_about_the_code_is_no_signal_and_nothing_is_rewritten_for_it(
    bench: Bench, odds: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    odds[COMMENT.comment] = -0.1
    monkeypatch.setattr(Generator, "generate", lambda *_, **__: pytest.fail("a correction was asked for"))
    learner = bench.learner(demonstration=True, work_floor=0.0, memory=True)
    candidate = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (candidate.report.status, candidate.tensors) == ("no_signal", None)
    assert candidate.report.reason == "The remark is not about the code."
    assert same(bench.view.tensors(), bench.adapter)


@pytest.mark.parametrize(
    ("memory", "odds_of_it", "status"),
    [(True, 0.5, "memory"), (False, 0.5, "no_signal"), (True, 0.2, "no_signal")],
    ids=["about the code", "without a memory", "perhaps small talk"],
)
def test_what_cannot_be_learned_goes_to_the_memory_if_it_is_surely_about_the_code(
    bench: Bench, odds: dict[str, float], corrected: str, memory: bool, odds_of_it: float, status: str
) -> None:
    odds[COMMENT.comment] = odds_of_it
    settings = {"support_floor": 1000.0, "work_floor": 0.0, "memory_floor": 0.4, "memory": memory}
    learner = bench.learner(demonstration=True, **settings)
    candidate = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (candidate.report.status, candidate.tensors) == (status, None)
    assert same(bench.view.tensors(), bench.adapter)


def test_a_remark_is_judged_by_the_base_alone_whatever_the_adapter_says(bench: Bench) -> None:
    bench.view.load(bench.views.initial)
    plain = Remarks(bench.view, bench.base.chat, lambda: None).odds("use tabs")
    assert plain != Remarks(bench.view, bench.base.chat, lambda: None).odds("good night")
    bench.view.load(spread(bench.views.initial, 0.5))
    assert Remarks(bench.view, bench.base.chat, lambda: None).odds("use tabs") == pytest.approx(plain, abs=1e-5)
    assert Remarks(bench.view, bench.base.chat, lambda: None).odds("") == 0


def test_what_every_remark_is_put_behind_is_read_ahead(bench: Bench) -> None:
    rows: list[int] = []

    def count(module: torch.nn.Module, args: tuple[object, ...], given: dict[str, torch.Tensor]) -> None:
        rows.append(given["input_ids"].shape[1])

    remarks, comment = Remarks(bench.view, bench.base.chat, lambda: None), "use tabs"
    hook = bench.view._body.register_forward_pre_hook(count, with_kwargs=True)
    remarks.prepare()
    ahead = sum(rows)
    rows.clear()
    odds = remarks.odds(comment)
    hook.remove()
    assert 0 < 5 * sum(rows) < ahead
    assert odds == pytest.approx(Remarks(bench.view, bench.base.chat, lambda: None).odds(comment), abs=1e-5)


@pytest.mark.parametrize(("at_work", "in_talk", "less"), [(-9.0, -5.0, 2.0), (-5.0, -9.0, 0.0)], ids=["talk", "work"])
def test_a_remark_that_people_say_rather_when_they_chat_is_less_likely_about_the_code(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, at_work: float, in_talk: float, less: float
) -> None:
    monkeypatch.setattr(Remarks, "_said", lambda self, word, comment: 0.0)
    sorted_as = Remarks(bench.view, bench.base.chat, lambda: None).odds("use tabs")
    monkeypatch.setattr(Remarks, "_said", lambda self, word, comment: {"work": at_work, "chat": in_talk}[word])
    assert Remarks(bench.view, bench.base.chat, lambda: None).odds("use tabs") == pytest.approx(sorted_as - less)


def test_a_model_that_corrects_nothing_when_asked_is_taught_nothing(bench: Bench) -> None:
    pause = Pause()
    learner = bench.learner(demonstration=True, gap_floor=0.0, support_floor=-1000.0, pause=pause)
    candidate = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert (candidate.report.status, candidate.tensors) == ("no_signal", None)
    assert "left it as it is" in candidate.report.reason
    assert pause.calls > 20, "the person can go first between any two tokens of the correction"


def test_the_persons_own_edit_needs_no_support_from_the_comment(bench: Bench) -> None:
    evidence = Evidence(COMMENT.comment, "def total(v):\n    return sum(v)\n")
    learner = bench.learner(demonstration=True, gap_floor=1000.0, support_floor=1000.0)
    assert learner.learn("l1", bench.rollout, evidence, bench.adapter, 1).report.status == "learned"


def test_what_is_added_to_every_answer_anyway_is_not_taught_unless_it_is_all_that_was_corrected(bench: Bench) -> None:
    rejected = f"```python\n{ANSWER}```"
    token_ids = tuple(bench.base.chat.encode(rejected))
    rollout = replace(bench.rollout, token_ids=token_ids, logprobs=(-1.0,) * len(token_ids))

    def taught(example: str, bare: str) -> str:
        evidence = Evidence(COMMENT.comment, example, bare=lambda *texts: {(example, rejected): bare}[texts])
        report = bench.learner().learn("l1", rollout, evidence, bench.adapter, 1).report
        return bench.base.chat.decode(report.corrected_ids)

    with_import, bare = (f"```python\n{line}def total(v):\n    return add(v)\n```" for line in ("import add\n", ""))
    assert taught(with_import, bare) == bare
    only_import = f"```python\nimport add\n{ANSWER}```"
    assert taught(only_import, rejected) == only_import


def test_what_is_learned_on_can_be_the_rejected_answer_the_corrected_one_or_both(bench: Bench) -> None:
    evidence = Evidence(COMMENT.comment, "def total(v):\n    return sum(v)\n")

    def adapter(learn_on: str) -> dict[str, torch.Tensor] | None:
        return bench.learner(learn_on=learn_on).learn("l1", bench.rollout, evidence, bench.adapter, 1).tensors

    both, rollout, demonstration = adapter("both"), adapter("rollout"), adapter("demonstration")
    assert not same(both, rollout)
    assert not same(both, demonstration)
    assert not same(rollout, demonstration)


def test_a_comment_about_one_hunk_teaches_nothing_about_the_rest_of_the_answer(bench: Bench) -> None:
    example = "def sum_of(values):\n    result = 0\n    return sum(values)\n"
    whole = Evidence(COMMENT.comment, example)
    report = bench.learner().learn("l1", bench.rollout, whole, bench.adapter, 1).report
    one_line = replace(whole, against=[("    return result\n",)])
    about = bench.learner().learn("l1", bench.rollout, one_line, bench.adapter, 1).report
    last_line = len(bench.base.chat.encode(example.rpartition("    return")[0]))
    assert any(position < last_line for position in report.deciding), "the name of the function is taught as well"
    assert about.status == "learned"
    assert about.deciding
    assert all(position >= last_line for position in about.deciding)


def test_an_edit_that_leaves_alone_what_the_comment_is_about_teaches_nothing(bench: Bench) -> None:
    example = "def sum_of(values):\n    result = 0\n    return result\n"
    evidence = Evidence(COMMENT.comment, example, against=[("    return result\n",)])
    candidate = bench.learner().learn("l1", bench.rollout, evidence, bench.adapter, 1)
    assert (candidate.report.status, candidate.tensors) == ("no_signal", None)
    assert "as it was" in candidate.report.reason


def test_lines_that_only_the_correction_departs_from_can_be_taught(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Correction, "departures", lambda *_: ([], [5, 6]))
    evidence = Evidence(COMMENT.comment, "def total(v):\n    return sum(v)\n")
    assert bench.learner().learn("l1", bench.rollout, evidence, bench.adapter, 1).report.status == "learned"


def moments_of(calls: int, demonstration: bool) -> list[int]:
    """While the demonstration is written, or before anything and at each of the last pauses."""
    return [calls // 2] if demonstration else [1, *range(calls - 5, calls + 1)]


@pytest.mark.parametrize("demonstration", [False, True])
def test_an_interruption_anywhere_leaves_the_adapter_as_it_was(bench: Bench, demonstration: bool) -> None:
    settings = {"demonstration": demonstration, "max_updates": 2, "stop_at": 0.0}
    whole = Pause()
    bench.learner(pause=whole, **settings).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    moments = moments_of(whole.calls, demonstration)
    bench.view.load(bench.adapter)
    expected = bench.logprobs()
    for moment in moments:
        with pytest.raises(Interrupted):
            bench.learner(pause=Pause(moment), **settings).learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
        assert same(bench.view.tensors(), bench.adapter), f"interrupted at pause {moment} of {whole.calls}"
        assert torch.equal(bench.logprobs(), expected), "the adapter is switched on as well"


def test_the_adapter_moves_before_the_last_pause_so_an_interruption_has_something_to_restore(bench: Bench) -> None:
    """The control for the test above: without a restore the view would be left half-way."""
    moved: list[bool] = []
    bench.learner(pause=lambda: moved.append(not same(bench.view.tensors(), bench.adapter))).learn(
        "l1", bench.rollout, COMMENT, bench.adapter, 1
    )
    assert moved[-1]


def test_a_lesson_after_an_interrupted_one_is_not_tainted_by_it(bench: Bench) -> None:
    clean = bench.learner().learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    pause = Pause(raise_at=8)
    learner = bench.learner(pause=pause)
    with pytest.raises(Interrupted):
        learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    again = learner.learn("l1", bench.rollout, COMMENT, bench.adapter, 1)
    assert same(again.tensors, clean.tensors)


def test_what_was_read_ahead_is_not_read_again_and_what_was_begun_is_kept(bench: Bench) -> None:
    long = replace(bench.rollout, prompt_ids=bench.rollout.prompt_ids * 30)
    whole = Pause()
    bench.learner(pause=whole).read_ahead(long)
    late = whole.calls - 2
    pause = Pause(raise_at=late)
    learner = bench.learner(pause=pause)
    with pytest.raises(Interrupted):
        learner.read_ahead(long)
    learner.read_ahead(long)
    rest = pause.calls - late
    assert 0 < rest < whole.calls / 2, "the first chunks were kept"
    learner.read_ahead(long)
    assert pause.calls - late == rest
