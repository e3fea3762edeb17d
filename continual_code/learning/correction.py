"""A model's own correction of an answer that was rejected.

Invariant: what comes from here differs from the rejected answer in more than spacing, came to
its end, and does not break code that was whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from continual_code.events import Message, Rollout
from continual_code.learning import teacher
from continual_code.learning.answering import answer
from continual_code.learning.scoring import BASE
from continual_code.model.chat import Chat
from continual_code.model.generation import Contrast, Generator


def corrections(
    generator: Generator, chat: Chat, rollout: Rollout, comment: str, is_sound: Callable[[str], bool],
    pause: Callable[[], None],
) -> list[str]:  # fmt: skip
    """The rejected answer rewritten by the comment, and the task done anew with the comment as a rule, in two ways.

    A rewriting leaves everything else as the student wrote it, earlier lessons too. But a small model
    may change something that nobody asked for, or misplace what it was told to add; given the task
    anew it may do better, or not, and again when it is held to the comment by contrast with the task alone.

    One lesson from a broken correction can spoil all others (a model that was shown a line
    after the last `return` no longer ends its answers there), so there may be none.

    Args:
        generator: on a view whose adapter is off.
        is_sound: whether the code of an answer compiles, as far as that can be told.
        pause: called between two passes; may block or raise.
    """
    rejected = chat.decode(rollout.token_ids)
    written: list[Sequence[int]] = []

    def attempt(messages: Sequence[Message], contrast: Contrast | None = None) -> str | None:
        prompt_ids = chat.render(messages)
        asked = answer(generator, prompt_ids, rollout, owner=BASE, pause=pause, contrast=contrast, similar=written)
        written.append(asked.token_ids)
        correction = teacher.demonstration(chat.decode(asked.token_ids), rejected)
        breaks = correction is not None and is_sound(rejected) and not is_sound(correction)
        return None if asked.finish != "stop" or breaks else correction

    rule = teacher.told(rollout.messages, comment, None)
    rewritten = attempt(teacher.revision_request(rollout.messages, rejected, comment))
    anew = attempt(rule), attempt(rule, Contrast(rollout.prompt_ids, len(rollout.token_ids)))
    return list(dict.fromkeys(each for each in (rewritten, *anew) if each))
