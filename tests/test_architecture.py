"""The shape of the program: who may import whom, what an import may cost, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "continual_code"
FOR_ALL = {"events", "errors", "settings", "disk", "templates", "diffs", "collector", "past", "standing"}
SEES_EVERYTHING = {
    "app", "cli", "commands", "session", "desk", "headless", "demo", "doctor", "sample", "bench", "port",
    "engine", "screen", "completion", "asking", "output", "piped", "event_lines", "logbook", "jobs", "rewinding",
    "runs", "trust", "configuring", "commits", "serving", "comparing", "subjects", "switching", "chores", "searching",
    "retrying",
}  # fmt: skip
ALLOWED = {
    "agent": {"workspace", "model"} | FOR_ALL,
    "learning": {"feedback", "adapters", "model"} | FOR_ALL,
    "ui": {"events", "errors", "port", "past", "collector", "standing"},
    "workspace": FOR_ALL,
    "model": FOR_ALL,
    "feedback": FOR_ALL,
    "adapters": FOR_ALL,
    "report": {"feedback", "model", "ui"} | FOR_ALL,
}
LONGEST_FILE, LONGEST_APP = 300, 250


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    """The package, or the module at the top, that a module belongs to."""
    return [*module.split("."), ""][1]


def imports(module: str, source: str, *, at_import_time: bool = False) -> Iterator[str]:
    """The modules of this program that `source` imports, `from package import module` resolved."""
    for node in walk(ast.parse(source), at_import_time):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE.name)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(module, node)
            if origin.split(".")[0] == PACKAGE.name:
                inner = [f"{origin}.{alias.name}" for alias in node.names]
                yield from (name if name in FILES else origin for name in inner)


def absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = module in FILES and FILES[module].name == "__init__.py"
    base = module.split(".")[: None if is_package and node.level == 1 else (1 if is_package else 0) - node.level]
    return ".".join([*base, *([node.module] if node.module else [])])


def walk(tree: ast.AST, at_import_time: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if at_import_time and (later or typing_only):
            continue
        yield node
        yield from walk(node, at_import_time)


def trespasses(module: str, source: str) -> list[str]:
    own = room(module)
    if own in SEES_EVERYTHING or not own:
        return []
    allowed = ALLOWED.get(own, FOR_ALL) | {own}
    return [f"{module} imports {name}" for name in imports(module, source) if room(name) not in allowed]


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """One import cycle as a path that ends where it began; empty when there is none."""
    done: set[str] = set()

    def search(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            if found := search(following, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := search(node, []))), [])


def test_every_module_imports_only_what_its_package_may_see() -> None:
    found = [line for name, file in FILES.items() for line in trespasses(name, file.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("continual_code.ui.app", "from continual_code.session import LiveSession"),
        ("continual_code.ui.app", "from continual_code.settings import Settings"),
        ("continual_code.model.base", "def late():\n    from continual_code.learning import step"),
        ("continual_code.workspace.git", "import continual_code.feedback.journal"),
        ("continual_code.agent.loop", "from ..learning.worker import Worker"),
        ("continual_code.events", "from continual_code import desk"),
    ],
)
def test_a_forbidden_import_is_noticed_however_it_is_written(module: str, line: str) -> None:
    assert trespasses(module, line)


def test_every_file_belongs_to_a_known_room() -> None:
    known = FOR_ALL | SEES_EVERYTHING | ALLOWED.keys() | {"", "__main__"}
    assert {room(name) for name in FILES} <= known


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        name: set(imports(name, file.read_text(encoding="utf-8"), at_import_time=True)) - {name}
        for name, file in FILES.items()
    }
    assert sum(map(len, graph.values())) > 50, "hardly any import was seen: the reading of imports is broken"
    assert cycle(graph) == []


def test_a_circle_of_imports_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def loaded_by(module: str, suspects: set[str]) -> set[str]:
    """Which of `suspects` a fresh interpreter has loaded after importing `module`."""
    program = f"import sys, {module}; print(*sorted({suspects!r} & sys.modules.keys()))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=PACKAGE.parent, timeout=60
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("continual_code.cli", {"torch", "textual", "pydantic", "transformers"}),
        ("continual_code.screen, continual_code.ui.app", {"torch", "pydantic", "sqlite3", "git"}),
        ("continual_code.app", {"torch", "transformers", "peft", "textual"}),
    ],
)
def test_an_import_does_not_load_what_costs_seconds(module: str, never: set[str]) -> None:
    assert loaded_by(module, never) == set()


def test_the_look_at_loaded_modules_sees_one_that_is_there() -> None:
    assert loaded_by("pydantic", {"torch", "pydantic"}) == {"pydantic"}


def test_no_file_is_longer_than_a_noun() -> None:
    lengths = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in FILES.items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_the_app_is_short_and_styles_name_no_colour_but_the_theme_s() -> None:
    assert len(FILES["continual_code.ui.app"].read_text(encoding="utf-8").splitlines()) < LONGEST_APP
    styles = sorted((PACKAGE / "ui" / "styles").glob("*.tcss"))
    assert len(styles) > 5
    declared = [line for file in styles for line in file.read_text(encoding="utf-8").splitlines()]
    values = [line.partition(":")[2] for line in declared if re.search(r"\b(color|background|tint)\b.*:", line)]
    assert len(values) > 20
    assert [value for value in values if "$" not in value and "none" not in value and "transparent" not in value] == []
