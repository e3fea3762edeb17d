"""The directions in activation space that all text shares, and adapters that do not read them.

A LoRA adds B A x to a layer. Hidden states of any two texts have a few large directions in
common, so an update of B that was made for one text acts on every text through them:
lessons undo each other, and unrelated answers change. An A that is orthogonal to these
directions reads only what is particular to a context. The idea is that of null-space
projected editing (AlphaEdit, arXiv 2410.02355) and gradient projection memory (arXiv
2103.09762), applied once, to the input side of a fresh adapter.

Invariant: an adapter of revision 0 changes nothing, whatever its A; so its A may be chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from continual_code.model.views import View

OVERSAMPLING = 2  # random directions per wanted one (Halko et al., arXiv 0909.4061)
SKETCH_SEED = 20260131  # the directions are the same on every start


@torch.no_grad()
def shared_directions(
    view: View, texts: Sequence[Sequence[int]], count: int, pause: Callable[[], None]
) -> dict[str, Tensor]:
    """The largest principal directions of what each LoRA reads, by the name of its A.

    One pass, by a randomised range finder: never more than a sketch of the activations is held.

    Args:
        view: with an adapter that changes nothing.
        texts: token ids.
        count: how many directions.
        pause: called before each text; may block or raise.

    Returns:
        Orthonormal rows, [count, D] for an A of shape [r, D], float32 on the CPU.
    """
    sketches: dict[str, Tensor] = {}
    probes: dict[int, Tensor] = {}
    random = torch.Generator().manual_seed(SKETCH_SEED)

    def listen(name: str, x_T_D: Tensor) -> None:
        x_T_D, width = x_T_D.float(), x_T_D.shape[-1]
        if width not in probes:
            probes[width] = torch.randn(width, min(OVERSAMPLING * count, width), generator=random).to(x_T_D.device)
        energy_D_S = x_T_D.T @ (x_T_D @ probes[width])
        sketches[name] = sketches[name] + energy_D_S if name in sketches else energy_D_S

    with view.listening(listen):
        for ids in texts:
            pause()
            view.hidden(torch.tensor(ids))
    directions = {}
    for name, sketch_D_S in sketches.items():
        pause()
        directions[name] = torch.linalg.svd(sketch_D_S, full_matrices=False).U[:, :count].T.cpu()
    return directions


def deaf_to(directions: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The adapter with every A orthogonal to its directions."""
    changed = dict(tensors)
    for name, shared_K_D in directions.items():
        a_R_D = tensors[name].float()
        changed[name] = (a_R_D - (a_R_D @ shared_K_D.T) @ shared_K_D).to(tensors[name].dtype)
    return changed
