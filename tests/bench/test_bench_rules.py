"""The rules of the lessons benchmark: every check tells a following edit from a violating one."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from continual_code.bench.lessons.checks import added
from continual_code.bench.lessons.rules import Exercise, Rule, load_rules
from continual_code.errors import UsageError

RULES = {rule.id: rule for rule in load_rules(None)}
BEFORE = "import os\n\n\ndef old(x):\n    return x\n"

# For every rule: code that follows it, code that breaks it, and text that shows it where it has no place.
SAMPLES = {
    "type_hints": (
        "def add(a: int, *rest: int) -> int:\n    return a\n",
        "def add(a: int, b) -> int:\n    return a\n",
        "function add(a: number) {}\n",
    ),
    "docstring_sections": (
        'def f(a):\n    """Do it.\n\n    Args:\n        a: one.\n\n    Returns:\n        It.\n    """\n    return a\n',
        'def f(a):\n    """Do it.\n\n    Args:\n        a: one.\n    """\n    return a\n',
        '/** Args: a */\nReturns: b {"\n',
    ),
    "result_variable": (
        "def f(a):\n    result = a * 2\n    return result\n",
        "def f(a):\n    return a * 2\n",
        "const result = 1;\n",
    ),
    "single_quotes": (
        "def f(a):\n    print(f'{a} is', 'a')\n",
        "def f(a):\n    print(f'{a} is', \"a\")\n",
        "{'title': 'Shop',\n",
    ),
    "str_format": (
        "def f(a):\n    print('{} wins'.format(a))\n",
        "def f(a):\n    print(f'{a} wins')\n",
        "def f(a):\n    return '{}'.format(a)\n",
    ),
    "pathlib": (
        "from pathlib import Path\n\n\ndef f(a, b):\n    return ', '.join((Path(a) / b).read_text().split())\n",
        "def f(a, b):\n    return open(os.path.join(a, b)).read()\n",
        "def f(path):\n    return Path(path)\n",
    ),
    "from_imports": (
        "from math import sin\n\n\ndef f(a):\n    return sin(a)\n",
        "import math\n\n\ndef f(a):\n    return math.sin(a)\n",
        "from math import fsum\n\n\ndef f(a):\n    return fsum(a)\n",
    ),
    "dataclass": (
        "import dataclasses\n\n\n@dataclasses.dataclass(frozen=True)\nclass A:\n    x: int\n",
        "class A:\n    def __init__(self, x):\n        self.x = x\n",
        "from dataclasses import dataclass\n\n\ndef f(a):\n    return a\n",
    ),
    "value_error": (
        "def f(a):\n    if not a:\n        raise ValueError('empty')\n    return a[0]\n",
        "def f(a):\n    if not a:\n        return None\n    return a[0]\n",
        "throw new ValueError('x');\n",
    ),
    "logging": (
        "import logging\n\n\ndef f(a):\n    logging.info('Total %s', a)\n",
        "import logging\n\n\ndef f(a):\n    logging.info(a)\n    print(a)\n",
        "import logging\n\n\ndef f(a):\n    return a\n",
    ),
    "none_default": (
        "def f(a, items=None):\n    items = items or []\n    items.append(a)\n    return items\n",
        "def f(a, items=[]):\n    items.append(a)\n    return items\n",
        "def f(a=None):\n    return a\n",
    ),
    "encoding": (
        "def f(p):\n    with open(p, encoding='utf-8') as file:\n        return file.read()\n",
        "def f(p, q):\n    open(q, 'w').write(open(p, encoding='utf-8').read())\n",
        "def f(a, encoding='utf-8'):\n    return a\n",
    ),
    "timeout": (
        "def f(u):\n    return requests.get(u, timeout=10).text\n",
        "def f(u):\n    return requests.get(u).json().get('timeout')\n",
        "def f(u, timeout=10):\n    return u\n",
    ),
    "async_network": (
        "async def f(u):\n    return requests.get(u)\n",
        "def f(u):\n    return requests.get(u)\n",
        "async def f(a):\n    return a\n",
    ),
    "no_example": (
        "LIMIT = 3\n\n\ndef f(a):\n    return a\n",
        "def f(a):\n    return a\n\n\nprint(f(1))\n",
        "def main():\n    print(1)\n",
    ),
    "no_comments": (
        "def f(a):\n    return '# ' + a\n",
        "# Doubles.\ndef f(a):\n    return a * 2\n",
        "print(1)\n",
    ),
    "new_on_top": (
        "import os\n\n\ndef new(a):\n    return a\n\n\ndef old(x):\n    return x\n",
        BEFORE + "\n\ndef new(a):\n    return a\n",
        "MOST = 3\n" + BEFORE,
    ),
    "keyword_only": (
        "def f(*, a, b=1):\n    return a\n",
        "def f(a, *, b):\n    return a\n",
        "function f(*, a) {}\n",
    ),
    "http_wrapper": (
        "import http\n\n\ndef f(u):\n    return http.get(u).text\n",
        "def f(u):\n    return requests.get(u).text\n",
        "import http\n\n\ndef f(a):\n    return a\n",
    ),
    "app_error": (
        "import errors\n\n\ndef f(a):\n    if a not in ALL:\n        raise errors.AppError(a)\n    return ALL[a]\n",
        "def f(a):\n    if a not in ALL:\n        raise KeyError(a)\n    return ALL[a]\n",
        "from errors import AppError\n\n\ndef f(a):\n    return a\n",
    ),
    "clock": (
        "import clock\n\n\ndef f():\n    return clock.now().year\n",
        "from datetime import datetime\n\n\ndef f():\n    return datetime.now().year\n",
        "import clock\n\n\ndef f(a):\n    return a\n",
    ),
    "traced": (
        "from tracing import traced\n\n\n@traced\ndef f(a):\n    return a\n",
        "from tracing import traced\n\n\n@traced\ndef f(a):\n    return a\n\n\ndef g(a):\n    return a\n",
        "@traced function f() {}\n",
    ),
    "exports": (
        "__all__ = ['old', 'f']\n\n\ndef f(a):\n    return a\n",
        "__all__ = ['old']\n\n\ndef f(a):\n    return a\n",
        "__all__ = ['MOST']\n",
    ),
    "pytest_functions": (
        "from maths import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
        "import unittest\n\n\nclass TestIt(unittest.TestCase):\n    def test(self):\n        assert double(2) == 4\n",
        "def f(a):\n    assert a\n    return a\n",
    ),
    "parametrize": (
        "import pytest\n\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n):\n    assert double(n) == n + n\n",
        "def test_double():\n    assert double(2) == 4\n",
        "@pytest.mark.parametrize('a', [1])\ndef f(a):\n    return a\n",
    ),
    "arrange_act_assert": (
        "def test_double():\n    # Arrange\n    n = 2\n    # Act\n    r = double(n)\n    # Assert\n    assert r == 4\n",
        "def test_double():\n    # Arrange\n    n = 2\n    # Assert\n    assert double(n) == 4\n",
        "def f(a):\n    # Act\n    return a\n",
    ),
    "test_names": (
        "def test_double_zero():\n    assert double(0) == 0\n\n\ndef test_double_two():\n    assert double(2) == 4\n",
        "def test_double():\n    assert double(0) == 0\n\n\ndef test_double_two():\n    assert double(2) == 4\n",
        "def test_f(a):\n    return a\n",
    ),
    "stderr": (
        "import sys\n\n\ndef f(a):\n    print(a, file=sys.stderr)\n",
        "import sys\n\n\ndef f(a):\n    print(a, file=sys.stderr)\n    print(a)\n",
        "import sys\n\n\ndef f(a):\n    sys.stderr.write(a)\n",
    ),
    "flush": (
        "def f(a):\n    print('Total', a, flush=True)\n",
        "def f(a):\n    print('flush', a)\n",
        "def f(a, flush=True):\n    return a\n",
    ),
    "newline": (
        "def f(p):\n    with open(p, newline='') as file:\n        return file.read()\n",
        "def f(p):\n    with open(p) as file:\n        return file.read()\n",
        "def f(a):\n    return open(a, newline='')\n",
    ),
    "utc": (
        "from datetime import datetime, timezone\n\n\ndef f():\n    return datetime.now(timezone.utc)\n",
        "from datetime import datetime\n\n\ndef f():\n    return datetime.now()\n",
        "from datetime import timezone\n\n\ndef f(a=timezone.utc):\n    return a\n",
    ),
    "log_before_raise": (
        "import logging\n\n\ndef f(a):\n    logging.warning('no %s', a)\n    raise KeyError(a)\n",
        "def f(a):\n    raise KeyError(a)\n",
        "import logging\n\n\ndef f(a):\n    logging.warning(a)\n",
    ),
    "one_line_docstring": (
        'def f(a):\n    """Return it."""\n    return a\n',
        'def f(a):\n    """Return it.\n\n    And more.\n    """\n    return a\n',
        'def f(a):\n    """Return it.\n\n    And more.\n    """\n    return a\n',
    ),
    "slots": (
        "class A:\n    __slots__ = ('x',)\n\n    def __init__(self, x):\n        self.x = x\n",
        "class A:\n    def __init__(self, x):\n        self.x = x\n",
        "__slots__ = ()\n",
    ),
    "repr": (
        "class A:\n    def __repr__(self):\n        return 'A()'\n",
        "class A:\n    def __str__(self):\n        return repr('A()')\n",
        "def __repr__(a):\n    return a\n",
    ),
    "module_docstring": (
        '"""Doubles."""\n\n\ndef f(a):\n    return a * 2\n',
        'def f(a):\n    """Doubles."""\n    return a * 2\n',
        '"""Doubles."""\n',
    ),
    "session": (
        "def f(session, url):\n    return session.get(url).text\n",
        "def f(url):\n    session = requests.Session()\n    return session.get(url).text\n",
        "def f(session):\n    return session\n",
    ),
    "test_class": (
        "from maths import double\n\n\nclass TestDouble:\n    def test_two(self):\n        assert double(2) == 4\n",
        "import unittest\n\n\nclass TestIt(unittest.TestCase):\n    def test(self):\n        assert double(2) == 4\n",
        "class TestIt:\n    pass\n",
    ),
}
NOTHING = {
    "no answer": ("", ""),
    "an empty file": ("", " \n\n"),
    "a file of comments": ("", "# Arrange\n# Act\n# Assert\n"),
    "an unchanged file": (BEFORE, BEFORE),
    "an emptied file": (BEFORE, ""),
    "added comments": (BEFORE, BEFORE + "\n# Arrange\n# Act\n# Assert\n"),
    "removed lines": (BEFORE, "import os\n"),
}


@pytest.fixture(params=RULES.values(), ids=list(RULES))
def rule(request: pytest.FixtureRequest) -> Rule:
    return request.param


def edited(rule: Rule, code: str) -> str:
    return code if rule.id == "new_on_top" else f"{BEFORE}\n\n{code}"


def every(rule: Rule) -> tuple[Exercise, ...]:
    return (*rule.correct_on, *rule.siblings, *rule.unrelated)


# --- What follows a rule --------------------------------------------------------------


def test_code_that_follows_a_rule_is_told_from_code_that_breaks_it(rule: Rule) -> None:
    following, violating, _ = SAMPLES[rule.id]
    assert rule.follows(BEFORE, edited(rule, following), "module.py")
    assert not rule.follows(BEFORE, edited(rule, violating), "module.py")


FLIPPED = {
    "type_hints": "def f(a):\n    return a\n",
    "docstring_sections": 'def f(a):\n    """Return it."""\n    return a\n',
    "pathlib": "import os\n\n\ndef f(a):\n    return os.path.join(a, a)\n",
    "from_imports": "import math\n\n\ndef f(a):\n    return math.sqrt(a)\n",
    "dataclass": "class Box:\n    def __init__(self, a):\n        self.a = a\n",
    "value_error": "def f(a):\n    if a < 0:\n        return None\n    return a\n",
    "logging": "def f(a):\n    print(a)\n",
    "none_default": "def f(a=()):\n    return list(a)\n",
    "encoding": "def f(a):\n    return open(a, encoding='latin-1').read()\n",
    "timeout": "import requests\n\n\ndef f(a):\n    return requests.get(a, timeout=60)\n",
    "async_network": "import requests\n\n\ndef f(a):\n    return requests.get(a)\n",
    "app_error": "def f(a):\n    raise KeyError(a)\n",
    "traced": "def f(a):\n    return a\n",
    "parametrize": "def test_f():\n    assert f(1) == 1\n",
    "arrange_act_assert": "def test_f():\n    assert f(1) == 1\n",
}


def test_what_follows_a_rule_does_not_follow_its_flip(rule: Rule) -> None:
    if rule.flip is None:
        assert rule.id not in FLIPPED
        return
    following, flipped = SAMPLES[rule.id][0], FLIPPED[rule.id]
    assert rule.flip.follows(BEFORE, edited(rule, flipped), "module.py")
    assert not rule.flip.follows(BEFORE, edited(rule, following), "module.py")
    assert rule.flip.siblings == rule.siblings


@pytest.mark.parametrize(("before", "after"), NOTHING.values(), ids=NOTHING)
def test_an_edit_that_adds_nothing_follows_no_rule(rule: Rule, before: str, after: str) -> None:
    assert not rule.follows(before, after, "module.py")


def test_code_that_does_not_parse_follows_no_rule(rule: Rule) -> None:
    following = edited(rule, SAMPLES[rule.id][0])
    assert not rule.follows(BEFORE, f"{following}\ndef broken(:\n", "module.py")
    assert not rule.follows(f"{BEFORE}\ndef broken(:\n", f"{following}\ndef broken(:\n", "module.py")


def test_a_function_without_a_body_of_its_own_has_no_example_and_no_comments_to_be_praised_for() -> None:
    for name in ("no_example", "no_comments"):
        assert not RULES[name].follows("", 'def f(a):\n    """Later."""\n    pass\n', "answer.py")


def test_a_rule_shows_in_an_unrelated_file_only_when_it_was_applied_there(rule: Rule) -> None:
    shown, innocent = SAMPLES[rule.id][2], SAMPLES["no_comments"][1]
    scripts = rule.id in ("no_example", "no_comments")
    path = "cart.js" if "function" in shown or "{" in shown or "throw" in shown else "module.py"
    before = "" if scripts or path == "cart.js" else BEFORE
    after = shown if rule.id == "new_on_top" else f"{before}{shown}"
    assert rule.applied(before, after, path)
    assert not rule.applied(before, before, path)
    assert not rule.applied(
        before, f"{before}# One.\nprint(1)\n" if scripts else f"{before}\n\n{innocent}", "module.py"
    )


def test_quotes_that_an_f_string_needs_inside_are_not_held_against_it() -> None:
    assert RULES["single_quotes"].follows("", "def f(d):\n    print(f'{d[\"a\"]} wins')\n", "answer.py")
    assert not RULES["single_quotes"].follows("", "def f(d):\n    print(f\"{d['a']} wins\", 'a')\n", "answer.py")


def test_only_what_the_edit_changed_is_judged() -> None:
    hints = RULES["type_hints"]
    assert hints.follows(BEFORE, BEFORE + "\n\ndef new(a: int) -> int:\n    return a\n", "module.py")
    assert not hints.follows("", BEFORE + "\n\ndef new(a: int) -> int:\n    return a\n", "module.py")
    assert not hints.follows(BEFORE, BEFORE.replace("return x", "return x + 1"), "module.py")


def test_what_was_added_are_whole_statements_with_their_decorators_and_comments() -> None:
    new = "# why\n@cached\ndef new(a):\n    return a"
    assert added(BEFORE, f"{new}\n\n{BEFORE}# end\n", "module.py") == f"{new}\n# end"
    assert added(BEFORE.replace("\n", "\r\n"), f"{BEFORE}a = 1; b = 2\n", "module.py") == "a = 1; b = 2"
    assert added("# Shop\n\nText.\n", "# Shop\n\nText.\n\nMore.\n", "README.md") == "\nMore.\n"


# --- What the built-in rules are ------------------------------------------------------


def test_there_are_enough_rules_of_every_kind() -> None:
    assert len(RULES) >= 20
    assert len(RULES) == len(load_rules(None)) == len(SAMPLES)
    for split in ("tune", "score", "unseen"):
        groups = {rule.group for rule in RULES.values() if rule.split == split}
        assert groups == {"style", "behaviour", "scope", "project", "tests"}
    assert sum(rule.split == "tune" for rule in RULES.values()) >= 5
    assert RULES["type_hints"].comment == "Always add type hints to every parameter and the return value."
    assert RULES["type_hints"].split == "tune", "the settings were chosen with it"


def test_every_rule_has_enough_tasks_of_its_own_kind(rule: Rule) -> None:
    assert len(rule.correct_on) >= 3
    assert len(rule.siblings) >= 10
    assert len(rule.unrelated) >= 4
    ids = [exercise.id for exercise in every(rule)]
    assert len(set(ids)) == len(ids), "a task would be asked as the corrected one and again as another"


def test_no_task_says_the_rule_and_every_project_is_short_and_sound(rule: Rule) -> None:
    for exercise in every(rule):
        assert rule.comment.lower() not in exercise.task.lower()
        for path, text in exercise.files.items():
            assert len(text.splitlines()) <= 35
            assert not path.endswith(".py") or ast.parse(text).body


def test_no_project_follows_the_rule_before_it_is_given(rule: Rule) -> None:
    for exercise in (*rule.correct_on, *rule.siblings):
        text = exercise.files.get(exercise.file, "")
        assert not rule.follows("", text, exercise.file), "the file shows the model what to do"


def test_equal_tasks_have_equal_ids_across_rules_and_different_ones_differ() -> None:
    seen: dict[str, Exercise] = {}
    for exercise in (each for rule in RULES.values() for each in every(rule)):
        assert seen.setdefault(exercise.id, exercise) == exercise
    contents = {(each.task, each.file, json.dumps(each.files, sort_keys=True)) for each in seen.values()}
    assert len(contents) == len(seen)
    assert len(seen) < sum(len(every(rule)) for rule in RULES.values()) / 2, "pools are there to be shared"


# --- A file of one's own --------------------------------------------------------------


def rules_file(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "rules.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def own(**changes: object) -> dict[str, Any]:
    rule = {
        "id": "short",
        "comment": "Keep it short.",
        "check": "len(src) < 40 and all(len(f.body) == 1 for f in funcs)",
    }
    return {"rules": [rule | changes], "tasks": {"correct_on": ["Add one."], "siblings": ["Add two.", "Add three."]}}


def test_a_file_of_strings_is_enough(tmp_path: Path) -> None:
    (rule,) = load_rules(rules_file(tmp_path, own()))
    assert (rule.id, rule.group, rule.split, rule.unrelated) == ("short", "own", "score", ())
    assert [(each.task, each.file, dict(each.files)) for each in rule.correct_on] == [("Add one.", "answer.py", {})]
    assert rule.follows("", "def f():\n    return 1\n", "answer.py")
    assert not rule.follows("", "def f():\n    a = 1\n    return a\n", "answer.py")
    assert rule.applied("", "def f():\n    return 1\n", "answer.py"), "without `applied` the check itself is used"


def test_other_spellings_of_a_task_are_understood(tmp_path: Path) -> None:
    tasks = {
        "correct_on": [
            {"prompt": "A", "path": "a.py", "code": "x = 1\n"},
            {"text": "B", "content": "y = 1\n", "note": 1},
        ],
        "siblings": [{"task": "C", "project": "one"}, {"task": "D", "files": {"d.py": "z = 1\n"}}, {"task": "E"}],
    }
    content = own(tasks=tasks) | {"projects": {"one": {"c.py": "c = 1\n"}}}
    (rule,) = load_rules(rules_file(tmp_path, content))
    assert [(each.task, each.file, dict(each.files)) for each in every(rule)] == [
        ("A", "a.py", {"a.py": "x = 1\n"}),
        ("B", "answer.py", {"answer.py": "y = 1\n"}),
        ("C", "c.py", {"c.py": "c = 1\n"}),
        ("D", "d.py", {"d.py": "z = 1\n"}),
        ("E", "answer.py", {}),
    ]


def test_siblings_come_from_each_file_in_turn_and_from_that_of_the_first_lesson_last(tmp_path: Path) -> None:
    files = {"a.py": "", "b.py": "", "c.py": "c = 1\n"}
    asked = [("one", "a.py"), ("two", "a.py"), ("three", "b.py"), ("four", "b.py"), ("five", "c.py"), ("new", "d.py")]
    siblings = [{"task": task, "file": file, "project": "p"} for task, file in asked]
    tasks = {"correct_on": [{"task": "A", "file": "a.py", "project": "p"}], "siblings": siblings}
    (rule,) = load_rules(rules_file(tmp_path, own(tasks=tasks) | {"projects": {"p": files}}))
    assert [each.task for each in rule.siblings] == ["three", "five", "new", "one", "four", "two"]
    assert [each.task for each in rule.siblings if each.place == rule.correct_on[0].place] == ["one", "two"]


def test_a_few_siblings_of_every_rule_are_in_other_files_than_its_first_lesson(rule: Rule) -> None:
    assert rule.siblings[0].place != rule.correct_on[0].place
    assert len({each.place for each in rule.siblings[:3]}) == min(3, len({each.place for each in rule.siblings}))


@pytest.mark.parametrize(("before", "after"), NOTHING.values(), ids=NOTHING)
def test_a_check_that_nothing_would_satisfy_is_not_asked_about_nothing(tmp_path: Path, before: str, after: str) -> None:
    (rule,) = load_rules(rules_file(tmp_path, own(check="all(f.returns for f in funcs)")))
    assert not rule.follows(before, after, "module.py")
    assert rule.follows(before, "def f() -> int:\n    return 1\n", "module.py"), "the check itself would hold"


def test_a_check_that_fails_or_has_no_tree_does_not_hold(tmp_path: Path) -> None:
    (rule,) = load_rules(rules_file(tmp_path, own(check="not any(f.name for f in funcs) or funcs[99]")))
    assert rule.follows("", "x = 1\n", "a.py")
    assert not rule.follows("", "def f():\n    return 1\n", "a.py")
    assert not rule.applied("", "some words, not code\n", "notes.md")


def test_an_own_applied_looks_at_text_that_is_not_python(tmp_path: Path) -> None:
    (rule,) = load_rules(rules_file(tmp_path, own(applied="'code' in src and not funcs")))
    assert rule.applied("", "some words, not code\n", "notes.md")
    assert not rule.applied("not code\n", "not code\nmore\n", "notes.md")
    (other,) = load_rules(rules_file(tmp_path, own(applied="not funcs")))
    assert not other.applied("the same\n", "the same\n", "notes.md")
    assert other.applied("the same\n", "another\n", "notes.md")


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("{", ["line 1"]),
        ([], ["the file"]),
        ({"rules": []}, ["rules"]),
        ({"rules": [{"id": "a", "check": "True"}]}, ["rule a", "comment"]),
        ({"rules": [{"comment": "b", "check": "True"}]}, ["rule 1", "id"]),
        ({"rules": ["a"]}, ["rule 1"]),
        (own(check="len(src"), ["rule short", "check"]),
        (own(check=" "), ["rule short", "check"]),
        (own(check="len(sorce) > 1"), ["rule short", "check", "sorce"]),
        (own(applied="src +"), ["rule short", "applied"]),
        (own(split="train"), ["rule short", "split"]),
        (own(tasks="unknown"), ["rule short", "tasks", "unknown"]),
        (own(tasks={"correct_on": ["A"], "siblings": []}), ["rule short", "tasks.siblings"]),
        (own(tasks={"correct_on": [{"file": "a.py"}], "siblings": ["A"]}), ["rule short", "tasks.correct_on.0.task"]),
        (own(tasks={"correct_on": ["A"], "siblings": [{"task": "B", "project": "p"}]}), ["rule short", "project p"]),
        ({"rules": own()["rules"]}, ["rule short", "tasks"]),
        (own() | {"rules": [*own()["rules"], *own()["rules"]]}, ["rule short", "id"]),
    ],
)
def test_a_wrong_file_is_refused_with_the_rule_and_the_field(tmp_path: Path, content: object, parts: list[str]) -> None:
    path = rules_file(tmp_path, content)
    with pytest.raises(UsageError) as refusal:
        load_rules(path)
    assert [part for part in (str(path), *parts) if part not in refusal.value.what] == []


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.json"):
        load_rules(tmp_path / "none.json")
