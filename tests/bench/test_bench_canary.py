"""An answer passes a canary problem exactly when its function is right, and does no harm while it is tried."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

import pytest

from continual_code.bench.lessons.canary import Problem, load_problems, passes
from continual_code.errors import UsageError
from continual_code.workspace import sandbox_available

BUILT_IN = load_problems(None, 12)
REASON = sandbox_available() or ""
UNCONFINED = "Function not implemented" in REASON or "Operation not supported" in REASON  # no Landlock, or off
if UNCONFINED:
    print(f"skipping the canary tests that run code: {REASON}")
runs_code = pytest.mark.skipif(UNCONFINED, reason=REASON)

DOUBLE = Problem(
    "t/0",
    'import math\n\n\ndef half(x):\n    return x / 2\n\n\ndef double(x):\n    """Twice x."""\n',
    "double",
    "    return math.floor(half(x) * 4)\n",
    "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(0) == 0\n",
)


def fenced(code: str) -> str:
    return f"Here you are:\n\n```python\n{code}```\n\nIt works because it does."


def whole(problem: Problem) -> str:
    return fenced(problem.prompt + problem.canonical_solution)


@runs_code
@pytest.mark.parametrize("problem", BUILT_IN, ids=[problem.entry_point for problem in BUILT_IN])
def test_the_known_solution_passes_and_no_solution_does_not(problem: Problem) -> None:
    assert passes(problem, whole(problem))
    assert not passes(problem, fenced(f"{problem.prompt}    pass\n"))


@runs_code
@pytest.mark.parametrize(
    "answer",
    [
        whole(DOUBLE),
        fenced(DOUBLE.canonical_solution),
        fenced(textwrap.dedent(DOUBLE.canonical_solution)),
        fenced("def double(x):\n    return math.floor(half(x) * 4)\n"),
        "def double(x):\n    return 2 * x\n",
        fenced("def double(x):\n    return 2 * x\n\nif __name__ == '__main__':\n    print(double(int(input())))\n"),
    ],
    ids=["everything", "a body", "a bare body", "the function alone", "no fence", "a demonstration at the end"],
)
def test_a_right_answer_passes_in_whatever_form_it_comes(answer: str) -> None:
    assert passes(DOUBLE, answer)


@runs_code
@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I would rather not.",
        fenced(""),
        fenced("def double(x):\n    return x\n"),
        fenced("def double(x)\n    return 2 * x\n"),
        fenced("def triple(x):\n    return 2 * x\n"),
        fenced("import sys\nsys.exit(0)\ndef double(x):\n    return 2 * x\n"),
        fenced("def double(x):\n    raise SystemExit(0)\n"),
        fenced("import os\ndef double(x):\n    os._exit(0)\n"),
        fenced("def double(x):\n    while True:\n        print(x)\n"),
        fenced("def double(x):\n    return '\ud800\x00'\n"),
    ],
    ids=[
        "nothing", "a refusal", "an empty block", "wrong", "no Python", "another name", "exit at once",
        "exit when called", "exit past everything", "output without end", "not even text",
    ],
)  # fmt: skip
def test_a_wrong_answer_does_not_pass(answer: str) -> None:
    assert not passes(DOUBLE, answer)


@runs_code
def test_an_answer_that_never_ends_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("continual_code.bench.lessons.canary._SECONDS", 1.0)
    assert not passes(DOUBLE, fenced("def double(x):\n    while True:\n        pass\n"))


@runs_code
def test_an_answer_changes_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    answer = f"def double(x):\n    open({str(mark)!r}, 'a').write('x')\n    return 2 * x\n"
    assert not passes(DOUBLE, fenced(answer))
    assert not mark.exists()
    subprocess.run([sys.executable, "-c", f"{answer}\ndouble(1)"], check=True)
    assert mark.exists(), "the answer writes nothing even without the sandbox"


def test_the_question_shows_the_function_and_nothing_of_its_tests() -> None:
    (message,) = DOUBLE.messages
    assert message.role == "user"
    assert DOUBLE.prompt.rstrip() in message.content
    assert "candidate" not in message.content
    assert "floor" not in message.content


@pytest.mark.parametrize("name", ["problems.jsonl", "problems.jsonl.gz"])
def test_problems_are_taken_evenly_from_a_file(name: str, tmp_path: Path) -> None:
    rows = [asdict(DOUBLE) | {"task_id": f"t/{number}", "extra": 1} for number in range(10)]
    data = "\n".join(map(json.dumps, rows)).encode() + b"\n"
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert [problem.task_id for problem in load_problems(tmp_path / name, 4)] == ["t/0", "t/2", "t/5", "t/7"]
    assert len(load_problems(tmp_path / name, 99)) == 10


@pytest.mark.parametrize("data", [b"", b"{}\n", b"no json\n", b'["a"]\n', b"\xff\xfe"])
def test_a_file_without_problems_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    path.write_bytes(data)
    with pytest.raises(UsageError):
        load_problems(path, 1)
    path.with_suffix(".gz").write_bytes(data)
    with pytest.raises(UsageError):
        load_problems(path.with_suffix(".gz"), 1)
    with pytest.raises(UsageError):
        load_problems(tmp_path / "missing", 1)


def test_no_problem_at_all_is_refused() -> None:
    with pytest.raises(UsageError):
        load_problems(None, 0)
