"""What is refused before the model is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import tiny_base

from continual_code.agent import Agent
from continual_code.errors import ProposalError, WorkspaceError
from continual_code.events import Task
from continual_code.settings import ContextSettings, GenerationSettings
from continual_code.workspace import Root


@pytest.fixture
def agent(tiny_model: Path, tmp_path: Path) -> Agent:
    settings = ContextSettings(prompt_tokens=400, map_tokens=0), GenerationSettings()
    chat, generator = tiny_base(tiny_model).chat, None
    return Agent(Root(tmp_path), chat, generator, context=settings[0], generation=settings[1])  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["name = 'ü'\n".encode("latin-1"), b"\x00\x01\x02", b"x = 1\n" * 400_000])
def test_a_file_that_is_no_text_is_not_written_anew(agent: Agent, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "names.py").write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"names\.py"):
        agent.prepare(Task("Rename name to names.", ("names.py",)))


def test_one_that_is_not_there_is_a_new_one(agent: Agent) -> None:
    assert agent.prepare(Task("Add a constant.", ("names.py",))).context.before is None


def test_a_task_that_is_too_long_is_refused_with_both_sizes(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "names.py").write_text("name = 1\n")
    with pytest.raises(ProposalError, match="has 40,000 characters; it may have 32,000"):
        agent.prepare(Task("error: no such name\n" * 2_000, ("names.py",)))
