"""Throughput that routing leaves of a non-blocking network: a formula for plans, no simulation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array, Estimate, derived


def hashed(flows: ArrayLike, uplinks: ArrayLike) -> Array:
    """Most that hashed flows get of their rate on the mean: collisions at their own leaf only.

    Flows of one uplink share it, so the leaf passes what its used uplinks carry: the expected
    number of occupied bins, (1 - (1 - 1/u)^d) u, for d flows of full rate. 63.8 % for 32 on 32,
    1 - 1/e for many.
    """
    u, d = np.asarray(uplinks, float), np.asarray(flows, float)
    return np.asarray(np.minimum(u * (1 - (1 - 1 / u) ** d) / d, 1.0))


def hashed_at_least(flows: int, uplinks: int, stages: int) -> float:
    """Least mean share: a flow gets an equal part of the fullest of the links it was hashed to.

    A max-min rate is never below the smallest equal share on a flow's links. Others on a link are
    binomial, (d - 1) flows with chance 1/u; a path crosses `stages` such links.
    """
    others = np.arange(flows)
    share = np.cumsum(_binomial(flows - 1, others, 1 / uplinks)) ** stages
    fullest = np.diff(share, prepend=0.0)
    return float((fullest / (1 + others)).sum())


def most_loaded(flows: int, uplinks: int) -> float:
    """Expected largest number of flows on one uplink when each is hashed: balls in bins, exact.

    P(all loads <= m) follows from the coefficients of (sum x^i/i!, i <= m)^u.
    """
    below = [_at_most(flows, uplinks, most) for most in range(flows + 1)]
    return float(sum(1 - share for share in below[:-1]))


def _at_most(flows: int, uplinks: int, most: int) -> float:
    """P(no uplink holds more than `most`), by adding one uplink after the other."""
    # share[j]: probability that j of the flows fell on the uplinks so far, all within the bound
    share = np.zeros(flows + 1)
    share[0] = 1.0
    for done in range(uplinks):
        share = _one_more(share, 1 / (uplinks - done), most, flows)
    return float(share[flows])


def _one_more(share: Array, chance: float, most: int, flows: int) -> Array:
    """Distribution after one more uplink takes each remaining flow with `chance`."""
    after = np.zeros_like(share)
    for placed in np.flatnonzero(share):
        left = flows - int(placed)
        takes = np.arange(min(most, left) + 1)
        after[placed + takes] += share[placed] * _binomial(left, takes, chance)
    return after


def _binomial(n: int, k: NDArray[np.int_], p: float) -> Array:
    if p >= 1:
        return np.where(k == n, 1.0, 0.0)
    logs = np.cumsum(np.log(np.maximum(np.arange(n + 1), 1)))
    ways = logs[n] - logs[k] - logs[n - k]
    return np.asarray(np.exp(ways + k * np.log(p) + (n - k) * np.log1p(-p)))


def throughput(
    routing: str, flows: int, uplinks: int, tiers: int, facts: Catalogue, samples: int = 0
) -> Estimate:
    """Share of the port rate that a flow across a Clos network gets on the mean.

    `adaptive`: as published. `ecmp`: half way between the two bounds above, drawn between them.
    """
    adaptive = facts.estimate("networks.routing.adaptive.throughput", samples)
    if routing == "adaptive":
        return adaptive.named("networks.throughput", "packets spread over all paths: as published")
    stages = max(0, 2 * (tiers - 1))
    low = hashed_at_least(flows, uplinks, stages) if stages else 1.0
    high = float(hashed(flows, uplinks)) if stages else 1.0
    between = np.append(0.5, np.random.default_rng(0).random(samples))
    text = f"{flows} flows hashed to {uplinks} uplinks in {tiers} tiers: {low:.2f} to {high:.2f}"
    return derived(low + (high - low) * between, "1", "networks.throughput", text, ())
