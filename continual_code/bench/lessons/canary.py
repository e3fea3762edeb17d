"""Small programming problems that have nothing to do with any lesson: what a lesson broke shows here first.

Invariant: an answer counts only if its function passes every test to the end, and code that a model wrote is run in
the sandbox or not at all.
"""

from __future__ import annotations

import ast
import gzip
import json
import secrets
import sys
import tempfile
import textwrap
import zlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from continual_code.agent.formats import read_answer
from continual_code.agent.syntax import python_tree
from continual_code.errors import ProposalError, UsageError
from continual_code.events import Message
from continual_code.workspace import run_sandboxed

_BUILT_IN = Path(__file__).with_name("canary.json")
_ASK = "Complete this Python function. Answer with the whole function in one code block and nothing else."
# The file is not run as `__main__`, so an answer's own demonstration at its end stays silent.
_RUN = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='answer'); print(sys.argv[2])"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Problem:
    """One function to complete, in the form of HumanEval (Chen et al. 2021, arXiv:2107.03374).

    `prompt` ends with the function's docstring, `canonical_solution` is its body, and `test` defines
    `check(candidate)`, which raises when the function is wrong.
    """

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str

    @property
    def messages(self) -> tuple[Message, ...]:
        """The question for a chat model."""
        return (Message("user", f"{_ASK}\n\n```python\n{self.prompt.rstrip()}\n```"),)


def load_problems(path: Path | None, count: int) -> tuple[Problem, ...]:
    """`count` problems, evenly spaced, or all if there are fewer.

    Args:
        path: a file with one JSON object a line, compressed if it ends in ".gz"; None for the twelve built in.
        count: how many, at least 1.

    Raises:
        UsageError: the file cannot be read or is not in this form, or `count` is below 1.
    """
    problems = _built_in() if path is None else _read(path)
    if count < 1 or not problems:
        raise UsageError("There is no problem to solve.", do="Ask for at least one, from a file that has some.")
    wanted = min(count, len(problems))
    return tuple(problems[index * len(problems) // wanted] for index in range(wanted))


def passes(problem: Problem, answer: str) -> bool:
    """Whether the function in a model's answer passes the problem's tests within ten seconds.

    Raises:
        SandboxUnavailable: this system cannot confine the answer, so it was not run.
    """
    try:
        code = read_answer(answer, "answer.py").code
    except ProposalError:
        return False
    # Only reached when `check` returned: an answer that ends the program early exits with 0 but does not say this.
    word = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "answer.py")
        file.write_text(_program(problem, code), encoding="utf-8", errors="replace")
        command = [sys.executable, "-I", "-S", "-c", _RUN, str(file), word]
        finished = run_sandboxed(command, root=Path(folder), seconds=_SECONDS)
    return finished.returncode == 0 and finished.stdout.endswith(f"{word}\n")


def _program(problem: Problem, code: str) -> str:
    whole = _defines(code, problem.entry_point)
    before, _, _ = problem.prompt.partition(f"def {problem.entry_point}(")
    function = before + code if whole else problem.prompt + textwrap.indent(textwrap.dedent(code), "    ")
    return f"{function}\n\n{problem.test}\n\ncheck({problem.entry_point})\n"


def _defines(code: str, name: str) -> bool:
    tree = python_tree(textwrap.dedent(code))
    return tree is not None and any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def _built_in() -> list[Problem]:
    return TypeAdapter(list[Problem]).validate_json(_BUILT_IN.read_bytes())


def _read(path: Path) -> list[Problem]:
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return TypeAdapter(list[Problem]).validate_python([json.loads(line) for line in data.splitlines() if line])
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{path} holds no problems: {reason}.", do="Give a file in the form of HumanEval.") from None
