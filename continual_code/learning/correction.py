"""A model's own correction of an answer that was rejected.

Invariant: what comes from here differs from the rejected answer in more than spacing, came to
its end, and does not break code that was whole.
"""

from __future__ import annotations

from collections.abc import Callable

from continual_code.events import Rollout
from continual_code.learning import teacher
from continual_code.learning.answering import answer
from continual_code.learning.scoring import BASE
from continual_code.model.chat import Chat
from continual_code.model.generation import Generator


def corrections(
    generator: Generator, chat: Chat, rollout: Rollout, comment: str, is_sound: Callable[[str], bool],
    pause: Callable[[], None],
) -> list[str]:  # fmt: skip
    """The rejected answer rewritten by the comment, and the task done anew with the comment as a rule.

    A rewriting leaves everything else as the student wrote it, earlier lessons too. But a small model
    may change something that nobody asked for, or misplace what it was told to add; given the task
    anew it may do better, or not.

    One lesson from a broken correction can spoil all others (a model that was shown a line
    after the last `return` no longer ends its answers there), so there may be none.

    Args:
        generator: on a view whose adapter is off.
        is_sound: whether the code of an answer compiles, as far as that can be told.
        pause: called between two passes; may block or raise.
    """
    rejected = chat.decode(rollout.token_ids)
    found: list[str] = []
    for messages in (
        teacher.revision_request(rollout.messages, rejected, comment),
        teacher.told(rollout.messages, comment, None),
    ):
        asked = answer(generator, chat.render(messages), rollout, owner=BASE, pause=pause)
        correction = teacher.demonstration(chat.decode(asked.token_ids), rejected)
        breaks = correction is not None and is_sound(rejected) and not is_sound(correction)
        if asked.finish != "stop" or correction is None or breaks or correction in found:
            continue
        found.append(correction)
    return found
