"""What goes into a lesson, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from continual_code.events import Message, Rollout, StepReport
from continual_code.learning.credit import Block
from continual_code.learning.rehearsal import Rehearsal
from continual_code.learning.weighing import CAME_UP, came_up
from continual_code.model.generation import Generation

Stage = Callable[[str], None]
Credit = Callable[[Sequence[str], Sequence[float]], None]


@dataclass(frozen=True, slots=True)
class Reasked:
    """What the candidate answers, greedily, to the prompt whose answer was rejected; `drift`: see `StepReport`."""

    prompt_ids: tuple[int, ...]
    generation: Generation
    drift: float


@dataclass(frozen=True)
class Earlier:
    """What a lesson that was learned left: its answer, the conversation that asked for it, and what was said then.

    `pinned`: it must hold however old it is, and whatever is said against it.
    """

    lesson_id: str
    messages: tuple[Message, ...]
    rehearsal: Rehearsal
    comment: str = ""
    pinned: bool = False

    def shows_in(self, answer: Sequence[int], rejected: Sequence[int]) -> bool:
        """Whether most of its deciding tokens are in an answer, and were not as often in the rejected one."""
        taught, alike_T = self.rehearsal, torch.ones(len(self.rehearsal.token_ids))
        return came_up(taught.token_ids, taught.deciding, alike_T, answer, rejected) >= CAME_UP

    @classmethod
    def of(cls, rollout: Rollout, report: StepReport | None, comment: str = "", pinned: bool = False) -> list[Earlier]:
        """One, or none where no corrected answer was taught."""
        if report is None or not report.deciding:
            return []
        rehearsal = Rehearsal(rollout.prompt_ids, report.corrected_ids, report.deciding)
        return [cls(report.lesson_id, rollout.messages, rehearsal, comment, pinned)]


@dataclass(frozen=True)
class Candidate:
    """What a lesson came to. `tensors` is None unless the status is "learned"."""

    report: StepReport
    tensors: dict[str, Tensor] | None
    reasked: Reasked | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the person said, and their own version in the form of an answer, where they gave one.

    `is_sound` says of an answer whether its code compiles, as far as that can be told, and has what the task asked for;
    `is_whole` of the beginning of one whether it is sound already, so that what is still to come does not matter;
    `resumed` takes one that ends too early, and a whole one, and gives the first as far as it goes with the beginning
    of what it lacks, or None; `bare` takes an answer and the rejected one, leaves out of the first what the model need
    not write, for it is added to whatever lacks it, and puts back what it lost and no comment is about; `is_importable`
    says whether there is what an answer imports. `against` are the lines that the comment is about; none means the
    whole answer. `supersedes`: lessons that the comment argues against may go for it.
    """

    comment: str
    example: str | None = None
    is_sound: Callable[[str], bool] = lambda answer: True
    is_whole: Callable[[str], bool] = lambda begun: False
    resumed: Callable[[str, str], str | None] = lambda answer, whole: None
    bare: Callable[[str, str], str] = lambda answer, rejected: answer
    is_importable: Callable[[str], bool] = lambda answer: True
    against: Sequence[Block] = ()
    supersedes: bool = True
