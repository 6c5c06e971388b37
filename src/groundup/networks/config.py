"""The `[networks]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.check import in_range, one_of

TOPOLOGIES = (
    "none", "fat-tree", "rail-optimised", "rail-only", "dual-plane", "dragonfly", "torus",
)  # fmt: skip
OPTICS = ("pluggable", "lpo", "co-packaged", "copper-in-rack")
ROUTINGS = ("ecmp", "adaptive")


@dataclass(frozen=True)
class NetworksConfig:
    """How the accelerators are wired together."""

    topology: str = "fat-tree"
    """`none` (one machine), `fat-tree`, `rail-optimised`, `rail-only` (no spine across rails),
    `dual-plane` (every port split over separate trees), `dragonfly` or `torus` (TPU cubes)."""

    switch_ports: int = 64
    """Ports of one switch at the speed below; of an optical circuit switch for a torus."""

    link_gbit_per_s: float = 400.0
    """Speed of one network port per accelerator, gigabit per second, one way."""

    oversubscription: float = 1.0
    """Downlink to uplink bandwidth of a leaf switch; 1 is non-blocking."""

    planes: int = 2
    """Separate networks that a port is split over; for `dual-plane` only."""

    server_size: int = 8
    """Accelerators of a server, each on a rail of its own where there are rails."""

    optics: str = "pluggable"
    """`pluggable`, `lpo` (no signal processor), `co-packaged` (at the switches) or
    `copper-in-rack` (copper from servers to leaves, pluggable above)."""

    routing: str = "adaptive"
    """`adaptive` (packets spread over all paths) or `ecmp` (each flow hashed to one path)."""

    def __post_init__(self) -> None:
        one_of("networks.topology", self.topology, TOPOLOGIES)
        in_range("networks.switch_ports", self.switch_ports, 2)
        in_range("networks.link_gbit_per_s", self.link_gbit_per_s, 0)
        in_range("networks.oversubscription", self.oversubscription, 1)
        in_range("networks.planes", self.planes, 1, 16)
        in_range("networks.server_size", self.server_size, 1)
        one_of("networks.optics", self.optics, OPTICS)
        one_of("networks.routing", self.routing, ROUTINGS)
