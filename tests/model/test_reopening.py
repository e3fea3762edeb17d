"""An answer goes on where it closed its code: what it can not be at first, and what becomes of its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from tiny import spread, tiny_base, tiny_views

from continual_code.events import Message
from continual_code.model.base import Base
from continual_code.model.generation import Generation, Generator, LogitsProcessor, Sampling
from continual_code.model.prefix import PrefixStore
from continual_code.model.reopening import NotYet, reopened

ONE = "```python\nx = 1\n"
BLANK = {0, 1}


@pytest.fixture(scope="module")
def base(tiny_model: Path) -> Base:
    return tiny_base(tiny_model)


def answer(base: Base, text: str) -> Generation:
    token_ids = tuple(base.chat.encode(text))
    return Generation(token_ids, tuple(-float(place) for place in range(len(token_ids))), "stop", 3)


def withheld(processor: NotYet, draft: Sequence[int]) -> list[list[int]]:
    """Of each row the tokens that cannot be drawn."""
    logits_T_V = processor.process(torch.zeros(len(draft) + 1, 6), draft)
    return [row.isinf().nonzero().flatten().tolist() for row in logits_T_V]


def test_an_end_cannot_be_drawn_before_something_else_than_blank_space_was() -> None:
    processor = NotYet([3, 4], BLANK.__contains__)
    assert withheld(processor, [0, 1, 5, 0]) == [[3, 4], [3, 4], [3, 4], [], []]
    processor.extend([0, 1])
    assert withheld(processor, [5]) == [[3, 4], []]
    processor.extend([5])
    assert withheld(processor, [0, 0]) == [[], [], []]


def test_it_goes_on_from_its_closing_fence_with_the_tokens_that_it_has(base: Base) -> None:
    first, given = answer(base, f"{ONE}```\nThat is all.\n```\n"), list[Sequence[int]]()
    rest = Generation(tuple(base.chat.encode("y = 2\n```")), (-9.0,) * len(base.chat.encode("y = 2\n```")), "stop", 2)

    def go_on(begun: Sequence[int], processor: LogitsProcessor) -> Generation:
        given.append(begun)
        return rest

    again = reopened(base.chat, first, go_on)
    assert again is not None
    assert base.chat.decode(given[0]) == ONE
    assert base.chat.decode(again.token_ids) == f"{ONE}y = 2\n```"
    assert again.logprobs == (*first.logprobs[: len(given[0])], *rest.logprobs)
    assert (again.finish, again.passes) == ("stop", 5)


@pytest.mark.parametrize("text", ["I would not do that.", ONE, ""])
def test_an_answer_that_closes_no_code_has_nothing_to_go_on_from(base: Base, text: str) -> None:
    def go_on(begun: Sequence[int], processor: LogitsProcessor) -> Generation:
        raise AssertionError("asked to go on")

    assert reopened(base.chat, answer(base, text), go_on) is None


@pytest.mark.parametrize("draft_tokens", [0, 10])
def test_what_a_model_writes_there_is_neither_a_fence_nor_its_stop(tiny_model: Path, draft_tokens: int) -> None:
    base = tiny_base(tiny_model)
    views = tiny_views(base)
    views.serving.load(spread(views.initial, 0.05))
    prompt, first = base.chat.render([Message("user", "x is None")]), answer(base, f"{ONE}```")
    fence = base.chat.encode("`")
    generator = Generator(views.serving, base.chat.stop_ids, PrefixStore())

    def go_on(begun: Sequence[int], processor: LogitsProcessor) -> Generation:
        sampling = Sampling(temperature=5.0, max_tokens=8, draft_tokens=draft_tokens)
        return generator.generate([*prompt, *begun], sampling, owner=1, processor=processor)

    again = reopened(base.chat, first, go_on)
    assert again is not None
    new = again.token_ids[len(base.chat.encode(ONE)) :]
    said = [token_id for token_id in new if base.chat.decode([token_id]).strip() or token_id in base.chat.stop_ids]
    assert said[0] not in {*fence, *base.chat.stop_ids}
