"""Putting one rewritten symbol back into its file, in six languages."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from continual_code.agent.formats import splice
from continual_code.agent.languages import language_of
from continual_code.agent.symbols import Symbol, new_symbol, symbols
from continual_code.errors import ProposalError

PYTHON = dedent('''\
    """A store."""

    import os
    from typing import Any


    # Loads things.
    @cache
    def load(path):
        return open(path).read()


    class Store:
        """Holds things."""

        limit = 3

        # The one way in.
        @property
        def size(self):
            return len(self.items)  # cheap

        async def fetch(self, key):
            query = """
    SELECT *
      FROM items
    """
            return await self.run(query, key)

        def walk(self):
            def inner(item):
                return item
            return map(inner, self.items)


    def last():
        pass
''')


def find(text: str, path: str, qualified: str) -> Symbol:
    return next(symbol for symbol in symbols(text, path) if symbol.qualified == qualified)


def spliced(text: str, qualified: str, code: str, path: str = "store.py") -> str:
    language = language_of(path)
    assert language is not None
    return splice(text, find(text, path, qualified), code, language.name)


def refusal(qualified: str, code: str) -> str:
    with pytest.raises(ProposalError) as caught:
        spliced(PYTHON, qualified, code)
    return caught.value.what


def test_a_decorated_function_is_replaced_and_its_comment_stays() -> None:
    after = spliced(PYTHON, "load", "@cache\ndef load(path):\n    return path.read_text()\n")
    assert after == PYTHON.replace("open(path).read()", "path.read_text()")


def test_a_comment_in_the_answer_replaces_the_one_above() -> None:
    after = spliced(PYTHON, "load", "# Reads a file.\n@cache\ndef load(path):\n    return open(path).read()\n")
    assert after == PYTHON.replace("# Loads things.", "# Reads a file.")


def test_a_method_may_come_without_its_indentation() -> None:
    after = spliced(PYTHON, "Store.size", "@property\ndef size(self):\n    return len(self)\n")
    assert after == PYTHON.replace("len(self.items)  # cheap", "len(self)")


def test_a_method_may_come_with_its_indentation() -> None:
    after = spliced(PYTHON, "Store.size", "    @property\n    def size(self):\n        return len(self)\n")
    assert after == PYTHON.replace("len(self.items)  # cheap", "len(self)")


def test_a_method_may_come_with_only_the_first_line_outdented() -> None:
    after = spliced(PYTHON, "Store.size", "@property\n    def size(self):\n        return len(self)\n")
    assert after == PYTHON.replace("len(self.items)  # cheap", "len(self)")


def test_a_method_may_come_wrapped_in_its_class() -> None:
    code = "class Store:\n    ...\n    @property\n    def size(self):\n        return len(self)\n"
    assert spliced(PYTHON, "Store.size", code) == PYTHON.replace("len(self.items)  # cheap", "len(self)")


def test_the_text_of_a_string_does_not_move_with_the_code() -> None:
    code = (
        'async def fetch(self, key):\n    query = """\nSELECT *\n  FROM items\n"""\n    return self.run(query, key)\n'
    )
    assert spliced(PYTHON, "Store.fetch", code) == PYTHON.replace("await self.run", "self.run")


def test_a_nested_function_is_replaced_in_place() -> None:
    after = spliced(PYTHON, "Store.walk.inner", "def inner(item):\n    return item.name\n")
    assert after == PYTHON.replace("return item\n", "return item.name\n")


def test_a_whole_class_is_replaced() -> None:
    after = spliced(PYTHON, "Store", "class Store(list):\n    limit = 4\n")
    assert "class Store(list):\n    limit = 4\n\n\ndef last" in after
    assert after.startswith(PYTHON.partition("class")[0])


def test_a_file_in_tabs_stays_in_tabs() -> None:
    before = "class Store:\n\tdef size(self):\n\t\tif self:\n\t\t\treturn 1\n\n\tdef last(self):\n\t\tpass\n"
    after = spliced(before, "Store.size", "def size(self):\n    if self:\n        return 2\n")
    assert after == before.replace("return 1", "return 2")


def test_windows_line_ends_stay() -> None:
    before = PYTHON.replace("\n", "\r\n")
    after = spliced(before, "last", "def last():\n    return 1\n")
    assert after == before.replace("    pass", "    return 1")


def test_mixed_line_ends_stay_outside_the_symbol() -> None:
    before = "a = 1\r\nb = 2\ndef last():\n    pass\n"
    assert spliced(before, "last", "def last():\n    return 1\n") == "a = 1\r\nb = 2\ndef last():\n    return 1\n"


def test_a_missing_last_newline_stays_missing() -> None:
    assert spliced("def last():\n    pass", "last", "def last():\n    return 1\n") == "def last():\n    return 1"


def test_new_imports_go_below_the_others_and_known_ones_are_not_repeated() -> None:
    code = "import os\nfrom typing import Any, Iterator\nimport json\n\ndef last():\n    return json\n"
    after = spliced(PYTHON, "last", code)
    assert after == PYTHON.replace("Any\n", "Any\nfrom typing import Iterator\nimport json\n").replace(
        "    pass", "    return json"
    )


def test_a_first_import_goes_below_the_docstring() -> None:
    after = spliced('"""Doc."""\n\n\ndef last():\n    pass\n', "last", "import os\n\ndef last():\n    return os\n")
    assert after == '"""Doc."""\n\nimport os\n\n\ndef last():\n    return os\n'


def test_a_first_import_goes_to_the_top_of_a_bare_file() -> None:
    after = spliced("def last():\n    pass\n", "last", "import os\n\ndef last():\n    return os\n")
    assert after == "import os\n\ndef last():\n    return os\n"


def test_a_new_helper_goes_below_and_a_new_constant_above() -> None:
    code = "LIMIT = 3\n\ndef last():\n    return helper()\n\ndef helper():\n    return LIMIT\n"
    after = spliced(PYTHON, "last", code)
    assert after.endswith("\n\nLIMIT = 3\n\n\ndef last():\n    return helper()\n\n\ndef helper():\n    return LIMIT\n")


def test_a_new_method_beside_a_method_goes_into_the_class() -> None:
    code = "def walk(self):\n    return self._walk()\n\ndef _walk(self):\n    return []\n"
    after = spliced(PYTHON, "Store.walk", code)
    assert (
        "    def walk(self):\n        return self._walk()\n\n    def _walk(self):\n        return []\n\n\ndef last"
        in after
    )


def test_a_new_function_beside_a_method_goes_below_the_class() -> None:
    code = "def walk(self):\n    return walked(self)\n\ndef walked(store):\n    return []\n"
    after = spliced(PYTHON, "Store.walk", code)
    assert "        return walked(self)\n\n\ndef walked(store):\n    return []\n\n\ndef last" in after


def test_examples_of_use_are_dropped() -> None:
    code = "def last():\n    return 1\n\nprint(last())\n\nif __name__ == '__main__':\n    last()\n"
    assert spliced(PYTHON, "last", code) == PYTHON.replace("    pass", "    return 1")


def test_the_whole_file_is_accepted_when_nothing_else_changed() -> None:
    assert spliced(PYTHON, "last", PYTHON.replace("    pass", "    return 1")) == PYTHON.replace(
        "    pass", "    return 1"
    )


def test_of_a_property_and_its_setter_the_right_one_is_replaced() -> None:
    before = dedent("""\
        class A:
            @property
            def x(self):
                return 1

            @x.setter
            def x(self, value):
                self.y = value
    """)
    setter = symbols(before, "a.py")[-1]
    after = splice(before, setter, "@x.setter\ndef x(self, value):\n    self.y = value + 1\n", "python")
    assert after == before.replace("self.y = value", "self.y = value + 1")


def test_another_name_is_refused() -> None:
    assert "was to hold last, but it holds first" in refusal("last", "def first():\n    pass\n")


def test_a_class_for_a_function_is_refused() -> None:
    assert "was to hold last" in refusal("last", "class last:\n    pass\n")


def test_code_that_defines_nothing_is_refused() -> None:
    assert "defines nothing" in refusal("last", "x = 1\n")


def test_code_that_does_not_parse_is_refused_with_the_line() -> None:
    assert "line 1" in refusal("last", "def last(:\n    pass\n")


def test_changing_a_symbol_that_was_not_shown_is_refused() -> None:
    assert "rewrites load too" in refusal(
        "last", "def last():\n    return 1\n\ndef load(path):\n    x = 1\n    y = 2\n    z = 3\n"
    )


def test_changing_the_class_around_a_method_is_refused() -> None:
    assert "limit = 99" in refusal(
        "Store.size", "class Store:\n    limit = 99\n    def size(self):\n        return 0\n"
    )


def test_a_new_function_goes_to_the_end_of_the_file() -> None:
    after = splice(PYTHON, new_symbol(PYTHON, "store.py", "first"), "def first():\n    return 1\n", "python")
    assert after == PYTHON + "\n\ndef first():\n    return 1\n"


def test_a_new_function_goes_above_the_main_block() -> None:
    before = 'def main():\n    pass\n\n\nif __name__ == "__main__":\n    main()\n'
    after = splice(before, new_symbol(before, "a.py", "first"), "import os\ndef first():\n    return os\n", "python")
    assert after == (
        "import os\n\ndef main():\n    pass\n\n\ndef first():\n    return os\n"
        '\n\nif __name__ == "__main__":\n    main()\n'
    )


def test_a_new_method_goes_to_the_end_of_its_class() -> None:
    symbol = new_symbol(PYTHON, "store.py", "clear", find(PYTHON, "store.py", "Store"))
    after = splice(PYTHON, symbol, "def clear(self):\n    self.items = []\n", "python")
    assert "self.items)\n\n    def clear(self):\n        self.items = []\n\n\ndef last" in after


def test_a_new_symbol_that_exists_already_is_refused() -> None:
    with pytest.raises(ProposalError, match="does not hold a new last"):
        splice(PYTHON, new_symbol(PYTHON, "store.py", "last"), "def last():\n    pass\n", "python")


SCRIPT = dedent("""\
    import { a } from "./a";

    /** Adds. */
    export function add(x, y) {
      return x + y;
    }

    const twice = (x) => {
      return x * 2;
    };

    export default class Store {
      size() {
        return this.items.length;
      }

      async load(key) {
        return this.items[key];
      }
    }
""")
TYPED = SCRIPT.replace("(x, y)", "(x: number, y: number): number").replace("size() {", "@Get()\n  size(): number {")
GO = dedent("""\
    package store

    import (
    \t"fmt"
    )

    // Store holds things.
    type Store struct {
    \titems []string
    }

    // Size counts.
    func (s *Store) Size() int {
    \treturn len(s.items)
    }

    func Load(path string) string {
    \treturn fmt.Sprint(path)
    }
""")
RUST = dedent("""\
    use std::fs;

    #[derive(Debug)]
    pub struct Store {
        items: Vec<String>,
    }

    impl Store {
        /// Counts.
        #[inline]
        pub fn size(&self) -> usize {
            self.items.len()
        }
    }

    pub fn load(path: &str) -> String {
        fs::read_to_string(path).unwrap()
    }
""")
JAVA = dedent("""\
    package store;

    import java.util.List;

    public class Store {
        private List<String> items;

        @Override
        public int size() {
            return items.size();
        }

        void load() {
        }
    }
""")


@pytest.mark.parametrize(
    ("path", "before", "qualified", "code", "old", "new"),
    [
        ("a.js", SCRIPT, "add", "export function add(x, y) {\n  return y + x;\n}", "return x + y", "return y + x"),
        ("a.js", SCRIPT, "twice", "const twice = (x) => {\n  return x + x;\n};", "x * 2", "x + x"),
        ("a.js", SCRIPT, "Store.size", "size() {\n  return 0;\n}", "this.items.length", "0"),
        ("a.js", SCRIPT, "Store.load", "  async load(key) {\n    return key;\n  }", "this.items[key]", "key"),
        ("a.jsx", SCRIPT, "Store.size", "class Store {\n  size() {\n    return 0;\n  }\n}", "this.items.length", "0"),
        ("a.ts", TYPED, "add", "export function add(x: number, y: number): number {\n  return 1;\n}", "x + y", "1"),
        ("a.tsx", TYPED, "Store.size", "@Get()\nsize(): number {\n  return 0;\n}", "this.items.length", "0"),
        ("a.go", GO, "Store.Size", "func (s *Store) Size() int {\n\treturn 0\n}", "len(s.items)", "0"),
        ("a.go", GO, "Load", "func Load(path string) string {\n    return path\n}", "fmt.Sprint(path)", "path"),
        ("a.go", GO, "Store", "type Store struct {\n\titems []int\n}", "[]string", "[]int"),
        ("a.rs", RUST, "Store.size", "#[inline]\npub fn size(&self) -> usize {\n    0\n}", "self.items.len()", "0"),
        (
            "a.rs",
            RUST,
            "load",
            "pub fn load(path: &str) -> String {\n    x()\n}",
            "fs::read_to_string(path).unwrap()",
            "x()",
        ),
        (
            "a.rs",
            RUST,
            "Store",
            "#[derive(Debug)]\npub struct Store {\n    items: Vec<u8>,\n}",
            "Vec<String>",
            "Vec<u8>",
        ),
        ("A.java", JAVA, "Store.size", "@Override\npublic int size() {\n    return 0;\n}", "items.size()", "0"),
    ],
)
def test_other_languages(path: str, before: str, qualified: str, code: str, old: str, new: str) -> None:
    assert spliced(before, qualified, code, path) == before.replace(old, new)


@pytest.mark.parametrize(
    ("path", "before", "qualified", "code", "expected"),
    [
        ("a.ts", TYPED, "twice", 'import { b } from "./b";\nconst twice = b;\nfunction twice2() {}\n', None),
        (
            "a.js",
            SCRIPT,
            "add",
            'import { b } from "./b";\n\nexport function add(x, y) {\n  return b(x, y);\n}\n',
            'import { a } from "./a";\nimport { b } from "./b";\n',
        ),
        (
            "a.go",
            GO,
            "Load",
            'package store\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc Load(path string) string {\n\treturn os.A\n}\n',
            ')\nimport "os"\n',
        ),
        (
            "A.java",
            JAVA,
            "Store.load",
            "import java.util.Map;\n\npublic class Store {\n    void load() {\n        int a = 1;\n    }\n}\n",
            "import java.util.List;\nimport java.util.Map;\n",
        ),
    ],
)
def test_imports_of_other_languages(path: str, before: str, qualified: str, code: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ProposalError, match="was to hold twice"):
            spliced(before, qualified, code, path)
    else:
        assert expected in spliced(before, qualified, code, path)


def test_a_new_method_goes_inside_the_braces() -> None:
    symbol = new_symbol(SCRIPT, "a.js", "clear", find(SCRIPT, "a.js", "Store"))
    after = splice(SCRIPT, symbol, "clear() {\n  this.items = [];\n}\n", "javascript")
    assert after.endswith("[key];\n  }\n\n  clear() {\n    this.items = [];\n  }\n}\n")


def test_a_language_without_symbols_is_refused() -> None:
    with pytest.raises(ProposalError, match="No symbol can be replaced"):
        splice("a", Symbol("a", "a", "function", 1, 1, ""), "b", "cobol")


@pytest.mark.parametrize(
    ("path", "text"),
    [("a.py", PYTHON), ("a.js", SCRIPT), ("a.ts", TYPED), ("a.go", GO), ("a.rs", RUST), ("A.java", JAVA)],
)
def test_every_symbol_spliced_unchanged_gives_back_the_file(path: str, text: str) -> None:
    assert symbols(text, path)
    name = getattr(language_of(path), "name", "")
    for symbol in symbols(text, path):
        code = "\n".join(text.split("\n")[symbol.start_line - 1 : symbol.end_line])
        assert splice(text, symbol, code, name) == text
        assert splice(text, symbol, dedent(code) + "\n", name) == text


NAMES = st.sampled_from(["load", "save", "Store", "size", "walk"])
LEAVES = st.sampled_from(
    ["return 1", "x = [1,\n     2]", '"""Doc."""\nreturn 2', "# note\npass", "s = '''\nraw\n'''\nreturn s"]
)


@st.composite
def definitions(draw: st.DrawFn, depth: int = 0) -> str:
    decorators = draw(st.sampled_from(["", "@cache\n", "@wraps(\n    f\n)\n", "# why\n"]))
    head = draw(st.sampled_from(["def {}(self):", "async def {}(a, *b):", "class {}:"]))
    inner = st.one_of(LEAVES, definitions(depth=depth + 1)) if depth < 2 else LEAVES
    body = "\n\n".join(draw(st.lists(inner, min_size=1, max_size=3))).replace(
        "return", "x =" if "class" in head else "return"
    )
    return f"{decorators}{head.format(draw(NAMES) + str(depth))}\n{_indented(body)}"


def _indented(body: str) -> str:
    """Indent, but leave the inside of strings where it is."""
    return indent(body, "    ").replace("    raw\n    '''", "raw\n'''")


@settings(max_examples=60, deadline=None)
@given(st.lists(definitions(), min_size=1, max_size=4), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
def test_any_python_symbol_spliced_unchanged_gives_back_the_file(
    parts: list[str], newline: str, ends: bool, tabs: bool
) -> None:
    text = "import os\n\n\n" + "\n\n\n".join(parts) + "\n" * ends
    text = (text.replace("    ", "\t") if tabs else text).replace("\n", newline)
    for symbol in symbols(text, "any.py"):
        code = "\n".join(text.replace("\r\n", "\n").split("\n")[symbol.start_line - 1 : symbol.end_line])
        assert splice(text, symbol, code + "\n", "python") == text
        assert splice(text, symbol, f"import os\n\n{dedent(code)}\n", "python").split() == text.split()
