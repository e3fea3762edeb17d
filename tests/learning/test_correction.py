"""Where a correction comes from: the rejected answer rewritten, or the task done anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lessons import COMMENT, Bench

from continual_code.learning.correction import corrections
from continual_code.model.generation import Contrast, Generation

REJECTED = "```python\n" + "".join(f"def f{n}(x):\n    return x + {n}\n\n\n" for n in range(4)) + "```"
ANOTHER = "```python\nclass Sum:\n    def __init__(self, name):\n        self.name = name\n```"
OTHERWISE, THIRD = ANOTHER.replace("Sum", "Total"), ANOTHER.replace("Sum", "Amount")


@pytest.fixture(scope="module")
def bench(tiny_model: Path) -> Bench:
    return Bench(tiny_model)


class Answers:
    """Stands in for the generator: gives these answers one after the other."""

    def __init__(self, bench: Bench, *texts: str) -> None:
        self.left, self.prompts, self._chat = list(texts), [], bench.base.chat
        self.contrasts: list[str | None] = []
        self.similar: list[int] = []

    def generate(
        self, prompt_ids: list[int], *_: object, contrast: Contrast | None, similar: list[list[int]], **__: object
    ) -> Generation:
        self.prompts.append(self._chat.decode(prompt_ids))
        self.contrasts.append(contrast and self._chat.decode(contrast.prompt_ids))
        self.similar.append(len(similar))
        ids = tuple(self._chat.encode(self.left.pop(0)))
        return Generation(ids, (0.0,) * len(ids), "stop", 1)


def correct(bench: Bench, answers: Answers, is_sound: bool = True) -> list[str]:
    rollout = replace(bench.rollout, token_ids=tuple(bench.base.chat.encode(REJECTED)))

    def sound(answer: str) -> bool:
        return is_sound or answer == REJECTED

    return corrections(answers, bench.base.chat, rollout, COMMENT.comment, sound, lambda: False)  # type: ignore[arg-type]


def test_a_rewriting_is_held_against_the_task_done_anew(bench: Bench) -> None:
    answers = Answers(bench, ANOTHER, OTHERWISE, THIRD)
    assert correct(bench, answers) == [ANOTHER, OTHERWISE, THIRD]
    assert REJECTED in answers.prompts[0], "the model is shown what it wrote"
    assert REJECTED not in answers.prompts[1]
    assert COMMENT.comment in answers.prompts[1]
    assert answers.prompts[2] == answers.prompts[1]
    assert answers.contrasts == [None, None, bench.base.chat.decode(bench.rollout.prompt_ids)]
    assert answers.similar == [1, 2, 3], "what was written before is copied from"


def test_where_there_is_no_rewriting_the_task_is_done_anew(bench: Bench) -> None:
    assert correct(bench, Answers(bench, REJECTED, ANOTHER, REJECTED)) == [ANOTHER]
    assert correct(bench, Answers(bench, ANOTHER, ANOTHER, ANOTHER)) == [ANOTHER]
    assert correct(bench, Answers(bench, REJECTED, REJECTED, OTHERWISE)) == [OTHERWISE]
    assert correct(bench, Answers(bench, REJECTED, REJECTED, REJECTED)) == []


def test_what_breaks_the_code_is_no_correction(bench: Bench) -> None:
    assert correct(bench, Answers(bench, ANOTHER, OTHERWISE, ANOTHER), is_sound=False) == []
