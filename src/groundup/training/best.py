"""The best of many layouts, kept exactly while grids of them go by."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from groundup.facts.estimate import Array
from groundup.training.lattice import at, shape_of
from groundup.training.layout import Layout

DEGREES = (
    "accelerators", "tensor", "pipeline", "context", "expert", "expert_tensor", "virtual",
    "schedule", "microbatch", "sharding", "shard_group", "recompute", "recompute_share", "offload",
)  # fmt: skip
"""Order in which layouts of equal worth are listed: fewer ranks and less machinery first."""
STATES = ("sharding", "shard_group", "recompute", "recompute_share", "offload")
"""Choices that may leave the time as it is: of such layouts the one that needs least memory."""


class Best:
    """The best layouts so far; keeps all that tie with the last of them until the end."""

    def __init__(self, top: int) -> None:
        self.top = top
        self.worst = np.inf
        self.worth = np.empty(0)
        self.used = np.empty(0)
        self.rows = np.empty((0, len(fields(Layout))))

    def offer(self, worth: Array, used: Array, grid: Layout) -> None:
        """Take what is at least as good as the last one kept."""
        full = shape_of(grid)
        flat = np.broadcast_to(worth, full).reshape(-1)
        good = np.flatnonzero(flat <= min(self.worst, np.finfo(float).max))
        if good.size == 0:
            return
        chosen = at(grid, good)
        rows = np.stack([np.broadcast_to(v, good.shape) for v in vars(chosen).values()], axis=1)
        self.worth = np.concatenate([self.worth, flat[good]])
        self.used = np.concatenate([self.used, np.broadcast_to(used, full).reshape(-1)[good]])
        self.rows = np.concatenate([self.rows, rows])
        self._cut()

    def _cut(self) -> None:
        """Sort; of layouts that differ in `STATES` only and are equal keep the smallest; cut."""
        columns = dict(zip((one.name for one in fields(Layout)), self.rows.T, strict=True))
        order = np.lexsort(
            [
                -columns["sequence_parallel"],
                *(columns[name] for name in DEGREES[::-1]),
                self.used,
                self.worth,
            ]
        )
        self.worth, self.used, self.rows = self.worth[order], self.used[order], self.rows[order]
        free = [place for place, name in enumerate(columns) if name not in STATES]
        key = np.column_stack([self.worth, self.rows[:, free]])
        _, first = np.unique(key, axis=0, return_index=True)
        kept = np.sort(first)[: self.top]
        self.worth, self.used, self.rows = self.worth[kept], self.used[kept], self.rows[kept]
        if kept.size == self.top:
            self.worst = self.worth[-1]

    def layouts(self) -> Layout:
        """The kept layouts, best first, each field of shape (kept,)."""
        names = (one.name for one in fields(Layout))
        return Layout(**dict(zip(names, self.rows.T, strict=True)))
