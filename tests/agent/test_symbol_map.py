"""The map of the other files: what it shows first, what it costs, and that it is there only when asked for."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from continual_code.agent.context import Context, build_context
from continual_code.agent.links import imports_of, linked
from continual_code.agent.prompts import build_messages
from continual_code.agent.symbol_index import SymbolIndex
from continual_code.agent.symbol_map import SymbolMap
from continual_code.events import Task
from continual_code.settings import ContextSettings
from continual_code.workspace import Root, create_repository, recent_files

FILES = {
    "shop/__init__.py": "",
    "shop/cart.py": (
        "from shop.prices import total\n\n\nclass Cart:\n    def add(self, item: str) -> None:\n        pass\n\n"
        "    def total(self) -> int:\n        return total([])\n"
    ),
    "shop/prices.py": "def total(items: list[int]) -> int:\n    return sum(items)\n\n\ndef tax(x):\n    return x\n",
    "shop/mail.py": "def send(address: str) -> None:\n    pass\n",
    "web/page.js": "import {x} from './tools';\n\nexport function render(cart) {\n  return cart;\n}\n",
    "tests/test_mail.py": "from shop.mail import send\n\n\ndef test_send():\n    send('')\n",
    "notes.md": "# total\n",
}
TASK = Task("Add a discount to the total of the cart.", ("shop/cart.py",))


def symbol_map(root: Path, state: Path) -> SymbolMap:
    """With everything read, however slow the machine is."""
    opened = Root(root)
    index = SymbolIndex(opened, state / "symbols.db")
    index.fill(lambda: False)
    return SymbolMap(opened, index)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    create_repository(tmp_path / "repo", FILES, "first")
    return tmp_path / "repo"


@pytest.fixture
def shop(repository: Path, tmp_path: Path) -> SymbolMap:
    return symbol_map(repository, tmp_path / "state")


def lines(found: SymbolMap, files: Mapping[str, str] = FILES, task: str = TASK.text) -> list[str]:
    return found.lines(task, "shop/cart.py", sorted(files), {"shop/cart.py"})


def context(found: SymbolMap, budget: int, map_tokens: int) -> Context:
    return build_context(
        Task(TASK.text, ("shop/mail.py",)), sorted(FILES), FILES.get, lambda text: len(text.split()), budget, 150,
        lambda target, shown: found.lines(TASK.text, target, sorted(FILES), shown), map_tokens,
    )  # fmt: skip


# --- What it shows ----------------------------------------------------------------------


def test_files_come_with_their_signatures_what_the_task_names_first(shop: SymbolMap):
    found = lines(shop)
    assert found[:3] == ["shop/prices.py", "    def total(items: list[int]) -> int:", "    def tax(x):"]
    assert "web/page.js" not in found, "nothing speaks for it"
    assert "    export function render(cart)" in lines(shop, task="Render the total.")
    assert not {"shop/cart.py", "notes.md", "shop/__init__.py"} & set(found)


def test_a_method_stands_under_its_class_and_the_named_ones_are_chosen(tmp_path: Path):
    methods = "".join(f"    def other{number}(self): ...\n" for number in range(30))
    create_repository(tmp_path / "r", {"big.py": f"class Big:\n{methods}    def discount(self): ...\n"}, "x")
    found = symbol_map(tmp_path / "r", tmp_path).lines("discount", "a.py", ["big.py"], ())
    assert found[:2] == ["big.py", "    class Big:"]
    assert found[-1] == "        def discount(self):"
    assert len(found) < 20


def test_an_import_brings_a_file_forward_and_a_test_comes_last_unless_it_is_the_subject(shop: SymbolMap):
    files = {path: text for path, text in FILES.items() if path != "web/page.js"}
    task = "Send mail."
    order = [line for line in shop.lines(task, "shop/mail.py", sorted(files), {"shop/mail.py"}) if line[0] != " "]
    assert order[0] == "tests/test_mail.py", "it imports the target"
    order = [line for line in lines(shop, files, "Send the mail of the cart.") if line[0] != " "]
    assert order.index("shop/mail.py") < order.index("tests/test_mail.py")


def test_what_git_saw_change_lately_comes_before_what_is_as_likely(tmp_path: Path):
    files = {f"part{letter}.py": "def discount(): ...\n" for letter in "abc"}
    create_repository(tmp_path / "r", files, "first")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x"]
    (tmp_path / "r/partc.py").write_text("def discount(): return 1\n")
    subprocess.run([*git, "commit", "-qam", "second"], cwd=tmp_path / "r", check=True)
    assert recent_files(tmp_path / "r") == ["partc.py"]
    found = symbol_map(tmp_path / "r", tmp_path).lines("discount", "a.py", sorted(files), ())
    assert found[0] == "partc.py"


def test_outside_a_repository_there_is_a_map_as_well(tmp_path: Path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/prices.py").write_text(FILES["shop/prices.py"])
    assert symbol_map(tmp_path / "plain", tmp_path).lines("total", "a.py", ["prices.py"], ())[0] == "prices.py"


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a/b.py", "from . import c\nfrom ..d import (e,\n f as g)\nimport x.y as z, w\n",
         {"a", "a/c", "d", "d/e", "d/f", "x/y", "w"}),
        ("web/a.ts", "import {x} from './lib/tools';\nimport y from '../y/index';\nimport 'z';\n",
         {"web/lib/tools", "y", "z"}),
        ("a.go", 'package a\n\nimport (\n\t"fmt"\n\t"example.com/shop/cart"\n)\n', {"fmt", "example.com/shop/cart"}),
        ("A.java", "import shop.cart.Cart;\nclass A {}\n", {"shop/cart/Cart", "shop/cart"}),
        ("a.rs", "use crate::shop::cart::Cart;\n", {"shop/cart/Cart", "shop/cart"}),
        ("a.txt", "import x\n", set()),
    ],
)  # fmt: skip
def test_imports_are_read_as_paths(path: str, text: str, found: set[str]):
    assert imports_of(text, path) == found


def test_a_link_counts_in_both_directions():
    imports = {"src/shop/cart.py": {"shop/prices"}, "src/shop/prices.py": set(), "run.py": {"shop/cart"}, "x.py": {"y"}}
    assert linked("src/shop/cart.py", imports) == {"src/shop/prices.py", "run.py"}


# --- In the prompt ----------------------------------------------------------------------


def test_by_default_there_is_no_map():
    assert ContextSettings().map_tokens == 0


def test_the_map_is_the_last_block_and_is_said_to_be_a_choice(shop: SymbolMap):
    assert all(block.kind != "map" for block in context(shop, 3000, 0).blocks)
    found = context(shop, 3000, 500)
    assert found.blocks[-1].kind == "map"
    (message,) = build_messages(TASK, found)
    assert "For reference, some of what other files define:" in message.content
    for block in found.blocks[:-1]:
        assert f"\n{block.path}\n" not in found.blocks[-1].text, "what is shown already is not in the map"


@pytest.mark.parametrize("most", [5, 12, 20, 40])
def test_the_map_keeps_to_its_budget_and_to_the_prompts(shop: SymbolMap, most: int):
    without = context(shop, 3000, 0).tokens
    for budget, map_tokens in ((3000, most), (without + most, 3000)):
        found = context(shop, budget, map_tokens)
        assert found.tokens <= min(budget, without + map_tokens)
        text = next((block.text for block in found.blocks if block.kind == "map"), "")
        assert not text or text.split("\n")[-1].startswith(" "), "no path that nothing follows"


# --- The cache --------------------------------------------------------------------------


def test_a_file_is_read_again_when_it_changed_and_only_then(
    repository: Path, shop: SymbolMap, monkeypatch: pytest.MonkeyPatch
):
    from continual_code.agent import symbol_index

    lines(shop)
    parsed: list[str] = []
    plain = symbol_index.symbols
    monkeypatch.setattr(symbol_index, "symbols", lambda text, path: (parsed.append(path), plain(text, path))[1])
    lines(shop)
    assert parsed == []
    (repository / "shop/prices.py").write_text("def total(items, discount): ...\n")
    assert "    def total(items, discount):" in lines(shop)
    assert parsed == ["shop/prices.py"]


def test_another_process_finds_what_was_read_by_the_content_of_the_files(
    repository: Path, shop: SymbolMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from continual_code.agent import symbol_index

    before = lines(shop)
    for path in repository.rglob("*.py"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(symbol_index, "symbols", None)
    assert lines(symbol_map(repository, tmp_path / "state")) == before


@pytest.mark.parametrize("damage", [b"not a database" * 100, b"", None])
def test_a_damaged_or_missing_cache_costs_time_and_nothing_else(repository: Path, tmp_path: Path, damage: bytes | None):
    state = tmp_path / "damaged"
    state.mkdir()
    if damage is None:
        (state / "symbols.db").mkdir()
    else:
        (state / "symbols.db").write_bytes(damage)
    assert lines(symbol_map(repository, state))[0] == "shop/prices.py"


def test_a_link_to_somewhere_else_is_not_followed(repository: Path, tmp_path: Path):
    (tmp_path / "secret.py").write_text("def total_secret(): ...\n")
    (repository / "link.py").symlink_to(tmp_path / "secret.py")
    found = symbol_map(repository, tmp_path).lines(TASK.text, "a.py", [*FILES, "link.py"], ())
    assert found
    assert not any("secret" in line for line in found)


def test_two_thousand_files_cost_less_than_a_fifth_of_a_second_once_they_are_known(tmp_path: Path):
    body = "".join(f"def step_{number}(order, item: str) -> int:\n    return {number}\n" for number in range(20))
    files = {
        f"pkg{number % 40}/module{number}.py": f"from pkg1 import module1\n\n{body}\ndef cart{number}(): ...\n"
        for number in range(2000)
    }
    create_repository(tmp_path / "big", files, "first")
    index = SymbolIndex(Root(tmp_path / "big"), tmp_path / "symbols.db")
    index.fill(lambda: False)
    found, paths, seconds = SymbolMap(Root(tmp_path / "big"), index), sorted(files), []
    for _ in range(5):
        started = time.perf_counter()
        assert found.lines("Add a discount to cart77.", "pkg1/module1.py", paths, ())
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.2, seconds


def test_a_fill_in_the_background_stops_when_it_is_told_to(repository: Path, tmp_path: Path):
    index = SymbolIndex(Root(repository), tmp_path / "symbols.db")
    index.fill(lambda: True)
    assert index.entries(sorted(FILES), seconds=0.0) == {}
