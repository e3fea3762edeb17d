"""An answer that uses what another file has, and forgets to import it, is offered with the import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from continual_code.agent.bringing import (
    is_importable,
    with_forgotten_imports,
    with_imports_like,
    without_spare_imports,
)
from continual_code.agent.repository import Repository

FILES = {
    "shop/__init__.py": "",
    "shop/money.py": "def as_euros(cents):\n    return f'{cents / 100:.2f}'\n\n\nclass Price:\n    pass\n",
    "shop/cart.py": '"""The cart."""\n\nimport json\n\n\ndef load(text):\n    return json.loads(text)\n',
    "shop/mail.py": "from shop.cart import load\n\n\ndef send(text):\n    return load(text)\n",
    "tests/test_money.py": "def a_price():\n    return 3\n",
}
BEFORE = FILES["shop/cart.py"]


def brought(
    call: str, path: str = "shop/cart.py", files: Mapping[str, str] = FILES, shown: Sequence[str] = ()
) -> list[str]:
    """The imports that are added to a file that now also makes this call."""
    before = files.get(path, "")
    after = f"{before}\n\ndef added(x):\n    return {call}\n"
    found = with_forgotten_imports(before, after, path, lambda: Repository(sorted(files), files.get), shown)
    new = [line for line in found.split("\n") if line not in after.split("\n")]
    assert [line for line in found.split("\n") if line not in new] == [
        line for line in after.split("\n") if line not in new
    ]
    return new


def test_it_follows_the_last_import_and_the_rest_stays():
    after = f"{BEFORE}\n\ndef total(cents):\n    return as_euros(cents)\n"
    found = with_forgotten_imports(BEFORE, after, "shop/cart.py", lambda: Repository(sorted(FILES), FILES.get))
    assert found == after.replace("import json\n", "import json\nfrom shop.money import as_euros\n")


def test_a_class_in_an_annotation_is_imported_too():
    assert brought("[each for each in x if isinstance(each, Price)]") == ["from shop.money import Price"]


def test_in_a_file_without_imports_they_follow_its_docstring():
    files = FILES | {"shop/plain.py": '"""Plain."""\n\n\ndef one():\n    return 1\n'}
    after = files["shop/plain.py"] + "\n\ndef two():\n    return as_euros(2)\n"
    found = with_forgotten_imports(
        files["shop/plain.py"], after, "shop/plain.py", lambda: Repository(sorted(files), files.get)
    )
    assert found.startswith('"""Plain."""\n\nfrom shop.money import as_euros\n\n\ndef one')


def test_line_ends_are_those_of_the_file():
    before = BEFORE.replace("\n", "\r\n")
    after = f"{before}\r\n\r\ndef total(cents):\r\n    return as_euros(cents)\r\n"
    found = with_forgotten_imports(before, after, "shop/cart.py", lambda: Repository(sorted(FILES), FILES.get))
    assert "import json\r\nfrom shop.money import as_euros\r\n" in found
    assert found.count("\n") == found.count("\r\n")


@pytest.mark.parametrize(
    "call",
    [
        "json.dumps(x)",  # imported
        "print(x)",
        "unheard_of(x)",
        "x.as_euros()",
        "send(x)",  # its file imports this one
        "a_price()",  # of a test
        "[as_euros for as_euros in x]",
    ],
)
def test_nothing_else_is_imported(call: str):
    assert brought(call) == []


@pytest.mark.parametrize(
    ("call", "added"),
    [
        ("os.getcwd()", ["import os"]),
        ("logging.info(x)", ["import logging"]),
        ("Path(x)", ["from pathlib import Path"]),
        ("datetime.now()", ["from datetime import datetime"]),
        ("datetime.datetime.now()", ["import datetime"]),
        ("[Optional[x], Any]", ["from typing import Any", "from typing import Optional"]),
        ("math(x)", []),  # no module is called
        ("token.value", []),
        ("pytest.raises(x)", []),  # in no test
    ],
)
def test_what_python_has_under_a_name_of_its_own_is_imported_from_there(call: str, added: list[str]):
    assert brought(call) == added


def test_what_the_repository_calls_like_something_of_python_s_is_its_own():
    assert brought("logging.info(x)", files=FILES | {"logging.py": "def info(x):\n    pass\n"}) == []
    assert brought("Path(x)", files=FILES | {"shop/path.py": "class Path:\n    pass\n"}) == [
        "from shop.path import Path"
    ]
    two = FILES | {f"shop/{name}.py": "class Path:\n    pass\n" for name in "ab"}
    assert brought("Path(x)", files=two) == []


def test_a_test_may_forget_to_import_pytest():
    test = FILES["tests/test_money.py"] + "\n\n@pytest.mark.skip\ndef test_it():\n    assert a_price() == 3\n"
    found = with_forgotten_imports(
        FILES["tests/test_money.py"], test, "tests/test_money.py", lambda: Repository(sorted(FILES), FILES.get)
    )
    assert found == f"import pytest\n\n{test}"


def test_a_circle_over_a_third_file_is_one_too():
    files = FILES | {"shop/post.py": "from shop import mail\n\n\ndef post(text):\n    return mail.send(text)\n"}
    assert brought("post(x)", files=files) == []
    assert brought("post(x)", files=files | {"shop/mail.py": "import json\n"}) == ["from shop.post import post"]


def test_a_stub_is_nothing_to_import_from():
    assert brought("stubbed(x)", files=FILES | {"shop/stubs.pyi": "def stubbed(x): ...\n"}) == []


def test_nested_too_deeply_for_the_checker_is_left_alone():
    assert brought("as_euros(x)" + ".a" * 900) == []


def test_what_was_undefined_before_stays_so():
    files = FILES | {"shop/cart.py": BEFORE + "\n\ndef old():\n    return as_euros(1)\n"}
    assert brought("as_euros(x)", files=files) == []


def test_what_is_private_to_its_file_stays_there():
    assert brought("_secret(x)", files=FILES | {"shop/money.py": "def _secret(x):\n    return x\n"}) == []


def test_of_two_files_that_have_it_only_one_that_was_shown_is_taken():
    files = FILES | {"shop/other.py": FILES["shop/money.py"]}
    assert brought("as_euros(x)", files=files) == []
    assert brought("as_euros(x)", files=files, shown=["shop/other.py"]) == ["from shop.other import as_euros"]


def test_a_star_may_bring_it_already():
    files = FILES | {"shop/cart.py": "from shop.all import *\n" + BEFORE.split('"""\n')[1]}
    assert brought("as_euros(x)", files=files) == []


def test_the_name_of_a_module_begins_at_the_outermost_package():
    files = {f"src/{path}": text for path, text in FILES.items()}
    assert brought("as_euros(x)", "src/shop/cart.py", files) == ["from shop.money import as_euros"]


def test_what_a_package_itself_defines_is_imported_from_the_package():
    assert brought("vat(x)", files=FILES | {"shop/__init__.py": "def vat(x):\n    return x\n"}) == [
        "from shop import vat"
    ]


def test_scripts_beside_each_other_import_by_name_and_others_not_at_all():
    files = {"tools/run.py": "import sys\n", "tools/steps.py": "def step():\n    pass\n"}
    assert brought("step()", "tools/run.py", files) == ["from steps import step"]
    assert brought("step()", "other/run.py", files | {"other/run.py": "import sys\n"}) == []


def test_other_languages_and_whole_texts_never_ask_for_the_repository():
    def refuse() -> Repository:
        raise AssertionError("nothing is missing")

    assert with_forgotten_imports("", "f(1);\n", "a.js", refuse) == "f(1);\n"
    assert with_forgotten_imports("", "def f(\n", "a.py", refuse) == "def f(\n"
    assert with_forgotten_imports("", "print(1)\n", "a.py", refuse) == "print(1)\n"


TOTAL = "def total(cents):\n    return as_euros(cents)\n"


@pytest.mark.parametrize(
    ("imports", "kept"),
    [
        ("from shop.money import as_euros\n\n\n", ""),
        ("import xml\nfrom shop.money import as_euros\n\n\n", "import xml\n\n\n"),
        ("import xml\n\nfrom shop.money import as_euros\n\n\n", "import xml\n\n"),
        ("from shop.money import (\n    as_euros,\n)\n\n", ""),
        ("from typing import *\nfrom shop.money import *\n\n", ""),
    ],
)
def test_imports_that_would_be_added_anyway_can_be_left_out(imports: str, kept: str):
    repository = Repository(sorted(FILES), FILES.get)
    answer = f"Here:\n```python\n{imports}{TOTAL}```\n"
    found = without_spare_imports(answer, "shop/cart.py", BEFORE, lambda: repository)
    assert found == f"Here:\n```python\n{kept}{TOTAL}```\n"
    code = f"{kept}{TOTAL}"
    assert "from shop.money import as_euros" in with_forgotten_imports("", code, "shop/cart.py", lambda: repository)


@pytest.mark.parametrize(
    "imports",
    [
        "import numpy\n",
        "from __future__ import annotations\n",
        "from shop.money import Price\n",  # not used: nothing would add it
        "from shop.money import as_euros, Price\n",
        "from shop.mail import as_euros\n",  # it is defined elsewhere
        "from os import *\n",  # perhaps it has unheard_of
    ],
)
def test_imports_that_nothing_would_add_stay(imports: str):
    repository = Repository(sorted(FILES), FILES.get)
    code = "def total(cents):\n    return unheard_of(cents)\n" if "os" in imports.split() else TOTAL
    answer = f"```python\n{imports}{code}```"
    assert without_spare_imports(answer, "shop/cart.py", BEFORE, lambda: repository) == answer


def test_imports_that_were_there_before_stay_and_so_does_every_other_language():
    repository, answer = Repository(sorted(FILES), FILES.get), f"```python\nfrom shop.money import as_euros\n{TOTAL}```"
    known = f"from shop.money import as_euros\n{BEFORE}"
    assert without_spare_imports(answer, "shop/cart.py", known, lambda: repository) == answer
    assert without_spare_imports(answer, "shop/cart.js", "", lambda: repository) == answer
    assert without_spare_imports("No code.", "shop/cart.py", "", lambda: repository) == "No code."


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from shop.money import Price, as_euros", True),
        ("from shop.money import as_euro", False),
        ("from shop import money", True),
        ("from shop import mony", False),
        ("from shop import parts", True),  # a directory
        ("from shop import __doc__", True),
        ("from shop.money import *", True),
        ("from shop.stars import as_euro", True),  # nobody knows what it has
        ("from shop.lazy import as_euro", True),
        ("from money import as_euro", True),  # no file is imported by this name: somebody else's
        ("from json import lods", True),
        ("import shop.mony", True),
        ("from .money import as_euro", True),
    ],
)
def test_what_is_imported_from_a_file_has_to_be_in_it(statement: str, expected: bool):
    files = FILES | {
        "lib/json.py": "def loads(text):\n    return text\n", "shop/parts/one.py": "",
        "shop/stars.py": "from shop.money import *\n", "shop/lazy.py": "def __getattr__(name):\n    return 1\n",
    }  # fmt: skip
    answer = f"```python\n{statement}\n\n\ndef added(x):\n    return x\n```"
    assert is_importable(answer, "shop/cart.py", lambda: Repository(sorted(files), files.get)) is expected


def test_no_repository_is_read_for_an_answer_that_imports_nothing_from_anywhere():
    def unwanted() -> Repository:
        raise AssertionError

    assert is_importable("```python\nimport json\n```", "shop/cart.py", unwanted)
    assert is_importable("Sorry, I cannot.", "shop/cart.py", unwanted)
    assert is_importable("```javascript\nimport a from './a'\n```", "shop/cart.js", unwanted)


FUTURE = "from __future__ import annotations\n"
MEAN = "def mean(values):\n    return math.fsum(values) / count(values)\n"


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ("", "import math\nfrom count import count\n\n\n"),  # as it was, blank lines as well
        ("import math\n\n", "import math\nfrom count import count\n\n"),
        ("from shop.money import as_euros\n\n", "import math\nfrom count import count\n\n\n"),
    ],
)
def test_imports_that_a_correction_lost_are_put_back(lost: str, expected: str):
    known = f"import math\nfrom count import count\n\n\n{MEAN}"
    repository, code = Repository(sorted(FILES), FILES.get), f"@as_euros\n{MEAN}"
    found = with_imports_like(
        f"```python\n{lost}{code}```", f"```python\n{known}```", "", "shop/cart.py", known, lambda: repository
    )
    assert found == f"```python\n{expected}{code}```"


def test_only_what_a_correction_still_uses_is_put_back():
    repository = Repository(sorted(FILES), FILES.get)

    def put_back(code: str, rejected: str) -> str:
        answers = (f"```python\n{text}```" for text in (code, rejected))
        return with_imports_like(*answers, "", "shop/cart.py", "", lambda: repository).removeprefix("```python\n")

    assert put_back("def mean(v):\n    return sum(v)\n", f"import math\n{MEAN}").startswith("def mean")
    assert put_back(f"x = 1\n{MEAN}", f"x = 1\nimport math\n\n{MEAN}").startswith("import math\n\nx = 1")
    assert put_back(MEAN, f"import math as m\n{MEAN}").startswith("def mean"), "it never had that name"
    assert put_back(MEAN, "nothing that parses (") == f"{MEAN}```"


@pytest.mark.parametrize(
    ("rejected", "correction", "expected"),
    [
        ("import simplejson as json\n", "import json\n", ""),  # brought by itself
        ("from babel import as_euros\n", "from shop.money import as_euros\n", ""),
        ("import datetime\n", "from datetime import datetime\n", ""),
        (f"{FUTURE}import os\n\n\n", "", f"{FUTURE}import os\n\n\n"),
        ("from tkinter import *\n\n", "", "from tkinter import *\n\n"),
        ("# mine\n\nimport numpy\n\n", "# mine\n\n", "# mine\n\nimport numpy\n\n"),
    ],
)
def test_what_a_correction_imports_from_elsewhere_is_not_lost(rejected: str, correction: str, expected: str):
    repository = Repository(sorted(FILES), FILES.get)
    code = "def f(x):\n    return json.loads(as_euros(datetime.now() + os.sep + Button(numpy)))\n"
    answers = (f"```python\n{imports}{code}```" for imports in (correction, rejected))
    found = with_imports_like(*answers, "", "shop/cart.py", f"{rejected}{code}", lambda: repository)
    assert found.removeprefix("```python\n").removesuffix(f"{code}```") == expected


def test_what_a_correction_imports_and_does_not_use_is_left_out_unless_the_comment_names_it():
    repository = Repository(sorted(FILES), FILES.get)
    had, code = "import xml\n", "async def f(x):\n    return Any\n"
    imports = f"{had}import asyncio\nfrom typing import Any, List\nfrom numpy import array as a\n"

    def left(comment: str) -> str:
        answers = (f"```python\n{text}{code}```" for text in (imports, had))
        found = with_imports_like(*answers, comment, "shop/cart.py", f"{had}{code}", lambda: repository)
        return found.removeprefix("```python\n").removesuffix(f"{code}```")

    assert left("Make it async.") == f"{had}from typing import Any, List\n", "that line is needed, and what was there"
    assert left("Import asyncio, too.") == f"{had}import asyncio\nfrom typing import Any, List\n"
