"""Flow rates under hashed (ECMP) and adaptive routing on a Clos network with failed links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Array
from groundup.networks.clos import Clos
from groundup.networks.flows import Index, Load, max_min


@dataclass(frozen=True)
class Rates:
    """Rates of flows, 1 is the port rate, one row for each hash seed: shape (seeds, flows)."""

    rates: Array
    """Port rates."""

    @property
    def slowest(self) -> Array:
        """Slowest flow of every seed, which sets the pace of a synchronous collective."""
        return np.asarray(self.rates.min(axis=1))

    @property
    def mean(self) -> Array:
        """Mean rate of every seed: throughput of the network."""
        return np.asarray(self.rates.mean(axis=1))

    def percentile(self, share: float) -> float:
        """Rate that this share (0 to 100) of all flows of all seeds stays below."""
        return float(np.percentile(self.rates, share))


def simulate(
    network: Clos,
    traffic: tuple[Index, Index],
    routing: str = "ecmp",
    seeds: int = 1,
    failed: Index | None = None,
) -> Rates:
    """Max-min fair rates of `traffic` (sources, targets); ECMP draws one path a flow and seed.

    Adaptive routing spreads every flow's packets evenly over the paths that are whole, so one
    seed says all. Failed links (numbers of one-way links) take their paths away from both; a flow
    without a whole path gets rate 0. ConfigError for another routing.
    """
    if routing not in ("ecmp", "adaptive"):
        raise ConfigError(f"routing = {routing!r}: allowed is one of: adaptive, ecmp")
    paths = network.paths(*traffic)
    capacity = network.capacity()
    if failed is not None:
        capacity[failed] = 0.0
    whole: NDArray[np.bool_] = np.all(capacity[paths] > 0, axis=-1)
    if routing == "adaptive":
        return Rates(_spread(paths, whole, capacity)[None, :])
    draws = range(seeds)
    return Rates(np.stack([_hashed(paths, whole, capacity, seed) for seed in draws]))


def _hashed(paths: Index, whole: NDArray[np.bool_], capacity: Array, seed: int) -> Array:
    """One whole path for each flow, all equally likely."""
    ticket = np.random.default_rng(seed).random(whole.shape)
    chosen = np.where(whole, ticket, -1.0).argmax(axis=1)
    taken = np.take_along_axis(paths, chosen[:, None, None], axis=1)
    return _filled(taken, np.ones((len(paths), 1)), capacity)


def _spread(paths: Index, whole: NDArray[np.bool_], capacity: Array) -> Array:
    """Equal shares on every whole path; on all paths (of rate 0) where none is whole."""
    usable = np.where(whole.any(axis=1, keepdims=True), whole, True)
    return _filled(paths, usable / usable.sum(axis=1, keepdims=True), capacity)


def _filled(paths: Index, share: Array, capacity: Array) -> Array:
    """Max-min rates of flows with these shares (flows, paths) on their paths."""
    flows, ways, hops = paths.shape
    flow = np.repeat(np.arange(flows), ways * hops)
    weight = np.repeat(share.reshape(-1), hops)
    link = paths.reshape(-1)
    real = (weight > 0) & (link < len(capacity) - 1)
    return max_min(Load(flow[real], link[real], weight[real], flows), capacity)


def fail_uplinks(network: Clos, count: int, seed: int = 0) -> Index:
    """Numbers of links of `count` random cables between leaves and spines, both ways."""
    cables = network.pods * network.leaves * network.up
    if not 0 <= count <= cables:
        raise ConfigError(f"failed cables = {count}: allowed is 0 to {cables}")
    cable = np.random.default_rng(seed).choice(cables, count, replace=False)
    leaf, spine = np.divmod(cable, network.up)
    return np.concatenate([network.up_link(leaf, spine), network.down_link(leaf, spine)])
