"""Which file and symbol a task is about, and what the model gets to see of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import pytest

from continual_code.agent.context import Context, build_context
from continual_code.errors import ProposalError
from continual_code.events import Task

STORE = dedent('''\
    """Keeps orders."""

    import json
    from pathlib import Path


    class OrderStore:
        """All orders."""

        def __init__(self, path: Path) -> None:
            self.path = path

        # Reads everything.
        def load_orders(self) -> list:
            return json.loads(self.path.read_text())

        def total_price(self, currency: str) -> float:
            return sum(order["price"] for order in self.load_orders())


    def format_receipt(order: dict) -> str:
        return f"{order['name']}: {order['price']}"
''')
FILES = {
    "shop/orders.py": STORE,
    "shop/customers.py": "class Customer:\n    def greet(self):\n        return 'hello'\n",
    "shop/shipping/label.py": "def print_label(parcel):\n    return parcel.address\n",
    "tests/test_orders.py": "from shop.orders import OrderStore\n\n\ndef test_total_price():\n    assert OrderStore\n",
    "web/app.ts": "export function renderCart(cart: string): string {\n  return cart;\n}\n",
    "README.md": "# Shop\n",
    "AGENTS.md": "Use type hints.\n",
    "CLAUDE.md": "Be nice.\n",
}


def count(text: str) -> int:
    return len(text) // 4 + 1


def context(
    text: str,
    *mentions: str,
    files: Mapping[str, str] = FILES,
    budget: int = 3000,
    whole_file_lines: int = 150,
) -> Context:
    return build_context(Task(text, mentions), list(files), files.get, count, budget, whole_file_lines)


def shown(made: Context, kind: str) -> list[str]:
    return [block.path for block in made.blocks if block.kind == kind]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("In shop/customers.py greet in French", "shop/customers.py"),
        ("greet in French in customers.py", "shop/customers.py"),
        ("greet in French in ./shop/customers.py, please", "shop/customers.py"),
        ("make the customers module greet in French", "shop/customers.py"),
        ("shop.customers should greet in French", "shop/customers.py"),
        ("`print_label` must escape the address", "shop/shipping/label.py"),
        ("print_label() must escape the address", "shop/shipping/label.py"),
        ("OrderStore.load_orders fails when there is no file", "shop/orders.py"),
        ("renderCart should show a total", "web/app.ts"),
        ("show the currency in the receipt", "shop/orders.py"),
        ("escape the address on shipping labels", "shop/shipping/label.py"),
        ("test that the total price adds up", "tests/test_orders.py"),
        ("the total price is wrong", "shop/orders.py"),
        ("describe the shop in README.md", "README.md"),
        ("say 'hello' with a capital letter", "shop/customers.py"),
        ('the text "hello" should end with a dot', "shop/customers.py"),
        ("read with json.loads only once", "shop/orders.py"),
        ("`parcel.address` may be missing", "shop/shipping/label.py"),
        ("don't say “hello” to orders", "shop/customers.py"),
    ],
)
def test_the_file_is_found_from_what_the_task_says(text: str, target: str) -> None:
    assert context(text).target == target


def test_the_first_mention_is_the_target() -> None:
    made = context("make them agree", "shop/customers.py", "shop/orders.py")
    assert made.target == "shop/customers.py"
    assert shown(made, "mention") == ["shop/orders.py"]


def test_another_mention_is_the_target_when_the_text_names_it() -> None:
    made = context("change orders.py to use it", "shop/customers.py", "shop/orders.py")
    assert made.target == "shop/orders.py"


def test_mentions_in_the_text_do_not_count_as_naming_one() -> None:
    made = context("make @shop/customers.py like @shop/orders.py", "shop/customers.py", "shop/orders.py")
    assert made.target == "shop/customers.py"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("create shop/refunds.py with a Refund class", "shop/refunds.py"),
        ("Add a new file called refunds.py", "refunds.py"),
        ("write a script `tools/export.py` that dumps the orders", "tools/export.py"),
        ("add tests in tests/test_customers.py", "tests/test_customers.py"),
    ],
)
def test_a_file_that_does_not_exist_is_created_when_the_task_names_it(text: str, target: str) -> None:
    made = context(text)
    assert (made.target, made.before, made.symbol) == (target, None, None)


def test_a_mention_that_does_not_exist_is_created() -> None:
    assert context("hello world", "hello.py").before is None


@pytest.mark.parametrize("files", [FILES, {}], ids=["a repository", "an empty one"])
def test_a_task_that_points_nowhere_asks_for_a_file(files: Mapping[str, str]) -> None:
    with pytest.raises(ProposalError) as caught:
        context("quantum flux", files=files)
    assert "@" in caught.value.do


def test_of_several_files_with_a_quoted_text_the_one_that_matches_the_task_is_taken() -> None:
    files = {
        "a/first.py": "print('not found')\n", "b/orders.py": "print('not found')\n",
        "tests/test_orders.py": "assert 'not found'\n",
    }  # fmt: skip
    assert context("the orders should say 'nothing found', not 'not found'", files=files).target == "b/orders.py"
    assert context("say 'nothing here' instead of 'not found'", files=files).target in files


def test_a_name_to_be_added_does_not_lead_to_where_it_is_missing() -> None:
    files = {
        "cart.py": "from text import as_slug\n\nprint(as_slug('x'))\n",
        "text.py": "def shout(text):\n    return 1\n",
    }
    assert context("add a function `as_slug` beside shout in the text module", files=files).target == "text.py"
    assert context("add a helper as_slug to text", files=files).target == "text.py"


def test_a_file_outside_is_never_created() -> None:
    with pytest.raises(ProposalError):
        context("create ../../quantum.py", files={})


def test_a_short_file_is_shown_whole() -> None:
    made = context("the receipt needs a date", "shop/orders.py")
    assert made.symbol is None
    assert made.blocks[0].text == made.before == STORE


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("format_receipt needs a date", "format_receipt"),
        ("OrderStore.total_price ignores the currency", "OrderStore.total_price"),
        ("total_price of OrderStore ignores the currency", "OrderStore.total_price"),
        ("the currency of the price is ignored", "OrderStore.total_price"),
        ("show a date on the receipt", "format_receipt"),
        ("Document OrderStore", "OrderStore"),
    ],
)
def test_of_a_long_file_one_symbol_is_rewritten(text: str, symbol: str) -> None:
    made = context(text, "shop/orders.py", whole_file_lines=14)
    assert made.symbol is not None
    assert made.symbol.qualified == made.blocks[0].symbol == symbol


def test_of_a_long_class_one_method_is_rewritten() -> None:
    made = context("OrderStore must load from a missing path", "shop/orders.py", whole_file_lines=5)
    assert made.symbol is not None
    assert made.symbol.qualified == "OrderStore.load_orders"


def test_a_symbol_is_shown_with_its_comment_and_the_outline_of_its_file() -> None:
    made = context("load_orders fails", "shop/orders.py", whole_file_lines=10)
    target, outline = made.blocks[:2]
    assert target.text.startswith("    # Reads everything.\n    def load_orders")
    assert outline.path == target.path
    assert "import json\nfrom pathlib import Path\nclass OrderStore:" in outline.text
    assert "    def total_price(self, currency: str) -> float:" in outline.text
    assert "load_orders" not in outline.text


@pytest.mark.parametrize(
    ("text", "qualified"),
    [
        ("add a function slugify", "slugify"),
        ("add a `slugify` function", "slugify"),
        ("add a helper function that makes slugs", ""),
        ("implement a function called parse_date", "parse_date"),
        ("add a method clear to OrderStore", "OrderStore.clear"),
        ("write a new method `clear` for OrderStore", "OrderStore.clear"),
    ],
)
def test_a_task_may_add_a_symbol(text: str, qualified: str) -> None:
    made = context(text, "shop/orders.py", whole_file_lines=10)
    assert made.symbol is not None
    assert made.symbol.is_new
    assert made.symbol.qualified == qualified
    assert shown(made, "target") == []


@pytest.mark.parametrize(
    "text",
    [
        "add a docstring to the function load_orders",
        "add a currency parameter to function load_orders",
        "implement the method load_orders",
        "add type hints to load_orders",
    ],
)
def test_adding_to_a_symbol_does_not_add_one(text: str) -> None:
    made = context(text, "shop/orders.py", whole_file_lines=10)
    assert made.symbol is not None
    assert (made.symbol.qualified, made.symbol.is_new) == ("OrderStore.load_orders", False)


def test_a_long_file_without_symbols_is_shown_whole() -> None:
    files = {"notes.md": "line\n" * 300}
    made = context("correct it", "notes.md", files=files)
    assert (made.symbol, made.blocks[0].text) == (None, files["notes.md"])


def test_a_short_file_too_large_for_the_budget_gives_one_symbol() -> None:
    made = context("format_receipt needs a date", "shop/orders.py", budget=120)
    assert made.symbol is not None
    assert made.symbol.qualified == "format_receipt"


def test_a_target_that_does_not_fit_is_refused_with_its_size() -> None:
    with pytest.raises(ProposalError) as caught:
        context("correct it", "notes.md", files={"notes.md": "line\n" * 300}, budget=100)
    assert "notes.md needs 380 tokens" in caught.value.what
    assert "room for 100" in caught.value.what


def test_instructions_come_from_agents_md_or_else_claude_md() -> None:
    assert shown(context("greet", "shop/customers.py"), "instructions") == ["AGENTS.md"]
    without = {path: text for path, text in FILES.items() if path != "AGENTS.md"}
    assert shown(context("greet", "shop/customers.py", files=without), "instructions") == ["CLAUDE.md"]


def test_at_most_two_related_files_are_shown() -> None:
    files = {f"cart/cart_{n}.py": f"def cart_{n}():\n    return {n}\n" for n in range(6)}
    assert len(shown(context("empty the cart", files=files), "related")) == 2


def test_the_budget_is_kept_and_what_was_dropped_is_said() -> None:
    files = {**FILES, "AGENTS.md": "One long rule that goes on and on.\n" * 60}
    for budget in range(40, 900, 20):
        made = context("greet like an order store", "shop/customers.py", "shop/orders.py", files=files, budget=budget)
        assert made.tokens <= budget
        assert made.tokens == sum(count(f"{b.path}\n```\n{b.text}\n```\n") for b in made.blocks)
        whole = {block.path for block in made.blocks if block.text.strip() == files[block.path].strip()}
        named = {line.partition(":")[0] for line in made.left_out}
        assert {"shop/orders.py", "AGENTS.md"} <= whole | named


def test_long_instructions_keep_their_first_lines_and_say_so() -> None:
    files = {**FILES, "AGENTS.md": "A rule.\n" * 120}
    made = context("greet", "shop/customers.py", files=files, budget=120)
    [kept] = [block for block in made.blocks if block.kind == "instructions"]
    lines = len(kept.text.split("\n"))
    assert f"AGENTS.md: kept lines 1-{lines} of 120" in made.left_out
    assert 5 <= lines < 120


def test_instructions_without_room_are_left_out_and_named() -> None:
    files = {**FILES, "AGENTS.md": "x" * 4000}
    made = context("greet", "shop/customers.py", files=files, budget=120)
    assert shown(made, "instructions") == []
    assert "AGENTS.md: 1005 tokens, left out" in made.left_out


def test_a_large_mention_gives_its_signatures_and_says_so() -> None:
    made = context("greet", "shop/customers.py", "shop/orders.py", budget=140)
    [mention] = [block for block in made.blocks if block.kind == "mention"]
    assert "def format_receipt(order: dict) -> str:" in mention.text
    assert "return" not in mention.text
    assert any(line.startswith("shop/orders.py:") and "signatures only" in line for line in made.left_out)


def test_a_mention_that_cannot_be_read_is_named() -> None:
    assert "gone.py: cannot be read, left out" in context("greet", "shop/customers.py", "gone.py").left_out


def test_only_so_many_files_are_read_and_each_once() -> None:
    files = {f"pkg/mod_{n}.py": f"def cart_{n}(): pass\n" for n in range(800)}
    reads: list[str] = []

    def read(path: str) -> str | None:
        reads.append(path)
        return files.get(path)

    made = build_context(Task("empty the cart"), list(files), read, count, 3000, 150)
    assert len(reads) == len(set(reads)) <= 300 + 2
    assert any("500 more exist" in line for line in made.left_out)


def test_a_path_that_matches_is_looked_into_before_others() -> None:
    files = {f"aaa/mod_{n}.py": "X = 1\n" for n in range(800)}
    files["zzz/deep/down/cart.py"] = "def empty(): pass\n"
    assert context("empty the cart", files=files).target == "zzz/deep/down/cart.py"
