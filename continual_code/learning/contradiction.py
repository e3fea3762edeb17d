"""Whether a comment argues against what an earlier lesson taught, whether the weights hold that or the prompt.

Invariant: an empty comment (the person only edited, or the lesson may take no one's place) contradicts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from difflib import SequenceMatcher

from torch import Tensor

from continual_code.learning.hindsight import Hindsight
from continual_code.learning.lessons import Earlier
from continual_code.learning.weighing import Dropped

TELLING = 3  # letters; a shorter piece of a word is in too many of them
ALIKE = 0.5  # of the words of two comments, in order: they say something of the same thing


class Contradiction:
    """What one comment says against earlier lessons; the first question about each reads an earlier prompt twice.

    Args:
        hindsight: its scorer's prefixes are kept for nobody else.
        dropped: what becomes of the tokens of the rejected answer.
        decode: gives a token's text.
    """

    def __init__(
        self, hindsight: Hindsight, comment: str, dropped: Dropped, decode: Callable[[Sequence[int]], str]
    ) -> None:
        self._hindsight, self._comment, self._dropped, self._decode = hindsight, comment, dropped, decode
        self._read: dict[str, Tensor] = {}  # by lesson: the base thinks the same whenever it is asked

    def of_most(self, earlier: Earlier) -> bool:
        """Whether it argues against at least half of the tokens by which the lesson decides."""
        if not self._comment:
            return False
        return self._against(earlier)[list(earlier.rehearsal.deciding)].float().mean().item() >= 0.5

    def replaces(self, earlier: Earlier) -> bool:
        """Whether the lesson cannot stand beside it.

        Either it says otherwise outright; or, of what the lesson taught and the rejected answer shows, the correction
        has most nowhere and the comment names that; or it writes more rarely what the lesson's comment named, and the
        comment speaks in like words.

        What a comment names it makes likelier ("instead of None"), so its effect on a token does not tell.
        """
        if not self._comment:
            return False
        taught = {earlier.rehearsal.token_ids[place] for place in earlier.rehearsal.deciding}
        shown = taught & self._dropped.shown
        nowhere = shown & self._dropped.lacking
        is_most = 2 * len(nowhere) >= len(shown) and 4 * len(shown) >= len(taught)
        if is_most and not self._words_of(nowhere).isdisjoint(_words(self._comment)):
            return True
        is_about_it = any(word in earlier.comment.lower() for word in self._words_of(shown & self._dropped.rarer))
        return (is_about_it and self._alike(earlier) >= ALIKE) or self.outright(earlier)

    def outright(self, earlier: Earlier) -> bool:
        """Whether it says otherwise of the same thing: in like words, and against a token of both answers."""
        both = [place for place, token_id in enumerate(earlier.rehearsal.token_ids) if token_id in self._dropped.blamed]
        if not (self._comment and both and self._alike(earlier) >= ALIKE):
            return False
        return bool(self._against(earlier)[both].any())

    def _words_of(self, token_ids: Collection[int]) -> set[str]:
        words = _words(" ".join(self._decode([token_id]) for token_id in token_ids))
        return {word for word in words if len(word) >= TELLING}

    def _alike(self, earlier: Earlier) -> float:
        return SequenceMatcher(None, _words(self._comment), _words(earlier.comment), autojunk=False).ratio()

    def _against(self, earlier: Earlier) -> Tensor:
        """Of each token of the lesson's answer whether the comment makes it e times less likely, [T]."""
        if earlier.lesson_id not in self._read:
            asked, rehearsal = earlier.messages, earlier.rehearsal
            against_T = self._hindsight.against(asked, rehearsal.prompt_ids, rehearsal.token_ids, self._comment)
            self._read[earlier.lesson_id] = against_T
        return self._read[earlier.lesson_id]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
