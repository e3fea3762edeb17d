"""What the engine tells of two revisions that are asked the same."""

from __future__ import annotations

from dataclasses import dataclass

from continual_code.events.values import Edit, Task


@dataclass(frozen=True, slots=True)
class Answer:
    """What a revision made of a task; it is kept nowhere, and waits for no verdict.

    `lesson_ids` made the revision. `edit` is None where the answer could not be offered; `reason` says why.
    """

    revision: int
    lesson_ids: tuple[str, ...]
    edit: Edit | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Comparing:
    """`revision`, one of `revisions`, is asked now; the first one begins the comparison.

    `lesson_id`: the lesson after which it came by itself; "" where the person asked for it.
    """

    task: Task
    revisions: tuple[int, int]
    revision: int
    lesson_id: str = ""

    @property
    def begins(self) -> bool:
        return self.revision == self.revisions[0]


@dataclass(frozen=True, slots=True)
class Compared:
    """Both revisions have answered one and the same prompt, greedily.

    `rules` are the comments that other prompts hold and this one did not, `left_out` is what did not fit into it.
    """

    task: Task
    before: Answer
    after: Answer
    rules: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


CompareEvent = Comparing | Compared
