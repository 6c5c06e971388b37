"""All-reduce from link rates and NCCL's own latencies alone: the fastest algorithm and protocol.

LL sends flags with every 8 bytes (low latency, a quarter of the bandwidth), LL128 with every 128,
Simple synchronises whole chunks; NCCL takes the fastest for the payload, and so does this.
Nothing is fitted. The latencies are those of NVLink and InfiniBand: other fabrics start slower.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Array
from groundup.networks.collectives import ring_traffic

KINDS = tuple(f"{a}.{p}" for a in ("ring", "tree") for p in ("ll", "ll128", "simple"))
"""Algorithm and protocol, in the order of `all_times`."""


def all_times(
    payload: ArrayLike, ranks: int, servers: int, bytes_per_s: float, facts: Catalogue
) -> Array:
    """Seconds of every kind, shape (6, *payload).

    `bytes_per_s` is the bandwidth of the ring, one way: an accelerator's links inside a server,
    all NICs of a server across servers. Steps follow NCCL's tuning.cc: a ring makes 2(n-1), of
    them 2(servers-1) across; a tree walks the server's accelerators and log2 of the servers.
    """
    size = np.asarray(payload, float)
    across = np.array([2.0 * (servers - 1), 2 * np.log2(servers)])
    inside = np.array([2.0 * (ranks - servers), 2.0 * (ranks / servers - 1)])
    volume = (float(ring_traffic(ranks)), 2.0)
    times = []
    for number, kind in enumerate(KINDS):
        way = number // 3
        base, near, far, data = (
            facts[f"networks.nccl.{kind}.{name}"].value
            for name in ("base", "inside", "across", "data")
        )
        latency = (base + inside[way] * near + across[way] * far) * 1e-6
        times.append(latency + volume[way] * size / (bytes_per_s * data))
    return np.stack(times)


def fastest(
    payload: ArrayLike, ranks: int, servers: int, bytes_per_s: float, facts: Catalogue
) -> tuple[Array, Array]:
    """Index into `KINDS` and seconds of the fastest kind, each of the payload's shape."""
    times = all_times(payload, ranks, servers, bytes_per_s, facts)
    return np.argmin(times, axis=0).astype(float), np.min(times, axis=0)
