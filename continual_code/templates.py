"""Prompt templates: Markdown files with named fields, the only place where prompt text lives.

Invariant: a template is filled completely or not at all, and a value that is filled in is
never read as a template itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template


def fill(name: str, **fields: str) -> str:
    """The template `prompts/<name>.md` with every `$field` replaced, blank edges removed.

    Raises:
        KeyError: a field of the template was not given.
    """
    return _template(name).substitute(fields).strip()


def exchanges(name: str) -> list[tuple[str, str]]:
    """Questions and answers of `prompts/<name>.md`, which stand there in turn with `---` between them."""
    turns = fill(name).split("\n---\n")
    return list(zip(turns[::2], turns[1::2], strict=True))


@cache
def _template(name: str) -> Template:
    return Template((_directory() / f"{name}.md").read_text(encoding="utf-8"))


def _directory() -> Path:
    package = Path(__file__).parent
    installed = package / "_prompts"  # where the wheel puts them
    return installed if installed.is_dir() else package.parent / "prompts"
