"""The `[networks]` table of a stack file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NetworksConfig:
    """How the accelerators are wired together."""

    topology: str = "fat-tree"
    """`none` (one machine), `fat-tree` or `rail-optimised`."""

    switch_ports: int = 64
    """Ports of one switch."""

    link_gbit_per_s: float = 400.0
    """Speed of one network port per accelerator, gigabit per second, one way."""

    oversubscription: float = 1.0
    """Downlink to uplink bandwidth of a leaf switch; 1 is non-blocking."""
