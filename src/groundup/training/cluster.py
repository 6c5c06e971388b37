"""The machines a step runs on, as plain arrays in SI units."""

from __future__ import annotations

from dataclasses import dataclass

from groundup.facts.estimate import Array


@dataclass(frozen=True)
class Cluster:
    """One accelerator and its links; every field broadcasts with layouts and draws."""

    peak: Array
    """Dense matrix-product peak in the format of the products, FLOP/s."""
    half_peak: Array
    """The same in 16 bits, for what does not run in the format of the products (attention)."""
    memory: Array
    """Bytes of memory."""
    bandwidth: Array
    """Bytes/s of memory."""
    power: Array
    """Design power, W."""
    scale_up: Array
    """Accelerators of a scale-up domain (NVLink): 8 of a board, 72 of a rack."""
    scale_up_rate: Array
    """Bytes/s that one accelerator sends one way inside the domain."""
    scale_out_rate: Array
    """Bytes/s that one accelerator sends one way between domains."""
    scale_up_latency: Array
    """Seconds of one step of a collective inside the domain."""
    scale_out_latency: Array
    """Seconds of one step between domains."""
    host_rate: Array
    """Bytes/s between an accelerator and its host's memory, one way."""
