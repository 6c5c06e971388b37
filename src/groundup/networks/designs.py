"""The network that a stack file configures: its counts, its limit, its bisection."""

from __future__ import annotations

import numpy as np

from groundup.facts.estimate import Array, Estimate, derived
from groundup.networks import dragonfly, torus
from groundup.networks.config import NetworksConfig
from groundup.networks.planes import planes_of
from groundup.networks.topology import Fabric, fat_tree, most_endpoints, rail_optimised, rails


def fabric(config: NetworksConfig, accelerators: Estimate) -> Fabric:
    """Counts of the configured topology for so many accelerators, one port each."""
    count = accelerators.to("accelerator").samples
    ports, blocking, size = config.switch_ports, config.oversubscription, config.server_size
    if config.topology == "none":
        return fat_tree(0 * count, ports)
    if config.topology == "rail-optimised":
        return rail_optimised(count, ports, size, blocking)
    if config.topology == "rail-only":
        return rails(count, ports, size, blocking)
    if config.topology == "dual-plane":
        return planes_of(count, ports, config.planes, blocking)
    if config.topology == "dragonfly":
        return dragonfly.dragonfly(count, ports)
    if config.topology == "torus":
        return torus.torus(count, ports)
    return fat_tree(count, ports, blocking)


def limit(config: NetworksConfig) -> tuple[int, str]:
    """Endpoints that the configured network joins at most, and what stops it there."""
    ports = config.switch_ports
    if config.topology == "dragonfly":
        return dragonfly.most_endpoints(ports), f"ports of dragonfly routers ({ports} each)"
    if config.topology == "torus":
        return torus.most_endpoints(ports), f"ports of optical circuit switches ({ports} each)"
    binds = f"ports of three switch tiers ({ports} each)"
    if config.topology == "dual-plane":
        return most_endpoints(ports * config.planes, config.oversubscription), binds
    most = most_endpoints(ports, config.oversubscription)
    return most * (config.server_size if config.topology == "rail-only" else 1), binds


def bisection_ports(config: NetworksConfig, built: Fabric, count: Array) -> Array:
    """Port rates that can cross between two halves of the network, one way.

    Half of the endpoints over the oversubscription for Clos networks; half of the global cables
    for a dragonfly; two cross-sections of a cube of chips for a torus.
    """
    if config.topology == "dragonfly":
        return np.where(built.core_cables > 0, built.core_cables / 2, count / 2)
    if config.topology == "torus":
        return np.asarray(2 * np.ceil(count) ** (2 / 3))
    return np.asarray(count / (2 * config.oversubscription))


def bisection(config: NetworksConfig, built: Fabric, accelerators: Estimate) -> Estimate:
    """Bandwidth across the worst cut into halves, one way."""
    crossing = bisection_ports(config, built, accelerators.to("accelerator").samples)
    text = {
        "dragonfly": "global cables / 2 x port rate",
        "torus": "2 x accelerators^(2/3) links x link rate",
    }.get(config.topology, "accelerators / 2 x port rate / oversubscription")
    made = derived(
        crossing * config.link_gbit_per_s, "Gbit/s", "networks.bisection_bandwidth", text,
        (accelerators,),
    )  # fmt: skip
    return made.to("TB/s").named("networks.bisection_bandwidth", text)


def uplinks(config: NetworksConfig) -> tuple[int, int]:
    """Ports down and up of a leaf, which decide how hashed flows collide."""
    ports = config.switch_ports * (config.planes if config.topology == "dual-plane" else 1)
    down = max(1, int(ports * config.oversubscription / (1 + config.oversubscription) + 1e-9))
    return down, max(1, ports - down)
