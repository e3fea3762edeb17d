"""What the teacher is shown: the same prompt, and what the person said or did.

Invariant: only the person's own words and edits, answers that the model derived from
them, and tasks of ours enter the teacher's context; and every prompt here begins with what the student
was asked, so its prefix is shared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from continual_code.events import Message
from continual_code.templates import fill


def told(messages: Sequence[Message], comment: str, example: str | None) -> tuple[Message, ...]:
    """The prompt with the comment as a rule and, where there is one, a worked example.

    A comment alone often does not change what a small model copies from the file; a
    worked solution beside it is the strongest teacher in SDPO (arXiv 2601.20802).
    """
    *earlier, last = messages
    fields = {"prompt": last.content}
    if not example:
        content = fill("told", comment=comment, **fields)
    elif not comment:
        content = fill("shown_example", example=example, **fields)
    else:
        content = fill("told_with_example", comment=comment, example=example, **fields)
    return (*earlier, Message(last.role, content))


def after_lesson(
    messages: Sequence[Message], comment: str, example: str, others: Sequence[Message]
) -> tuple[Message, ...]:
    """A conversation in which one task was answered with the example, and another comes up; the comment is for both."""
    first, second = (told(each, comment, None) if comment else tuple(each) for each in (messages, others))
    return (*first, Message("assistant", example), *second)


def revision_request(messages: Sequence[Message], answer: str, comment: str) -> tuple[Message, ...]:
    """A conversation in which the model is asked to correct its rejected answer."""
    return (*messages, Message("assistant", answer), Message("user", fill("revise", comment=comment)))


def demonstration(answer: str, rejected: str) -> str | None:
    """The code block of a corrected answer, if it has one that differs from the rejected code.

    Asked to follow a remark that has nothing to do with the code, a model repeats its
    answer or chats; neither shows the teacher anything. The block opens as the rejected one
    did: whether the fence names the language is no part of a lesson.
    """
    block = _FENCED.search(answer)
    if block is None:
        return None
    before = _FENCED.search(rejected)
    changed = before is None or block["code"].split() != before["code"].split()
    if not changed:
        return None
    opening = before["opening"] if before and before["fence"] == block["fence"] else block["opening"]
    return f"{opening}{block['code']}{block['fence']}"


def through_block(answer: str) -> str | None:
    """An answer, or what has been written of it, up to the end of its first code block; None while there is no end."""
    block = _FENCED.search(answer)
    return answer[: block.end()].rstrip() if block else None


_FENCED = re.compile(r"^(?P<opening>(?P<fence>`{3,})[^\n]*\n)(?P<code>.*?)^(?P=fence)\s*$", re.DOTALL | re.MULTILINE)
