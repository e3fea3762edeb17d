"""The small repository that a newcomer's first session works on, also with a state of its own for a trial."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from continual_code.settings import Settings, default_home
from continual_code.workspace import create_repository

FILES = {
    "README.md": "# sample\n\nA few helpers to try continual-code on.\n",
    "stats.py": (
        "import math\n\n\n"
        "def mean(values):\n    return math.fsum(values) / len(values)\n\n\n"
        "def spread(values):\n    return max(values) - min(values)\n"
    ),
    "text.py": (
        "import re\n\n\n"
        'def words(text):\n    return re.findall(r"\\w+", text)\n\n\n'
        "def count(text):\n    return len(words(text))\n"
    ),
    "tracing.py": (
        "import functools\nimport logging\n\n\n"
        'def traced(function):\n    """Log every call of a function."""\n\n'
        "    @functools.wraps(function)\n"
        "    def logged(*args, **kwargs):\n"
        "        logging.info(function.__qualname__)\n"
        "        return function(*args, **kwargs)\n\n"
        "    return logged\n"
    ),
}
TASK = "Add a function median(values) that returns the middle value."
TASK_FILE = "stats.py"
COMMENT = "Decorate every function with @traced from tracing.py."
OTHER_TASK = "Add a function longest(text) that returns the longest word."
OTHER_FILE = "text.py"


def ensure_sample(path: Path) -> Path:
    """Create the sample repository at `path` unless something is there already; returns `path`."""
    if not path.exists() or not any(path.iterdir()):
        path.mkdir(parents=True, exist_ok=True)
        create_repository(path, FILES, "A few helpers")
    return path


@contextmanager
def trial(settings: Settings) -> Iterator[tuple[Settings, Path]]:
    """The settings with a home of its own, and a fresh sample repository; both are removed afterwards.

    The models are those of `settings`: what is fetched in a trial is kept.
    """
    with tempfile.TemporaryDirectory(prefix="continual-code-") as scratch:
        home = Path(scratch) / "home"
        home.mkdir()
        settings.models_dir.mkdir(parents=True, exist_ok=True)
        (home / "models").symlink_to(settings.models_dir)
        yield settings.model_copy(update={"home": home}), ensure_sample(Path(scratch) / "sample")


if __name__ == "__main__":
    print(ensure_sample(default_home(os.environ) / "sample"))
