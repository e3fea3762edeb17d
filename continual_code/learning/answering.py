"""Answers that a lesson asks for itself: greedy ones, as long as a correction may get."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from continual_code.events import Rollout
from continual_code.model.attachment import Attachment
from continual_code.model.generation import Contrast, Generation, Generator, LogitsProcessor, Sampling

SPARE = 128  # tokens; what small models write beyond that hardly ever comes to an end


def answer(
    generator: Generator, prompt_ids: Sequence[int], rejected: Rollout, *, owner: object, pause: Callable[[], None],
    similar: Sequence[Sequence[int]] = (), contrast: Contrast | None = None, processor: LogitsProcessor | None = None,
    is_enough: Callable[[Sequence[int]], bool] = lambda tokens: False,
) -> Generation:  # fmt: skip
    """Ask for a new version of the rejected answer; it may be twice as long, and `SPARE` tokens more.

    Args:
        owner: of the prompt's keys and values, see `PrefixStore`.
        contrast, processor: see `Generator.generate`.
        similar: other versions that it may resemble more; they only make it faster.
        pause: called between two passes; may block or raise.
        is_enough: see `Generator.generate`.
    """

    def stopped() -> bool:
        pause()
        return False

    sampling = Sampling(max_tokens=2 * len(rejected.token_ids) + SPARE)
    drafts = [*similar, rejected.token_ids] if isinstance(processor, Attachment) else [rejected.token_ids, *similar]
    return generator.generate(
        prompt_ids, sampling, owner=owner, contrast=contrast, processor=processor, similar=drafts,
        stopped=stopped, is_enough=is_enough,
    )  # fmt: skip
