"""Which command a repository suggests for its tests."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from continual_code.workspace import Root, Suite, find_suite


def suggested(tmp_path: Path, files: dict[str, str]) -> str | None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = find_suite(Root(tmp_path))
    assert found is None or found.detected
    return found and found.command.replace("python3", "python")


PYTEST = "python -m pytest -q"
NPM = json.dumps({"scripts": {"test": "jest"}})


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"pyproject.toml": ""}, PYTEST),
        ({"pytest.ini": ""}, PYTEST),
        ({"tests/test_a.py": ""}, PYTEST),
        ({"package.json": NPM}, "npm test"),
        ({"package.json": NPM, "tests/a.js": ""}, "npm test"),
        ({"Cargo.toml": "", "tests/a.rs": ""}, "cargo test"),
        ({"go.mod": ""}, "go test ./..."),
        ({"Makefile": "all:\n\ntest: all\n\techo\n"}, "make test"),
        ({".venv/bin/python": "", "pyproject.toml": ""}, ".venv/bin/python -m pytest -q"),
        ({}, None),
        ({"Makefile": "tests:\n\ttest: x\ntest := 1\n"}, None),
        ({"package.json": "{"}, None),
        ({"package.json": "[1]"}, None),
        ({"package.json": '{"scripts": []}'}, None),
        ({"package.json": '{"scripts": {"test": 3}}'}, None),
        ({"package.json": "[" * 100_000}, None),
        ({"tests": "a file"}, None),
    ],
)
def test_a_repository_suggests_its_tests(tmp_path: Path, files: dict[str, str], command: str | None) -> None:
    assert suggested(tmp_path, files) == command


def test_what_the_person_configured_goes_before_what_the_repository_suggests(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("")
    assert find_suite(Root(tmp_path), " make check ") == Suite("make check", detected=False)


def test_a_link_out_of_the_repository_suggests_nothing(tmp_path: Path) -> None:
    (tmp_path / "outside.json").write_text(NPM)
    (tmp_path / "project").mkdir()
    os.symlink(tmp_path / "outside.json", tmp_path / "project/package.json")
    assert find_suite(Root(tmp_path / "project")) is None
