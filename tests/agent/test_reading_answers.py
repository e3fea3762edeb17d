"""What is read out of the answers that small models really give."""

from __future__ import annotations

from textwrap import dedent

import pytest

from continual_code.agent.formats import Wanted, asked_for, read_answer, through_code
from continual_code.errors import ProposalError

CODE = "import os\n\n\ndef root():\n    return os.sep\n"
KNOWN = ("src/app.py", "src/util.py", "tests/test_app.py", "README.md")

UGLY = {
    "a plain block": f"```python\n{CODE}```",
    "no language tag": f"```\n{CODE}```",
    "prose before and after": f"Sure! Here it is.\n\n```python\n{CODE}```\nI hope this helps.",
    "four backticks": f"````python\n{CODE}````",
    "tildes": f"~~~python\n{CODE}~~~",
    "a longer closing fence": f"```python\n{CODE}````",
    "the fence closed twice": f"```python\n{CODE}```\n```",
    "a title in the fence": f"```python title=src/app.py\n{CODE}```",
    "a quoted title": f'```python title="src/app.py"\n{CODE}```',
    "the path as the tag": f"```src/app.py\n{CODE}```",
    "tag and path with a colon": f"```python:src/app.py\n{CODE}```",
    "an attribute block": f"```{{.python file=src/app.py}}\n{CODE}```",
    "a path line": f"src/app.py\n```python\n{CODE}```",
    "a path line in backticks": f"`src/app.py`\n```python\n{CODE}```",
    "a path line in bold": f"**src/app.py**\n\n```python\n{CODE}```",
    "a bold label": f"**File: `src/app.py`**\n```python\n{CODE}```",
    "a heading": f"### src/app.py:\n```python\n{CODE}```",
    "a label": f"File: src/app.py\n```python\n{CODE}```",
    "a git prefix": f"a/src/app.py\n```python\n{CODE}```",
    "a dot prefix": f"./src/app.py\n```python\n{CODE}```",
    "a made-up absolute prefix": f"/repo/work/src/app.py\n```python\n{CODE}```",
    "only the file name": f"app.py\n```python\n{CODE}```",
    "a remark behind the path": f"`src/app.py` (updated)\n```python\n{CODE}```",
    "a made-up name": f"your_file.py\n```python\n{CODE}```",
    "a path comment inside": f"```python\n# path: src/app.py\n{CODE}```",
    "a bare path inside": f"```python\nsrc/app.py\n{CODE}```",
    "a fence behind prose": f"Here is the code: ```python\n{CODE}```",
    "a bold fence": f"**```python**\n{CODE}**```**",
    "a list item": "1. ```python\n" + "".join(f"   {line}".rstrip() + "\n" for line in CODE.split("\n")) + "   ```",
    "an indented fence": "  ```python\n" + "".join(f"  {line}".rstrip() + "\n" for line in CODE.split("\n")) + "  ```",
    "the closing fence glued to the code": f"```python\n{CODE.rstrip()}```",
    "windows line ends": f"```python\r\n{CODE}```".replace("\r\n", "\n").replace("\n", "\r\n"),
    "no fence at all": CODE,
    "no fence but a path line": f"src/app.py\n{CODE}",
    "only the closing fence": f"{CODE}```",
    "a shell block first": f"```bash\npip install it\n```\nThen:\n```python\n{CODE}```",
    "another file beside it": f"src/util.py\n```python\nX = 1\n\n{CODE}{CODE}```\nsrc/app.py\n```python\n{CODE}```",
    "an example of use after it": f"```python\n{CODE}```\nUse it:\n```\nroot()\n```\nDone.",
    "an unclosed example after it": f"```python\n{CODE}```\nUse it:\n```python\nroot()",
}


@pytest.mark.parametrize("answer", UGLY.values(), ids=UGLY.keys())
def test_the_code_is_found_whatever_surrounds_it(answer: str) -> None:
    read = read_answer(answer, "src/app.py", KNOWN)
    assert (read.path, read.code, read.complete) == ("src/app.py", CODE, True)


NESTED = {
    "a docstring with a bare fence": '```python\n"""Use:\n\n```\nroot()\n```\n"""\nX = 1\n```\nThat is all.',
    "a docstring with a tagged fence": '```python\n"""Use:\n\n```python\nroot()\n```\n"""\nX = 1\n```',
    "a longer fence around": '````python\n"""Use:\n\n```\nroot()\n```\n"""\nX = 1\n````',
    "tildes around": '~~~python\n"""Use:\n\n```\nroot()\n```\n"""\nX = 1\n~~~',
}


@pytest.mark.parametrize("answer", NESTED.values(), ids=NESTED.keys())
def test_a_fence_in_a_docstring_does_not_cut_the_file(answer: str) -> None:
    code = read_answer(answer, "src/app.py").code
    assert code.startswith('"""Use:')
    assert code.endswith('"""\nX = 1\n')


MARKDOWN = "# Title\n\n```bash\nmake\n```\n\nThen\n\n```\nrun\n```\n\nThe end.\n"


@pytest.mark.parametrize(
    "answer",
    [f"```markdown\n{MARKDOWN}```\nDone.", f"README.md\n```\n{MARKDOWN}```", f"````md\n{MARKDOWN}````", MARKDOWN],
    ids=["tagged", "untagged", "longer", "no fence around"],
)
def test_fences_in_a_markdown_file_do_not_cut_it(answer: str) -> None:
    assert read_answer(answer, "README.md", KNOWN).code == MARKDOWN


def test_a_template_string_with_a_fence_does_not_cut_a_script() -> None:
    code = "export function help() {\n  return `\n```\nrun\n```\n`;\n}\n"
    assert read_answer(f"```js\n{code}```\nBye.", "help.js").code == code


def test_a_block_that_never_closes_is_marked_incomplete() -> None:
    read = read_answer("```python\nimport os\n\ndef root():\n    return os.", "src/app.py")
    assert not read.complete
    assert read.code.endswith("return os.\n")


def test_of_several_unnamed_blocks_the_largest_counts() -> None:
    answer = f"First install:\n```\npip install it\n```\nthen\n```python\n{CODE}```\nand\n```python\nroot()\n```"
    assert read_answer(answer, "src/app.py", KNOWN).code == CODE


def test_a_known_other_path_is_reported_instead_of_overwriting_the_target() -> None:
    read = read_answer(f"src/util.py\n```python\n{CODE}```", "src/app.py", KNOWN)
    assert read.path == "src/util.py"


def test_an_indented_method_keeps_its_indentation() -> None:
    method = "    def load(self):\n        return 1\n"
    assert read_answer(f"```python\n{method}```", "src/app.py").code == method


def test_a_first_comment_that_is_not_a_label_stays() -> None:
    code = "# app.py does everything\nX = 1\n"
    assert read_answer(f"```python\n{code}```", "src/app.py").code == code


NO_CODE = {
    "nothing": "",
    "an apology": "I am sorry, I cannot do that.",
    "one word that parses": "Sure",
    "an empty block": "```python\n```",
    "only fences": "```\n```\n```",
    "prose for an unknown language": "Change the second line.",
}


@pytest.mark.parametrize("answer", NO_CODE.values(), ids=NO_CODE.keys())
def test_an_answer_without_code_is_refused_in_words(answer: str) -> None:
    with pytest.raises(ProposalError, match="no code block"):
        read_answer(answer, "src/app.py", KNOWN)


def test_unfenced_json_is_read() -> None:
    text = dedent("""\
        {
          "name": "x"
        }
    """)
    assert read_answer(text, "package.json").code == text


@pytest.mark.parametrize(
    ("answer", "path", "sound"),
    [
        ("```python\ndef f():\n    return 1\n```", "a.py", True),
        ("```python\ndef f():\n    return 1\n\nresult = f()\nreturn result\n```", "a.py", False),
        ("```python\n    def method(self):\n        return 1\n```", "a.py", True),
        ("```js\nfunction f( {\n```", "a.js", False),
        ("You are welcome!", "a.py", False),
        ("```\nanything goes {{{\n```", "notes.txt", True),
    ],
)
def test_an_answer_is_sound_when_its_code_compiles(answer: str, path: str, sound: bool) -> None:
    assert Wanted(path).is_sound(answer) == sound


def test_an_answer_is_sound_only_with_what_it_has_to_define() -> None:
    answer = "```python\nclass Store:\n    def count(self):\n        return 1\n```"
    assert Wanted("a.py", frozenset({"Store", "count"})).is_sound(answer)
    assert not Wanted("a.py", frozenset({"Store", "remove"})).is_sound(answer)


ANSWERED = "Sure:\n```python\ndef f():\n    return 1\n```"
EXAMPLE = '```python\ndef f():\n    """Call it:\n    ```\n    f()\n    ```'


@pytest.mark.parametrize(
    ("begun", "path", "whole"),
    [
        (ANSWERED, "a.py", True),
        (f"{ANSWERED}\n\nThis function returns", "a.py", True),
        (ANSWERED.removesuffix("`"), "a.py", False),
        (ANSWERED.replace("return 1", "return ("), "a.py", False),
        (ANSWERED.replace("f()", "g()"), "a.py", False),  # the one that was asked for may still come
        (EXAMPLE, "a.py", False),  # a fence within the code closes nothing
        (f'{EXAMPLE}\n    """\n    return 1\n```\n', "a.py", True),
        ("```python\ndef f():\n    pass\n", "a.py", False),
        ("# Title\n```\nnpm install\n```\n", "README.md", False),  # more of the page may follow
        ("```\nkey: value\n```", "a.yaml", False),  # whether that was all nobody can tell
    ],
)
def test_an_answer_is_whole_once_the_code_that_was_asked_for_has_closed(begun: str, path: str, whole: bool) -> None:
    assert Wanted(path, frozenset({"f"} if path == "a.py" else ())).is_whole(begun) == whole


def test_what_is_said_after_the_code_is_no_part_of_it() -> None:
    assert through_code(f"{ANSWERED}\nIt returns 1.", "a.py") == ANSWERED


@pytest.mark.parametrize(
    ("task", "comment", "names"),
    [
        ("Add a function copies(title), please.", "Add type hints.", {"copies"}),
        ("Add something that counts.", "Add type hints.", set()),  # the name was the model's idea
        ("Add copies beside add_book.", "Add type hints.", {"copies"}),  # add_book was there already
        ("Add copies.", "Call it count_copies instead of copies.", set()),
    ],
)
def test_what_a_task_asks_for_is_what_the_edit_adds_under_a_name_that_the_task_gives(
    task: str, comment: str, names: set[str]
) -> None:
    before = "def add_book(title):\n    pass\n"
    after = before + "\n\ndef copies(title):\n    return 1\n"
    assert asked_for(task, before, after, "books.py", comment) == names
    assert asked_for(task, None, after, "books.py", comment) >= names
