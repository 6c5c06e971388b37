"""Exact counts of switches and cables of k-port Clos networks, on numpy arrays.

A leaf switch has d ports down and u = k - d up, d/u the oversubscription; the tiers above have
half of their ports down. Non-blocking: one tier joins k, two join k^2/2, three join k^3/4 endpoints
(C. E. Leiserson, Fat-trees, IEEE Trans. Comput. 1985; Al-Fares et al., SIGCOMM 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Array


@dataclass(frozen=True)
class Fabric:
    """Counts of one network, each an array of one shape."""

    tiers: Array
    """1, 2 or 3 switch tiers; 0 where there is nothing to join."""
    leaf: Array
    """Switches that endpoints plug into."""
    spine: Array
    """Switches above the leaves."""
    core: Array
    """Switches above the spines."""
    endpoint_cables: Array
    """Cables from endpoints to leaves."""
    leaf_cables: Array
    """Cables from leaves to spines."""
    core_cables: Array
    """Cables from spines to cores."""

    @property
    def switches(self) -> Array:
        """All switches."""
        return self.leaf + self.spine + self.core

    @property
    def cables(self) -> Array:
        """All cables."""
        return self.endpoint_cables + self.leaf_cables + self.core_cables


def ports_down(ports: int, oversubscription: float) -> int:
    """Leaf ports towards endpoints so that down/up is at most the oversubscription.

    ConfigError where a switch of that many ports cannot be split so.
    """
    down = int(ports * oversubscription / (1 + oversubscription) + 1e-9)
    if ports < 2 or not 1 <= down < ports:
        raise ConfigError(
            f"networks.switch_ports = {ports} with oversubscription = {oversubscription:g}: a leaf "
            "needs at least one port down and one up; use more ports or another oversubscription"
        )
    return down


def most_endpoints(ports: int, oversubscription: float = 1.0) -> int:
    """Endpoints that three tiers of k-port switches join: k/2 x k x d, k^3/4 when non-blocking."""
    return (ports // 2) * ports * ports_down(ports, oversubscription)


def balanced_spines(leaf_cables: ArrayLike, ports: int, up: int) -> Array:
    """Fewest spines of two tiers that every leaf reaches by equally many of its `up` cables.

    The published tables count so: 24 leaves of 32 uplinks take 16 spines of 64 ports, not 12
    (NVIDIA DGX SuperPOD H100, table 4), and 32 leaves of 72 take 18 of 144, not 16 (B300 XDR).
    """
    divisors = np.array([d for d in range(1, up + 1) if up % d == 0], float)
    needed = np.ceil(np.asarray(leaf_cables, float) / ports)
    place = np.minimum(np.searchsorted(divisors, needed), len(divisors) - 1)
    return np.where(needed > 0, np.maximum(divisors[place], needed), 0.0)


def fat_tree(endpoints: ArrayLike, ports: int, oversubscription: float = 1.0) -> Fabric:
    """Counts of the smallest Clos network that joins so many endpoints.

    Counts keep growing by the three-tier rule above `most_endpoints`, where it cannot be built.
    """
    n = np.ceil(np.asarray(endpoints, float) - 1e-9)
    down = ports_down(ports, oversubscription)
    up = ports - down
    tiers = np.select([n <= 1, n <= ports, n <= ports * down], [0.0, 1.0, 2.0], 3.0)
    leaf = np.where(tiers <= 1, tiers, np.ceil(n / down))
    leaf_cables = np.where(tiers >= 2, leaf * up, 0.0)
    half = ports / 2
    spine = np.where(
        tiers == 3, np.ceil(leaf_cables / half), balanced_spines(leaf_cables, ports, up)
    )
    core_cables = np.where(tiers == 3, spine * half, 0.0)
    core = np.ceil(core_cables / ports)
    joined = np.where(tiers >= 1, n, 0.0)
    return Fabric(tiers, leaf, spine, core, joined, leaf_cables, core_cables)


def rails(
    endpoints: ArrayLike, ports: int, rail_count: int = 8, oversubscription: float = 1.0
) -> Fabric:
    """Rail-only: one Clos network for each of the `rail_count` positions in a server, unconnected.

    W. Wang et al., Rail-only, arXiv:2307.12169; traffic between rails goes through the servers.
    """
    n = np.ceil(np.asarray(endpoints, float) - 1e-9)
    one = fat_tree(np.ceil(n / rail_count), ports, oversubscription)
    parts = (one.leaf, one.spine, one.core, one.endpoint_cables, one.leaf_cables, one.core_cables)
    leaf, spine, core, _, leaf_cables, core_cables = (rail_count * part for part in parts)
    return Fabric(one.tiers, leaf, spine, core, n, leaf_cables, core_cables)


def rail_optimised(
    endpoints: ArrayLike, ports: int, rail_count: int = 8, oversubscription: float = 1.0
) -> Fabric:
    """Leaves serve one rail each, the tiers above join all rails: a fat tree with whole rails.

    The switch count is the fat tree's, rounded up to whole leaves in every rail.
    """
    n = np.ceil(np.asarray(endpoints, float) - 1e-9)
    down = ports_down(ports, oversubscription)
    full = rail_count * down * np.ceil(n / (rail_count * down))
    padded = fat_tree(np.where(n <= ports, n, full), ports, oversubscription)
    return Fabric(
        padded.tiers, padded.leaf, padded.spine, padded.core,
        np.where(padded.tiers >= 1, n, 0.0), padded.leaf_cables, padded.core_cables,
    )  # fmt: skip
