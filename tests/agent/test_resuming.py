"""Where an answer that ends too early goes on: it lacks what the task asked for, and a whole answer has it."""

from __future__ import annotations

import pytest

from continual_code.agent.formats import Wanted

WHOLE = "```python\ndef mean(values):\n    return 0\n\n\ndef median(values):\n    return 1\n```"
EXPORTS = "```python\n__all__ = ['mean', 'median']\n```"


def goes_on(
    answer: str, whole: str = WHOLE, names: tuple[str, ...] = ("median",), path: str = "stats.py"
) -> str | None:
    return Wanted(path, frozenset(names)).resumed(answer, whole)


def test_it_goes_on_with_the_name_of_what_is_missing():
    assert goes_on(EXPORTS) == "```python\n__all__ = ['mean', 'median']\n\n\ndef median"


def test_how_the_definition_goes_on_is_open():
    typed = WHOLE.replace("median(values):", "median(values: list[float]) -> float:")
    assert goes_on(EXPORTS, typed).endswith("def median")


def test_a_name_that_is_part_of_a_keyword_is_begun_whole():
    assert goes_on(EXPORTS, WHOLE.replace("median", "e"), ("e",)).endswith("def e")


def test_the_first_that_is_missing_comes_first():
    assert goes_on(EXPORTS, names=("median", "mean")).endswith("]\ndef mean")


def test_talk_before_the_code_stays():
    assert goes_on(f"Here it is:\n\n{EXPORTS}").startswith("Here it is:\n\n```python\n__all__")


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,  # nothing is missing
        "```python\n__all__ = ['mean'\n```",  # it does not compile
        "```python\n__all__ = ['mean', 'median']",  # it has not ended
        "I would not do that.",
    ],
)
def test_an_answer_that_does_not_merely_end_too_early_does_not_go_on(answer: str):
    assert goes_on(answer) is None


def test_what_the_other_answer_does_not_have_cannot_be_begun():
    assert goes_on(EXPORTS, names=("mode",)) is None
    assert goes_on(EXPORTS, "No code.") is None


def test_what_the_answer_newly_puts_above_its_kind_stands_above_it():
    one = "```python\n@traced\ndef mean(values):\n    return 1\n```"
    assert goes_on(one).endswith("return 1\n\n\n@traced\ndef median")
    bare, decorated = one.replace("@traced\n", ""), WHOLE.replace("def median", "@cache\ndef median")
    assert goes_on(bare, decorated).endswith("return 1\n\n\n@cache\ndef median"), "as it was"
    assert goes_on(EXPORTS, decorated).endswith("]\n\n\n@cache\ndef median"), "there is none of its kind in it"
    both = decorated.replace("def mean", "@cache\ndef mean")
    assert goes_on(bare, both).endswith("return 1\n\n\ndef median"), "the answer takes it off"


def test_what_belongs_to_another_definition_stays_there():
    routes = WHOLE.replace("def mean", '@get("/mean")\ndef mean').replace("def median", '@get("/median")\ndef median')
    answer = routes.partition("\n\n\n")[0] + "\n```"
    assert goes_on(answer, routes).endswith('return 0\n\n\n@get("/median")\ndef median')
    nested = "```python\ndef mean(f):\n    @wraps(f)\n    def inner():\n        return 1\n    return inner\n```"
    assert goes_on(nested).endswith("return inner\n\n\ndef median")


def test_a_method_is_not_begun_for_nobody_knows_where():
    pay, close = (f"    def {name}(self):\n        return 1\n" for name in ("pay", "close"))
    whole = f"```python\nclass Account:\n{pay}\n{close}```"
    assert goes_on(whole.partition("\n\n")[0] + "\n```", whole, ("close",), "account.py") is None


def test_other_languages_are_begun_as_they_are():
    mean, median = (f"export function {name}(a) {{\n  return 1;\n}}\n" for name in ("mean", "median"))
    whole = f"```javascript\n{mean}\n{median}```"
    answer = whole.partition("\n\n")[0] + "\n```"
    assert goes_on(answer, whole, path="stats.js").endswith("}\n\nexport function median")
