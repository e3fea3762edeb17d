"""A model's own correction of an answer that was rejected.

Invariant: what comes from here is a whole code block that differs from the rejected one in more than spacing, and
does not break code that was whole, nor lose what the task asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from continual_code.events import Message, Rollout
from continual_code.learning import teacher
from continual_code.learning.answering import answer
from continual_code.learning.scoring import BASE
from continual_code.model.attachment import Attachment
from continual_code.model.chat import Chat
from continual_code.model.generation import Contrast, Generator

ATTACHED = (0.0, 1.0, 2.0, 4.0)  # nats, in this order, until an answer is whole
PARTS = 4  # in which an answer that ends too early is written, at most
COUNTED = 8  # lines in a row that differ in their numbers only: a small model that has begun to count goes on for ever

_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Corrections:
    """The rejected answer rewritten, and the task done anew; None where that came to nothing, or to the same."""

    rewritten: str | None
    anew: str | None


def corrections(
    generator: Generator, chat: Chat, rollout: Rollout, comment: str, is_sound: Callable[[str], bool],
    resumed: Callable[[str, str], str | None], is_importable: Callable[[str], bool], pause: Callable[[], None],
) -> Corrections:  # fmt: skip
    """The rejected answer rewritten by the comment, and the task done anew with the comment as a rule.

    A rewriting should leave everything else as the student wrote it, earlier lessons too; given the task anew, and
    held to the comment by contrast with the task alone, a small model follows more rules, and changes more. In
    both it may leave out what nobody asked it to leave out. Where it ends its code too early, it goes on with what is
    missing; where that does not help, it is written again with an attachment to the rejected answer, a stronger one
    each time.

    One lesson from a broken correction can spoil all others (a model that was shown a line
    after the last `return` no longer ends its answers there), so there may be none.

    Args:
        generator: on a view whose adapter is off.
        is_sound, resumed, is_importable: see `Evidence`.
        pause: called between two passes; may block or raise.
    """
    rejected = chat.decode(rollout.token_ids)
    was_sound = is_sound(rejected)
    written: list[Sequence[int]] = []

    def continued(prompt_ids: Sequence[int], contrast: Contrast | None, nats: float, begun: str) -> str:
        begun_ids = chat.encode(begun)
        if contrast:
            contrast = Contrast([*contrast.prompt_ids, *begun_ids], contrast.tokens - len(begun_ids))
        attachment = Attachment(rollout.token_ids, nats) if nats else None
        if attachment:
            attachment.extend(begun_ids)

        def is_enough(token_ids: Sequence[int]) -> bool:
            text = begun + chat.decode(token_ids)
            return teacher.through_block(text) is not None or _counts(text, rejected)

        asked = answer(
            generator, [*prompt_ids, *begun_ids], rollout, owner=BASE, pause=pause, contrast=contrast,
            processor=attachment, similar=written, is_enough=is_enough,
        )  # fmt: skip
        written.append([*begun_ids, *asked.token_ids])
        text = begun + chat.decode(asked.token_ids)
        return teacher.through_block(text) or text  # talk after the code is no part of a correction

    def to_its_end(prompt_ids: Sequence[int], contrast: Contrast | None, nats: float) -> str:
        text = continued(prompt_ids, contrast, nats, "")
        for _ in range(PARTS - 1):
            begun = resumed(text, rejected) if was_sound else None
            if begun is None:
                break
            text = continued(prompt_ids, contrast, nats, begun)
        return text

    def rewritten(messages: Sequence[Message], contrast: Contrast | None) -> str | None:
        prompt_ids = chat.render(messages)
        for nats in ATTACHED:
            text = to_its_end(prompt_ids, contrast, nats)
            correction = teacher.demonstration(text, rejected)
            if correction and (is_sound(correction) or not was_sound) and is_importable(correction):
                return correction
            if correction is None and teacher.through_block(text):
                return None  # as it was; closer to what it was it can only be that again
        return None

    revision = teacher.revision_request(rollout.messages, rejected, comment)
    rule = teacher.told(rollout.messages, comment, None)
    contrast = Contrast(rollout.prompt_ids, len(rollout.token_ids))
    edited, anew = rewritten(revision, None), rewritten(rule, contrast)
    return Corrections(edited, anew if anew != edited else None)


def _counts(text: str, rejected: str) -> bool:
    """Whether a text ends in lines that only count, and the rejected answer has no such table to be changed."""
    return _is_count(text.split("\n")[:-1][-COUNTED:]) and not any(
        _is_count(lines) for lines in _windows(rejected.split("\n"))
    )


def _windows(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    return (lines[start : start + COUNTED] for start in range(len(lines) - COUNTED + 1))


def _is_count(lines: Sequence[str]) -> bool:
    alike = {_NUMBER.sub("0", line) for line in lines}
    return len(lines) == COUNTED and len(alike) == 1 and len(set(lines)) > 1
