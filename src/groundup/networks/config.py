"""The `[networks]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of

_TOPOLOGIES = ("none", "fat-tree", "rail-optimised", "rail-only")


@dataclass(frozen=True)
class NetworksConfig:
    """How the accelerators are wired together."""

    topology: str = "fat-tree"
    """`none` (one machine), `fat-tree`, `rail-optimised` or `rail-only` (no spine across rails)."""

    switch_ports: int = 64
    """Ports of one switch."""

    link_gbit_per_s: float = 400.0
    """Speed of one network port per accelerator, gigabit per second, one way."""

    oversubscription: float = 1.0
    """Downlink to uplink bandwidth of a leaf switch; 1 is non-blocking."""

    def __post_init__(self) -> None:
        one_of("networks.topology", self.topology, _TOPOLOGIES)
        in_range("networks.switch_ports", self.switch_ports, 2)
        in_range("networks.link_gbit_per_s", self.link_gbit_per_s, 0)
        in_range("networks.oversubscription", self.oversubscription, 1)
