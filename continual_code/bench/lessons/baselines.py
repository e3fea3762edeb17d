"""What others do with one rejection, on the same model, LoRA and rollout.

Invariant: nothing here is used by the product; each function says whose recipe it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save_file
from torch import Tensor

from continual_code.bench.lessons.subject import Lesson, State, Subject, Tensors
from continual_code.bench.party import Party
from continual_code.learning import teacher
from continual_code.learning.divergence import reverse_kl
from continual_code.learning.scoring import of_tokens
from continual_code.model.views import View

SFT_RATE, SFT_UPDATES = 2e-4, 4
SAMPLED_TOKEN_RATE = 5e-4
SDPO_RATE, SDPO_UPDATES = 5e-4, 4
TRL_RATE, TRL_UPDATES = 5e-4, 4  # its rate falls to nothing in a straight line, as is usual there
TOP = 20  # SDPO's support; everything else is one bucket
TRL = "continual_code.bench.peer_trl"


@dataclass(frozen=True, slots=True)
class Learned:
    """What a process of its own made of a lesson.

    `loss` is the mean over the updates; `seconds` leave out how long the model took to load.
    """

    tensors: Tensors
    loss: float
    seconds: float
    peak_bytes: int


def sft_edit(subject: Subject, state: State, lesson: Lesson, rate: float = SFT_RATE) -> Tensors | None:
    """Supervised fine-tuning on the person's own edit; None without one."""
    if lesson.edit is None:
        return None
    chat = subject.base.chat
    return _sft(subject, state, lesson, [*chat.encode(lesson.edit), *chat.ending(lesson.rollout.token_ids)], rate)


def sft_told(subject: Subject, state: State, lesson: Lesson, rate: float = SFT_RATE) -> Tensors | None:
    """Supervised fine-tuning on the teacher's answer; None when that has no end."""
    answer = subject.told(lesson, state)
    return _sft(subject, state, lesson, answer.token_ids, rate) if answer.finish == "stop" else None


def _sft(subject: Subject, state: State, lesson: Lesson, token_ids: Sequence[int], rate: float) -> Tensors:
    def loss(view: View) -> Tensor:
        logprobs_T_V = _logprobs(view, lesson.rollout.prompt_ids, token_ids)
        return -of_tokens(logprobs_T_V, token_ids).mean()

    return _train(subject, state, loss, rate, SFT_UPDATES)


def sampled_token_step(subject: Subject, state: State, lesson: Lesson, rate: float = SAMPLED_TOKEN_RATE) -> Tensors:
    """One policy-gradient step towards a live teacher, on the sampled tokens alone (sdan/continualcode)."""
    rollout = lesson.rollout
    told_ids = subject.base.chat.render(teacher.told(rollout.messages, lesson.comment, None))

    def loss(view: View) -> Tensor:
        with torch.no_grad():
            told_T = of_tokens(_logprobs(view, told_ids, rollout.token_ids), rollout.token_ids)
        student_T = of_tokens(_logprobs(view, rollout.prompt_ids, rollout.token_ids), rollout.token_ids)
        return -((told_T - student_T.detach()) * student_T).mean()

    return _train(subject, state, loss, rate, 1)


def sdpo(subject: Subject, state: State, lesson: Lesson, rate: float = SDPO_RATE) -> Tensors:
    """Reverse KL on the student's top 20 tokens and a tail bucket (SDPO, arXiv 2601.20802).

    Its teacher is a moving average of the student; over one lesson that is the student as it
    was before the lesson.
    """
    rollout = lesson.rollout
    told_ids = subject.base.chat.render(teacher.told(rollout.messages, lesson.comment, None))
    learning = subject.views.learning
    learning.load(state.tensors)
    with torch.no_grad():
        told_T_V = _logprobs(learning, told_ids, rollout.token_ids)

    def loss(view: View) -> Tensor:
        student_T_V = _logprobs(view, rollout.prompt_ids, rollout.token_ids)
        top_T_K = student_T_V.topk(TOP, dim=-1).indices
        return reverse_kl(_with_tail(student_T_V, top_T_K), _with_tail(told_T_V, top_T_K)).mean()

    return _train(subject, state, loss, rate, SDPO_UPDATES)


def trl_sdft(subject: Subject, state: State, lesson: Lesson, rate: float = TRL_RATE) -> Learned:
    """TRL's own self-distillation trainer (SDFT, arXiv 2601.19897), in a process of its own.

    It changes the model that it is given and the settings of the libraries; here it gets the same
    weights once more.
    """
    rollout = lesson.rollout
    with tempfile.TemporaryDirectory(prefix="continual-code-bench-") as scratch, closing(Party(TRL)) as party:
        adapter = Path(scratch) / "adapter.safetensors"
        save_file(dict(state.tensors), adapter)
        reply = party.ask(
            "lesson", settings=subject.settings.model_dump(mode="json"), adapter=str(adapter),
            messages=[asdict(message) for message in rollout.messages], comment=lesson.comment,
            token_ids=rollout.token_ids, updates=TRL_UPDATES, learning_rate=rate,
        )  # fmt: skip
        return Learned(load(adapter.read_bytes()), reply["loss"], reply["seconds"], reply["peak_bytes"])


def _with_tail(logprobs_T_V: Tensor, top_T_K: Tensor) -> Tensor:
    """Log-probabilities of the K chosen tokens and of all others together, shape [T, K + 1]."""
    chosen_T_K = logprobs_T_V.gather(1, top_T_K)
    rest_T_1 = torch.log1p(-chosen_T_K.exp().sum(dim=1, keepdim=True).clamp(max=1 - 1e-6))
    return torch.cat([chosen_T_K, rest_T_1], dim=1)


def _train(
    subject: Subject, state: State, loss: Callable[[View], Tensor], rate: float, updates: int
) -> Tensors:  # fmt: skip
    view = subject.views.learning
    view.load(state.tensors)
    with view.whole_lora():
        optimizer = torch.optim.AdamW(view.parameters(), lr=rate, weight_decay=0.0)
        for _ in range(updates):
            optimizer.zero_grad(set_to_none=True)
            loss(view).backward()
            torch.nn.utils.clip_grad_norm_(view.parameters(), 1.0)
            optimizer.step()
    return view.tensors()


def _logprobs(view: View, prompt_ids: Sequence[int], token_ids: Sequence[int]) -> Tensor:
    """Log-probabilities at the positions that predict `token_ids`, shape [T, V]."""
    ids = torch.tensor([*prompt_ids, *token_ids[:-1]])
    return view.logits(view.hidden(ids)[-len(token_ids) :]).log_softmax(dim=-1)
