"""A journal with a still clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from feedback_story import NOON, Story

from continual_code.feedback.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path, clock=lambda: NOON)
    yield journal
    journal.close()


@pytest.fixture
def story(journal: Journal) -> Story:
    return Story(journal)
