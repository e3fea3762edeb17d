"""How well names match the words of a task, by BM25 over identifiers split into words.

The ranking looks at names only (paths, symbols), so that it can be explained: a file is
chosen because it is called what the task talks about. Equal scores keep their order.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_K1, _B = 1.2, 0.5  # the usual saturation; half the usual length penalty, because long files are not less relevant
# Words that tasks use about code in general, and that would match names by accident.
_COMMON = """
a an and are as at be but by can do does for from has have if in into is it its let make new no not of on one or please
should so than that the then there this to up use using was we when which will with you your
add change fix update write create implement rename remove delete improve refactor edit modify
function method class file code module variable argument parameter return returns value def self py js ts go rs java
"""
_STOP_WORDS = frozenset(_COMMON.split())


def words(text: str) -> list[str]:
    """The lower-case words of a text; identifiers are split at case and underscores, plural "s" is dropped."""
    return [_singular(word.lower()) for word in _WORD.findall(text)]


def task_words(text: str) -> list[str]:
    """The words of a task that say what it is about, each once."""
    return [word for word in dict.fromkeys(words(text)) if word not in _STOP_WORDS and len(word) > 1]


def scores(task: Sequence[str], documents: Mapping[str, Iterable[str]]) -> dict[str, float]:
    """The BM25 score of each document for the words of a task; 0 where nothing matches.

    Args:
        task: `task_words`.
        documents: words of each document by its name; a word that counts double stands twice. A Counter serves too.
    """
    counts = {name: Counter(document) for name, document in documents.items()}
    mean = sum(count.total() for count in counts.values()) / max(1, len(counts)) or 1.0
    rarity = {word: _rarity(sum(word in count for count in counts.values()), len(counts)) for word in task}
    return {
        name: sum(rarity[word] * _saturated(count[word], count.total() / mean) for word in task)
        for name, count in counts.items()
    }


def ranked(task: Sequence[str], documents: Mapping[str, Sequence[str]], share: float = 0.0) -> list[str]:
    """The names of the documents that match at all, with at least `share` of the best score, best first."""
    found = scores(task, documents)
    least = share * max(found.values(), default=0.0)
    return sorted((name for name in documents if 0 < found[name] >= least), key=lambda name: -found[name])


def _rarity(having: int, total: int) -> float:
    return math.log(1 + (total - having + 0.5) / (having + 0.5))


def _saturated(count: int, length: float) -> float:
    return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
