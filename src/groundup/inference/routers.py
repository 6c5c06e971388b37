"""Which replica gets a request: at random, in turn, the least busy, or the one with its prefix."""

from __future__ import annotations

import numpy as np

from groundup.inference.batching import Replica
from groundup.inference.jobs import Jobs

ROUTERS = ("random", "round-robin", "least-outstanding", "prefix")

_BUSY_RATIO = 1.5
"""A replica with more outstanding requests than this times the least busy one's, plus `_BUSY_MORE`,
gets no request for its prefix: balance comes first (SGLang's router has such a pair too)."""
_BUSY_MORE = 8


class Router:
    """Chooses a replica for one request after the other."""

    def __init__(self, kind: str, pool: list[Replica], jobs: Jobs, seed: int) -> None:
        self.kind, self.pool, self.jobs = kind, pool, jobs
        draws = np.random.default_rng((seed, 3)).random(len(jobs.prompt))
        self._draws: list[float] = draws.tolist()

    def choose(self, request: int, now: float) -> Replica:
        """The replica that serves `request`, which arrives at `now`."""
        if len(self.pool) == 1:
            return self.pool[0]
        if self.kind == "random":
            return self.pool[int(self._draws[request] * len(self.pool))]
        if self.kind == "round-robin":
            return self.pool[request % len(self.pool)]
        for replica in self.pool:
            replica.advance(now)
        busy = [replica.outstanding(now) for replica in self.pool]
        if self.kind == "prefix":
            return self._known(request, busy)
        return self._least(request, busy)

    def _least(self, request: int, busy: list[int]) -> Replica:
        """A least busy one; equals take turns, so that an idle fleet is used evenly."""
        start = request % len(busy)
        order = [*range(start, len(busy)), *range(start)]
        least: int = min(order, key=lambda at: busy[at])
        return self.pool[least]

    def _known(self, request: int, busy: list[int]) -> Replica:
        blocks = self.jobs.blocks[request]
        known = [replica.store.match(blocks) if replica.store else 0 for replica in self.pool]
        best = max(range(len(busy)), key=lambda at: (known[at], -busy[at]))
        if not known[best] or busy[best] > _BUSY_RATIO * min(busy) + _BUSY_MORE:
            return self._least(request, busy)
        return self.pool[best]
