"""Where a correction comes from: the rejected answer rewritten, and the task done anew, closer to it where need be."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from pathlib import Path

import pytest
from lessons import COMMENT, Bench

from continual_code.learning.correction import COUNTED, PARTS, corrections
from continual_code.model.generation import Contrast, Generation, LogitsProcessor

REJECTED = "```python\n" + "".join(f"def f{n}(x):\n    return x + {n}\n\n\n" for n in range(4)) + "```"
ANOTHER = "```python\nclass Sum:\n    def __init__(self, name):\n        self.name = name\n```"
OTHERWISE, THIRD = ANOTHER.replace("Sum", "Total"), ANOTHER.replace("Sum", "Amount")
ALL = (REJECTED, ANOTHER, OTHERWISE, THIRD)


@pytest.fixture(scope="module")
def bench(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


class Answers:
    """Stands in for the generator: gives these answers one after the other."""

    def __init__(self, bench: Bench, *texts: str) -> None:
        self.left, self.prompts, self._chat = list(texts), [], bench.base.chat
        self.contrasts: list[str | None] = []
        self.contrasted: list[int] = []
        self.attached: list[bool] = []
        self.similar: list[int] = []
        self.written: list[str] = []

    def generate(
        self, prompt_ids: list[int], *_: object, contrast: Contrast | None, processor: LogitsProcessor | None,
        similar: list[list[int]], is_enough: Callable[[list[int]], bool], **__: object,
    ) -> Generation:  # fmt: skip
        self.prompts.append(self._chat.decode(prompt_ids))
        self.contrasts.append(contrast and self._chat.decode(contrast.prompt_ids))
        self.contrasted.append(contrast.tokens if contrast else 0)
        self.attached.append(processor is not None)
        self.similar.append(len(similar))
        left, ids = self._chat.encode(self.left.pop(0)), []
        while left and not is_enough(ids):
            ids.append(left.pop(0))
        self.written.append(self._chat.decode(ids))
        return Generation(tuple(ids), (0.0,) * len(ids), "stop", len(ids))


def never(answer: str, whole: str) -> None:
    return None


def correct(
    bench: Bench, answers: Answers, sound: Container[str] = ALL, resumed: Callable[[str, str], str | None] = never,
    rejected: str = REJECTED, unknown: Container[str] = (),
) -> list[str]:  # fmt: skip
    rollout = replace(bench.rollout, token_ids=tuple(bench.base.chat.encode(rejected)))
    asked = rollout, COMMENT.comment, sound.__contains__, resumed, lambda answer: answer not in unknown
    found = corrections(answers, bench.base.chat, *asked, lambda: None)  # type: ignore[arg-type]
    return [each for each in (found.rewritten, found.anew) if each]


def test_the_answer_is_rewritten_and_the_task_done_anew(bench: Bench) -> None:
    answers = Answers(bench, ANOTHER, OTHERWISE)
    assert correct(bench, answers) == [ANOTHER, OTHERWISE]
    assert REJECTED in answers.prompts[0], "the model is shown what it wrote"
    assert REJECTED not in answers.prompts[1]
    assert COMMENT.comment in answers.prompts[1]
    assert answers.contrasts == [None, bench.base.chat.decode(bench.rollout.prompt_ids)]
    assert answers.attached == [False, False]
    assert answers.similar == [1, 2], "what was written before is copied from"


def test_what_breaks_the_code_is_written_again_closer_to_what_it_was(bench: Bench) -> None:
    answers = Answers(bench, THIRD, OTHERWISE, ANOTHER)
    assert correct(bench, answers, sound=[REJECTED, ANOTHER, OTHERWISE]) == [OTHERWISE, ANOTHER]
    assert answers.attached == [False, True, False]


def test_what_changes_nothing_is_not_written_again(bench: Bench) -> None:
    answers = Answers(bench, REJECTED, OTHERWISE)
    assert correct(bench, answers) == [OTHERWISE]
    assert answers.attached == [False, False]


def test_an_answer_without_code_is_asked_for_again(bench: Bench) -> None:
    answers = Answers(bench, "Sure, I will.", ANOTHER, OTHERWISE)
    assert correct(bench, answers) == [ANOTHER, OTHERWISE]
    assert answers.attached == [False, True, False]


def test_nothing_is_written_after_the_code(bench: Bench) -> None:
    answers = Answers(bench, ANOTHER + "\n\nThis class has a name.", OTHERWISE)
    assert correct(bench, answers) == [ANOTHER, OTHERWISE]
    assert answers.written[0].startswith(ANOTHER)
    assert "This" not in answers.written[0]


def test_there_may_be_one_correction_or_none(bench: Bench) -> None:
    assert correct(bench, Answers(bench, ANOTHER, ANOTHER)) == [ANOTHER]
    assert correct(bench, Answers(bench, REJECTED, REJECTED)) == []


def test_what_breaks_the_code_or_loses_what_was_asked_for_is_no_correction(bench: Bench) -> None:
    assert correct(bench, Answers(bench, *[ANOTHER, OTHERWISE] * 4), sound=[REJECTED]) == []
    kept = correct(bench, Answers(bench, ANOTHER, OTHERWISE, THIRD), sound=[REJECTED, OTHERWISE, THIRD])
    assert kept == [OTHERWISE, THIRD]


def test_an_answer_that_ends_too_early_goes_on_with_what_is_missing(bench: Bench) -> None:
    beginning, rest = ANOTHER.removesuffix("\n```"), "\n\n    def total(self):\n        return 1\n```"
    asked: list[tuple[str, str]] = []

    def resumed(answer: str, whole: str) -> str | None:
        asked.append((answer, whole))
        return f"{beginning}\n\n    def total" if answer == ANOTHER else None

    answers = Answers(bench, f"{ANOTHER}\n\nThere.", rest.removeprefix("\n\n    def total"), OTHERWISE)
    whole = beginning + rest
    found = correct(bench, answers, sound=[REJECTED, whole, OTHERWISE], resumed=resumed)
    assert found == [whole, OTHERWISE]
    assert asked[:2] == [(ANOTHER, REJECTED), (whole, REJECTED)], "talk after the code is left out"
    assert answers.prompts[1] == f"{answers.prompts[0]}{beginning}\n\n    def total"
    assert answers.attached[:2] == [False, False]


def test_one_that_never_has_an_end_is_given_up_and_written_again(bench: Bench) -> None:
    answers = Answers(bench, *[ANOTHER] * PARTS, THIRD, OTHERWISE)
    beginning = ANOTHER.removesuffix("```")
    found = correct(
        bench, answers, sound=[REJECTED, THIRD, OTHERWISE],
        resumed=lambda answer, whole: beginning if "class Sum" in answer else None,
    )  # fmt: skip
    assert found == [THIRD, OTHERWISE]
    assert answers.attached == [False] * PARTS + [True, False]


def test_a_correction_that_imports_what_is_not_there_is_written_again_even_if_the_rejected_answer_was_broken(
    bench: Bench,
) -> None:
    answers = Answers(bench, OTHERWISE, ANOTHER, ANOTHER)
    assert correct(bench, answers, sound=[], unknown=[OTHERWISE]) == [ANOTHER], "both are the same"
    assert answers.attached == [False, True, False]


def test_what_was_broken_before_is_not_resumed(bench: Bench) -> None:
    def resumed(answer: str, whole: str) -> str | None:
        raise AssertionError(answer)

    assert correct(bench, Answers(bench, ANOTHER, OTHERWISE), sound=[], resumed=resumed) == [ANOTHER, OTHERWISE]


def test_where_an_answer_goes_on_its_contrast_does_too(bench: Bench) -> None:
    beginning = ANOTHER.removesuffix("```")
    whole = f"{beginning}\n    total = 0\n```"
    answers = Answers(bench, REJECTED, ANOTHER, whole.removeprefix(beginning))
    resumed = {ANOTHER: beginning}.get
    assert correct(bench, answers, sound=[*ALL, whole], resumed=lambda answer, _: resumed(answer)) == [whole]
    assert answers.contrasts[2] == f"{answers.contrasts[1]}{beginning}"
    assert answers.contrasted[1] - answers.contrasted[2] == len(bench.base.chat.encode(beginning))


def counting(rows: int) -> str:
    cases = "".join(f"    ({number}, {2 * number}),\n" for number in range(rows))
    return f"```python\nCASES = [\n{cases}"


def test_a_correction_that_only_counts_on_is_left_and_written_again(bench: Bench) -> None:
    answers = Answers(bench, counting(40), ANOTHER, OTHERWISE)
    assert correct(bench, answers) == [ANOTHER, OTHERWISE]
    assert answers.written[0].count("\n") < 2 + COUNTED + 2, "it is not read to its end"
    assert answers.attached == [False, True, False]


def test_a_table_that_ends_is_a_correction(bench: Bench) -> None:
    table = f"{counting(COUNTED - 1)}]\n```"
    assert correct(bench, Answers(bench, table, OTHERWISE), sound=[*ALL, table]) == [table, OTHERWISE]


def test_a_long_table_that_was_there_may_be_changed(bench: Bench) -> None:
    table = f"{counting(40)}]\n```"
    changed = table.replace("(", "{").replace(")", "}")
    answers = Answers(bench, changed, OTHERWISE)
    assert correct(bench, answers, sound=[table, changed, OTHERWISE], rejected=table) == [changed, OTHERWISE]
