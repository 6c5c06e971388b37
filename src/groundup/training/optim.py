"""Optimisers: Muon for hidden matrices, AdamW for the rest, stepped as one.

Muon: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks". torch has a
Muon too (the tests' oracle); this one runs all matrices of one shape as a single batched product,
and cuts fused matrices (queries, keys and values in one) into the pieces they are made of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration (Jordan et al. 2024), steepest at zero."""


@dataclass(frozen=True)
class Matrix:
    """A hidden weight for Muon."""

    weight: nn.Parameter
    """(rows, columns)."""

    pieces: int = 1
    """Equal matrices stacked in the rows, orthogonalised one by one."""


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is made orthogonal: every singular value of a step is near 1."""

    def __init__(
        self,
        matrices: Sequence[Matrix],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([matrix.weight for matrix in matrices], defaults)
        self.matrices, self.dtype = tuple(matrices), dtype

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update of every matrix from its gradient."""
        group = self.param_groups[0]
        waiting: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for matrix in self.matrices:
            if matrix.weight.grad is None:
                continue
            update = self._momentum(matrix.weight, group["momentum"])
            rows, columns = matrix.weight.shape
            cut = (matrix.pieces, rows // matrix.pieces, columns)
            waiting[torch.Size(cut[1:])].append((matrix.weight.view(cut), update.view(cut)))
        for size, members in waiting.items():
            stacked = orthogonalised(torch.cat([update for _, update in members]), self.dtype)
            scale = group["lr"] * max(1.0, size[0] / size[1]) ** 0.5
            for weight, _ in members:
                step, stacked = stacked[: len(weight)], stacked[len(weight) :]
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(step.to(weight.dtype), alpha=scale)

    def _momentum(self, weight: nn.Parameter, beta: float) -> Tensor:
        """Nesterov momentum of the gradient."""
        assert weight.grad is not None
        state: dict[str, Tensor] = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(weight.grad, 1 - beta)
        return weight.grad.lerp(state["momentum"], beta)


def orthogonalised(updates_NRC: Tensor, dtype: torch.dtype, iterations: int = 5) -> Tensor:
    """About U V^T of each (R, C) matrix: singular values in roughly [0.7, 1.2], same vectors."""
    a, b, c = NEWTON_SCHULZ
    x = updates_NRC.to(dtype)
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp_min(1e-7)
    for _ in range(iterations):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if tall else x


class Optimisers:
    """Several optimisers that step together; `set_factor` scales every peak learning rate."""

    def __init__(self, members: Iterable[torch.optim.Optimizer]) -> None:
        self.members = tuple(members)
        self.peaks = [[group["lr"] for group in m.param_groups] for m in self.members]

    def set_factor(self, factor: float) -> None:
        """Learning rate = peak * factor in every group."""
        for member, peaks in zip(self.members, self.peaks, strict=True):
            for group, peak in zip(member.param_groups, peaks, strict=True):
                group["lr"] = peak * factor

    def step(self) -> None:
        """One update of every weight."""
        for member in self.members:
            member.step()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for member in self.members:
            member.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """State of every member, for a checkpoint."""
        return {str(i): member.state_dict() for i, member in enumerate(self.members)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        for i, member in enumerate(self.members):
            member.load_state_dict(state[str(i)])


def adamw(
    weights: Iterable[nn.Parameter],
    lr: float,
    betas: tuple[float, float] = (0.9, 0.95),
    weight_decay: float = 0.0,
) -> torch.optim.AdamW:
    """torch's fused AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101)."""
    return torch.optim.AdamW(
        list(weights), lr=lr, betas=betas, weight_decay=weight_decay, fused=True
    )
