"""Time of collectives in the alpha-beta model with a bandwidth ramp, on numpy arrays.

A step costs `alpha` seconds; a rank sends `beta` bytes/s one way. Small payloads cannot fill the
pipeline: with the best chunk size a pipelined transfer takes (sqrt(latency) + sqrt(v/beta))^2
(P. Sanders, J. Speck, J. L. Traff, Two-tree algorithms for full bandwidth broadcast, reduction and
scan, Parallel Computing 2009), whose cross term is v/beta x sqrt(half/S) here: at S = `half` the
bandwidth is half of beta. A ramp S/(S + half) would be a constant, and so only another alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.estimate import Array


@dataclass(frozen=True)
class Channel:
    """One fabric as a collective sees it; every field a number or an array."""

    alpha: ArrayLike
    """Seconds of one step."""
    beta: ArrayLike
    """Bytes/s that a rank sends one way, all of its links together."""
    half: ArrayLike = 0.0
    """Payload in bytes at which half of beta is reached; 0 without a ramp."""
    start: ArrayLike = 0.0
    """Seconds that every call costs once, whatever the number of steps."""


def moved(volume: ArrayLike, payload: ArrayLike, channel: Channel) -> Array:
    """Seconds to send `volume` bytes of a collective over `payload` bytes."""
    size = np.maximum(np.asarray(payload, float), 1.0)
    ramp = 1 + np.sqrt(np.asarray(channel.half, float) / size)
    return np.asarray(np.asarray(volume, float) / np.asarray(channel.beta, float) * ramp)


def _took(steps: ArrayLike, volume: ArrayLike, payload: ArrayLike, channel: Channel) -> Array:
    latency = np.asarray(channel.start) + np.asarray(steps, float) * np.asarray(channel.alpha)
    return np.asarray(latency + moved(volume, payload, channel))


def ring_traffic(ranks: ArrayLike) -> Array:
    """Bytes that a rank sends in a ring all-reduce, over the payload: 2(N-1)/N."""
    n = np.asarray(ranks, float)
    return np.asarray(2 * (n - 1) / n)


def ring_all_reduce(payload: ArrayLike, ranks: ArrayLike, channel: Channel) -> Array:
    """Seconds: 2(N-1) steps, 2(N-1)/N of the payload from every rank.

    P. Patarasuk, X. Yuan, Bandwidth optimal all-reduce algorithms, JPDC 2009.
    """
    n = np.asarray(ranks, float)
    return _took(2 * (n - 1), ring_traffic(n) * np.asarray(payload, float), payload, channel)


def tree_all_reduce(payload: ArrayLike, ranks: ArrayLike, channel: Channel) -> Array:
    """Seconds of a double binary tree: 2 log2 N steps, twice the payload from every rank."""
    n = np.asarray(ranks, float)
    volume = np.where(n > 1, 2.0, 0.0) * np.asarray(payload, float)
    return _took(2 * np.ceil(np.log2(n)), volume, payload, channel)


def in_network_all_reduce(payload: ArrayLike, ranks: ArrayLike, channel: Channel) -> Array:
    """Seconds when switches add (SHARP, NVLS): two steps, the payload once from every rank.

    So the bus bandwidth may reach 2(N-1)/N times the link's; R. Graham et al., SHARP, COMHPC 2016.
    """
    n = np.asarray(ranks, float)
    one = np.where(n > 1, 1.0, 0.0)
    return _took(2 * one, one * np.asarray(payload, float), payload, channel)


def reduce_scatter(payload: ArrayLike, ranks: ArrayLike, channel: Channel) -> Array:
    """Seconds of a ring: N-1 steps, (N-1)/N of the whole payload from every rank."""
    n = np.asarray(ranks, float)
    return _took(n - 1, (n - 1) / n * np.asarray(payload, float), payload, channel)


def all_gather(payload: ArrayLike, ranks: ArrayLike, channel: Channel) -> Array:
    """Seconds; `payload` is what every rank holds at the end. The same as a reduce-scatter."""
    return reduce_scatter(payload, ranks, channel)


def all_to_all(payload: ArrayLike, ranks: ArrayLike, channel: Channel) -> Array:
    """Seconds: every rank sends 1/N of its payload to each other one, in N-1 steps."""
    return reduce_scatter(payload, ranks, channel)


def broadcast(payload: ArrayLike, ranks: ArrayLike, channel: Channel) -> Array:
    """Seconds of a pipelined tree: log2 N steps and the payload once."""
    n = np.asarray(ranks, float)
    volume = np.where(n > 1, 1.0, 0.0) * np.asarray(payload, float)
    return _took(np.ceil(np.log2(n)), volume, payload, channel)


def point_to_point(payload: ArrayLike, channel: Channel) -> Array:
    """Seconds of one message."""
    return _took(1.0, payload, payload, channel)


def hierarchical_all_reduce(
    payload: ArrayLike,
    inside: ArrayLike,
    across: ArrayLike,
    scale_up: Channel,
    scale_out: Channel,
    overlapped: bool = False,
) -> Array:
    """Seconds: reduce-scatter over `inside` ranks, all-reduce of the shards over `across`, gather.

    Serial adds the three; overlapped chunks them, so that the longer of the two fabrics sets the
    time. What is measured lies between.
    """
    local = 2 * reduce_scatter(payload, inside, scale_up)
    shard = np.asarray(payload, float) / np.asarray(inside, float)
    between = ring_all_reduce(shard, across, scale_out)
    return np.asarray(np.maximum(local, between) if overlapped else local + between)


def best_all_reduce(
    payload: ArrayLike, ranks: ArrayLike, channel: Channel, in_network: Channel | None = None
) -> tuple[Array, Array]:
    """Fastest algorithm and its seconds: 0 ring, 1 tree, 2 in-network where a channel is given."""
    times = [
        ring_all_reduce(payload, ranks, channel),
        tree_all_reduce(payload, ranks, channel),
    ]
    if in_network is not None:
        times.append(in_network_all_reduce(payload, ranks, in_network))
    stacked = np.stack(np.broadcast_arrays(*times))
    return np.argmin(stacked, axis=0).astype(float), np.min(stacked, axis=0)


def bus_bandwidth(payload: ArrayLike, ranks: ArrayLike, seconds: ArrayLike) -> Array:
    """Bytes/s of an all-reduce as nccl-tests states it: 2(N-1)/N x payload / time."""
    volume = ring_traffic(ranks) * np.asarray(payload, float)
    return np.asarray(volume / np.asarray(seconds, float))


def seconds_of(payload: ArrayLike, ranks: ArrayLike, bus: ArrayLike) -> Array:
    """Seconds that a bus bandwidth in bytes/s stands for; the inverse of `bus_bandwidth`."""
    return bus_bandwidth(payload, ranks, bus)
