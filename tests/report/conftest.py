from collections.abc import Iterator
from pathlib import Path

import pytest
from taught import Taught


@pytest.fixture
def taught(tmp_path: Path) -> Iterator[Taught]:
    taught = Taught(tmp_path / "state" / "journal.db")
    yield taught
    taught.journal.close()
