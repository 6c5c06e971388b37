"""Balanced dragonfly: groups of fully connected routers, groups joined all to all.

J. Kim, W. Dally, S. Scott, D. Abts, Technology-Driven, Highly-Scalable Dragonfly Topology,
ISCA 2008: a = 2p = 2h routers a group, p endpoints and h global links a router, k = p + a + h - 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.errors import ConfigError
from groundup.networks.topology import Fabric


def endpoints_per_router(ports: int) -> int:
    """p of the largest balanced dragonfly that k-port routers can build: k >= 4p - 1.

    ConfigError below 3 ports.
    """
    if ports < 3:
        raise ConfigError(
            f"networks.switch_ports = {ports}: a dragonfly router needs at least 3 ports"
        )
    return (ports + 1) // 4


def most_endpoints(ports: int) -> int:
    """a x p x g endpoints with g = a x h + 1 groups; 72 for 7 ports, 262 656 for 64."""
    p = endpoints_per_router(ports)
    return 2 * p * p * (2 * p * p + 1)


def dragonfly(endpoints: ArrayLike, ports: int) -> Fabric:
    """Counts of whole groups for so many endpoints; `leaf` are the routers.

    `leaf_cables` join routers inside groups, `core_cables` are the global ones between groups, all
    global ports in use as soon as there are two groups. Counts keep growing by the same rule
    beyond `most_endpoints`, where it cannot be built.
    """
    n = np.ceil(np.asarray(endpoints, float) - 1e-9)
    p = endpoints_per_router(ports)
    a = 2 * p
    groups = np.where(n > 1, np.ceil(n / (a * p)), 0.0)
    joined = np.where(n > 1, n, 0.0)
    none = np.zeros_like(n)
    local = groups * a * (a - 1) / 2
    between = np.where(groups > 1, np.floor(groups * a * p / 2), 0.0)
    tiers = np.where(n > 1, 1.0, 0.0)
    return Fabric(tiers, groups * a, none, none, joined, local, between)
