"""Links and equal-cost paths of two-tier and three-tier Clos networks, for simulation.

Links are one way and numbered; capacity 1 is the rate of an endpoint's port.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundup.facts.errors import ConfigError
from groundup.facts.estimate import Array
from groundup.networks.flows import Index


@dataclass(frozen=True)
class Clos:
    """Leaves of `down` endpoints and `up` uplinks; with `pods` > 1 a core joins the pods.

    In two tiers every leaf has one cable to each of `up` spines. In three, a pod has `leaves`
    leaves and `up` spines, and every spine has `up` cables to cores; core c of spine s joins the
    spines s of all pods (Al-Fares et al., SIGCOMM 2008). `rails` above 1 plugs the accelerators of
    a server into as many leaves (rail-optimised), 1 fills leaf after leaf.
    """

    leaves: int
    """Leaves of a pod."""
    down: int
    """Endpoints of a leaf."""
    up: int
    """Uplinks of a leaf, and spines of a pod."""
    pods: int = 1
    """Pods; 1 is a network of two tiers."""
    rails: int = 1
    """Leaves that the accelerators of one server are spread over."""

    def __post_init__(self) -> None:
        for name in ("leaves", "down", "up", "pods", "rails"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} = {getattr(self, name)}: allowed is at least 1")
        if self.leaves % self.rails:
            raise ConfigError(f"rails = {self.rails}: allowed is a divisor of leaves {self.leaves}")

    @property
    def endpoints(self) -> int:
        """Endpoints of the whole network."""
        return self.pods * self.leaves * self.down

    @property
    def links(self) -> int:
        """One-way links; the last one is a spare of unlimited capacity for hops not taken."""
        return 2 * self.endpoints + 4 * self._uplinks + 1

    @property
    def _uplinks(self) -> int:
        return self.pods * self.leaves * self.up

    def capacity(self) -> Array:
        """Capacity of every link, shape (links,)."""
        full = np.ones(self.links)
        full[-1] = np.inf
        return full

    def leaf_of(self, endpoint: Index) -> Index:
        """Leaf, counted over all pods, that an endpoint plugs into."""
        if self.rails == 1:
            return np.asarray(endpoint // self.down)
        server, rail = endpoint // self.rails, endpoint % self.rails
        return np.asarray(server // self.down * self.rails + rail)

    def up_link(self, leaf: Index, spine: Index) -> Index:
        """Link from a leaf to a spine of its pod."""
        return np.asarray(2 * self.endpoints + leaf * self.up + spine)

    def down_link(self, leaf: Index, spine: Index) -> Index:
        """Link from a spine to a leaf of its pod."""
        return np.asarray(self.up_link(leaf, spine) + self._uplinks)

    def core_link(self, pod: Index, spine: Index, core: Index, down: bool) -> Index:
        """Link between a spine and one of its cores; a pod has as many as its leaves have up.

        Spines have `leaves` ports up when the network does not block.
        """
        first = 2 * self.endpoints + (3 if down else 2) * self._uplinks
        return np.asarray(first + (pod * self.up + spine) * self.leaves + core)

    def paths(self, source: Index, target: Index) -> Index:
        """All shortest paths, shape (flows, paths, 6 hops); flows inside a leaf repeat one path.

        Hops that a flow does not take are the spare link.
        """
        a, b = self.leaf_of(source), self.leaf_of(target)
        spine = np.arange(self.up)
        core = np.arange(self.leaves if self.pods > 1 else 1)
        spines, cores = (grid.reshape(-1)[None, :] for grid in np.meshgrid(spine, core))
        spare = self.links - 1
        a, b = a[:, None], b[:, None]
        pod_a, pod_b = a // self.leaves, b // self.leaves
        hops = [
            np.broadcast_to(source[:, None], np.broadcast_shapes(a.shape, spines.shape)),
            np.where(a == b, spare, self.up_link(a, spines)),
            np.where(pod_a == pod_b, spare, self.core_link(pod_a, spines, cores, False)),
            np.where(pod_a == pod_b, spare, self.core_link(pod_b, spines, cores, True)),
            np.where(a == b, spare, self.down_link(b, spines)),
            np.broadcast_to(
                self.endpoints + target[:, None], np.broadcast_shapes(a.shape, spines.shape)
            ),
        ]
        return np.stack(hops, axis=-1)


def two_tier(ports: int, leaves: int, oversubscription: float = 1.0, rails: int = 1) -> Clos:
    """Leaves of k-port switches below as many spines as a leaf has uplinks."""
    down = int(ports * oversubscription / (1 + oversubscription))
    return Clos(leaves, down, ports - down, 1, rails)


def three_tier(ports: int, pods: int) -> Clos:
    """Pods of k/2 leaves and k/2 spines of k ports; k pods of them are the full fat tree."""
    half = ports // 2
    return Clos(half, half, half, pods)
