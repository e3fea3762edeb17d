"""Staying close to an answer: which of its tokens comes next, and what that does to what is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny import spread, tiny_base, tiny_views

from continual_code.events import Message
from continual_code.model.attachment import Attachment
from continual_code.model.generation import Generation, Generator, Sampling
from continual_code.model.prefix import PrefixStore

OLD = [1, 2, 3, 4, 5, 6, 7]


def favoured(attachment: Attachment, draft: list[int]) -> list[int | None]:
    """Of each row the token that is favoured."""
    bonus_T_V = attachment.process(torch.zeros(len(draft) + 1, 12), draft)
    assert bonus_T_V.unique().tolist() in ([0.0], [0.0, 2.0], [2.0])
    return [row.argmax().item() if row.any() else None for row in bonus_T_V]


def test_the_next_token_is_favoured_along_a_draft_that_may_still_be_dropped() -> None:
    attachment = Attachment(OLD, 2.0)
    assert favoured(attachment, [1, 2, 3]) == [1, 2, 3, 4]
    assert favoured(attachment, [1, 9]) == [1, 2, None]
    attachment.extend([1, 2])
    assert favoured(attachment, []) == [3]


def test_after_a_departure_three_tokens_in_a_row_bring_it_back_but_never_to_what_lies_behind() -> None:
    attachment = Attachment(OLD, 2.0)
    attachment.extend([1, 2, 9, 9])
    assert favoured(attachment, [4, 5, 6]) == [None, None, None, 7]
    attachment.extend([4, 5, 6])
    assert favoured(attachment, [8, 1, 2, 3]) == [7, None, None, None, None]
    attachment.extend([7])
    assert favoured(attachment, []) == [None], "at its end there is nothing to stay close to"


def test_the_logits_that_are_given_stay_as_they_are() -> None:
    logits = torch.zeros(1, 12)
    Attachment(OLD, 2.0).process(logits, [])
    assert not logits.any()


@pytest.mark.parametrize("draft_tokens", [0, 10])
def test_a_strong_attachment_repeats_the_answer_and_a_weak_one_leaves_the_model_its_own(
    tiny_model: Path, draft_tokens: int
) -> None:
    base = tiny_base(tiny_model)
    views = tiny_views(base)
    views.serving.load(spread(views.initial, 0.05))
    prompt = base.chat.render([Message("user", "class Box: x is None")])
    old = base.chat.encode("def total(values):\n    return sum(values)\n")

    def generate(attachment: Attachment | None) -> Generation:
        sampling = Sampling(max_tokens=len(old), draft_tokens=draft_tokens)
        generator = Generator(views.serving, frozenset(), PrefixStore())
        return generator.generate(prompt, sampling, owner=1, processor=attachment, similar=[old])

    assert list(generate(Attachment(old, 100.0)).token_ids) == old
    assert generate(Attachment(old, 0.0)) == generate(None)
    assert list(generate(None).token_ids) != old
