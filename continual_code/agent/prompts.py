"""Context to chat messages, and code to the form in which the model answers.

Invariant: the task comes after everything it is about and the answer's form last, so that
a teacher's prompt, which only appends, shares all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from continual_code.agent.context import Block, Context
from continual_code.agent.languages import fence_tag
from continual_code.events import Message, Task
from continual_code.templates import fill


def build_messages(task: Task, context: Context, rules: Sequence[str] = ()) -> tuple[Message, ...]:
    """One user message; the system message is left to the model's own template.

    `rules` stand where a teacher is shown a comment, so that a model which obeys the one obeys the other.
    """
    text = _user_text(task, context)
    return (Message("user", fill("told", prompt=text, comment="\n".join(rules)) if rules else text),)


def fenced(text: str, path: str) -> str:
    """Code in a fence that is longer than any fence inside it."""
    fence = "```"
    while fence in text:
        fence += "`"
    newline = "" if text.endswith("\n") else "\n"
    return f"{fence}{fence_tag(path)}\n{text}{newline}{fence}"


def _user_text(task: Task, context: Context) -> str:
    background = "\n\n".join(_reference(block) for block in context.blocks if block.kind != "target")
    target = next((block for block in context.blocks if block.kind == "target"), None)
    fields = {"context": background, "task": task.text.strip(), "path": context.target}
    if target is None:
        return fill("new_symbol" if context.symbol else "new_file", **fields)
    code = fenced(target.text, target.path)
    if context.symbol is None:
        return fill("whole_file", code=code, **fields)
    return fill("whole_symbol", code=code, symbol=context.symbol.qualified, **fields)


def _reference(block: Block) -> str:
    labels = {"instructions": f"the project's instructions, `{block.path}`", "map": "some of what other files define"}
    label = labels.get(block.kind, f"`{block.path}`")
    return fill("context_block", label=label, text=fenced(block.text, block.path))
