"""An answer that ends without what the task asks to add: it goes on, and the person sees one answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tiny import tiny_base

from continual_code.agent import Agent
from continual_code.errors import Interrupted, ProposalError
from continual_code.events import FinishReason, Task
from continual_code.model.chat import Chat
from continual_code.model.generation import Generation, LogitsProcessor
from continual_code.settings import ContextSettings, GenerationSettings
from continual_code.workspace import Root

MEAN = "def mean(values):\n    return sum(values) / len(values)\n"
MEDIAN = "\n\ndef median(values):\n    return sorted(values)[len(values) // 2]\n"
COPY = f"```python\n{MEAN}```"
TASK = Task("Add a function median(values) that returns the middle value.", ("stats.py",))


@dataclass
class Script:
    """Stands in for the generator: gives these answers one after the other, a token at a time."""

    chat: Chat
    answers: list[str]
    finish: FinishReason = "stop"
    prompts: list[str] = field(default_factory=list[str])

    def generate(
        self, prompt_ids: Sequence[int], *_: object, on_tokens: Callable[[Sequence[int]], None],
        is_enough: Callable[[Sequence[int]], bool], processor: LogitsProcessor | None, **__: object,
    ) -> Generation:  # fmt: skip
        assert (processor is None) == (not self.prompts), "only what goes on is kept from ending"
        self.prompts.append(self.chat.decode(prompt_ids))
        ids: list[int] = []
        for token_id in self.chat.encode(self.answers.pop(0)):
            ids.append(token_id)
            on_tokens([token_id])
            if is_enough(ids):
                break
        finish = "stop" if self.answers else self.finish
        return Generation(tuple(ids), (0.0,) * len(ids), finish, len(ids))


@pytest.fixture
def chat(tiny_model: Path) -> Chat:
    return tiny_base(tiny_model).chat


def propose(chat: Chat, script: Script, directory: Path, task: Task = TASK) -> tuple[str, str]:
    """The file as it will be, and what was shown."""
    directory.joinpath("stats.py").write_text(MEAN, encoding="utf-8")
    settings = ContextSettings(map_tokens=0), GenerationSettings()
    agent = Agent(Root(directory), chat, script, context=settings[0], generation=settings[1])  # type: ignore[arg-type]
    shown: list[str] = []
    draft = agent.propose(agent.prepare(task), revision=1, on_text=shown.append)
    assert chat.decode(draft.rollout.token_ids) == "".join(shown), "what was shown is what is learned from"
    return draft.after, "".join(shown)


def test_it_goes_on_in_its_code_and_what_is_shown_has_one_end(chat: Chat, tmp_path: Path) -> None:
    script = Script(chat, [f"{COPY}\n\nThere is no median.", f"{MEDIAN}```\nDone."])
    assert propose(chat, script, tmp_path) == (f"{MEAN}{MEDIAN}", f"```python\n{MEAN}{MEDIAN}```")
    assert script.prompts[1] == f"{script.prompts[0]}```python\n{MEAN}"


def test_an_answer_that_has_it_is_asked_for_once(chat: Chat, tmp_path: Path) -> None:
    script = Script(chat, [f"```python\n{MEAN}{MEDIAN}```"])
    assert propose(chat, script, tmp_path)[0] == f"{MEAN}{MEDIAN}"


def test_where_nothing_comes_of_it_the_answer_stays_as_it_was(chat: Chat, tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="nothing changed"):
        propose(chat, Script(chat, [COPY, "\nprint(mean([1]))\n```"]), tmp_path)
    with pytest.raises(ProposalError, match="nothing changed"):
        propose(chat, Script(chat, [COPY, MEDIAN], "length"), tmp_path)


def test_where_a_change_is_asked_for_nothing_has_to_be_added(chat: Chat, tmp_path: Path) -> None:
    rounded = MEAN.replace("sum(values) / len(values)", "round(sum(values) / len(values))")
    script = Script(chat, [f"```python\n{rounded}```"])
    assert propose(chat, script, tmp_path, Task("Round what mean returns.", ("stats.py",)))[0] == rounded


def test_it_can_be_stopped_while_it_goes_on(chat: Chat, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        propose(chat, Script(chat, [COPY, "\n\ndef med"], "interrupted"), tmp_path)


def test_examples_without_end_are_no_part_of_the_edit(chat: Chat, tmp_path: Path) -> None:
    endless = f"```python\n{MEAN}{MEDIAN}\n# Example usage:\n" + "print(median([1]))\n" * 8
    after, shown = propose(chat, Script(chat, [endless], "length"), tmp_path)
    assert (after, shown) == (f"{MEAN}{MEDIAN}", endless)
