"""Max-min fair rates of flows over links: progressive filling, vectorised over links.

All flows rise together; when a link is full, the flows on it stop there and the others go on
(D. Bertsekas, R. Gallager, Data Networks, 1992, section 6.5.2). A flow that is split over paths
loads every link by its share, and so may fill a link with less than one whole flow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.facts.errors import FactError
from groundup.facts.estimate import Array

Index = NDArray[np.intp]
_FULL = 1e-9
"""Links within this share of the tightest one fill together; rounding, not physics."""


@dataclass(frozen=True)
class Load:
    """Which flow puts how much of itself on which link; one entry for each pair."""

    flow: Index
    """Flow of every entry, shape (entries,)."""
    link: Index
    """Link of every entry, shape (entries,)."""
    share: Array
    """Share of the flow's rate on that link, shape (entries,)."""
    flows: int
    """Number of flows."""


def max_min(load: Load, capacity: Array) -> Array:
    """Rates of all flows in the unit of `capacity`, shape (flows,).

    A flow on a link without capacity gets 0. FactError where a flow has no link at all: its rate
    would be unbounded.
    """
    bound = np.bincount(load.flow, minlength=load.flows)
    if load.flows and bound.min() == 0:
        raise FactError(f"flow {int(bound.argmin())} crosses no link, so nothing limits its rate")
    rates = np.zeros(load.flows)
    rising = np.ones(load.flows, bool)
    left = capacity.astype(float).copy()
    flow, link, share = load.flow, load.link, load.share
    level = 0.0
    while rising.any():
        weight = np.bincount(link, share, len(left)).astype(float)
        step, full = _next_full(left, weight)
        level += step
        left -= step * weight
        rates[rising] = level
        stopped = np.unique(flow[full[link]])
        rising[stopped] = False
        going = rising[flow]
        flow, link, share = flow[going], link[going], share[going]
    return rates


def _next_full(left: Array, weight: Array) -> tuple[float, NDArray[np.bool_]]:
    """How much further all flows rise until a link is full, and which links then are."""
    used = weight > 0
    room = np.where(used, np.maximum(left, 0) / np.where(used, weight, 1.0), np.inf)
    step = float(room.min())
    return step, used & (room <= step * (1 + _FULL) + 1e-15)


def is_max_min(load: Load, capacity: Array, rates: Array, tolerance: float = 1e-6) -> bool:
    """Whether rates are max-min fair, by the definition and not by filling.

    No link is overfull, and every flow has a full link on which no flow is faster (Bertsekas and
    Gallager, proposition 6.1).
    """
    used = np.bincount(load.link, load.share * rates[load.flow], len(capacity))
    slack = tolerance * max(float(capacity.max()), 1.0)
    if (used > capacity + slack).any():
        return False
    fastest = np.zeros(len(capacity))
    np.maximum.at(fastest, load.link, rates[load.flow])
    full = used >= capacity - slack
    held = full[load.link] & (rates[load.flow] >= fastest[load.link] - slack)
    return bool((np.bincount(load.flow, held, load.flows) > 0).all())
