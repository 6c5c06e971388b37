"""Seconds that the ranks of a layout spend sending: gathers, reductions, all-to-all, stages.

Groups are laid out as Megatron does: tensor ranks next to each other, then context, then data and
expert ranks, stages farthest apart (Narayanan et al. 2021, arXiv:2104.04473, section 3).
"""

from __future__ import annotations

import numpy as np

from groundup.facts.estimate import Array
from groundup.training.cluster import Cluster
from groundup.training.laws import Laws


def inside(size: Array, stride: Array, cluster: Cluster) -> Array:
    """Ranks of a group that share a domain, its members `stride` accelerators apart."""
    return np.asarray(np.clip(cluster.scale_up / stride, 1.0, size))


def gather_seconds(
    payload: Array, size: Array, stride: Array, cluster: Cluster, laws: Laws
) -> Array:
    """All-gather or reduce-scatter of `payload` bytes (the whole) over `size` ranks, s.

    Rings through domains: the l ranks of a domain share its way out, so that each card carries
    1/l of the payload: S ((l - 1)/l / up + (k - 1)/k / (l out)), k = size / l domains.
    """
    near = inside(size, stride, cluster)
    far = near / size
    slow = (1 - far) / (near * (cluster.scale_out_rate * laws.out_share))
    fast = (1 - 1 / near) / (cluster.scale_up_rate * laws.up_share)
    return np.asarray(payload * (fast + slow) + start_seconds(size, near, cluster))


def start_seconds(size: Array, near: Array, cluster: Cluster) -> Array:
    """Latency of one collective: a tree's depth inside and between domains."""
    between = size / near
    return np.asarray(
        cluster.scale_up_latency * np.log2(near) + cluster.scale_out_latency * np.log2(between)
    )


def all_to_all_seconds(
    payload: Array, copies: Array, size: Array, stride: Array, cluster: Cluster, laws: Laws
) -> Array:
    """Each rank sends `payload` bytes, spread evenly over `size` ranks, s.

    `copies` are the ranks that one token goes to: a domain gets it once and hands it on inside, so
    that k domains see 1 - (1 - 1/k)^copies of them (DeepSeek-AI 2024, arXiv:2412.19437, 3.2.2).
    """
    near = inside(size, stride, cluster)
    domains = size / near
    share = 1 / domains
    reached = domains * (1 - (1 - share) ** copies)
    far = payload / copies * reached * (1 - share) / (cluster.scale_out_rate * laws.out_share)
    local = payload * (1 - 1 / near) / (cluster.scale_up_rate * laws.up_share)
    return np.asarray(np.maximum(far, local) + start_seconds(size, near, cluster))


def send_seconds(payload: Array, span: Array, cluster: Cluster, laws: Laws) -> Array:
    """`payload` bytes to the same rank of the next stage, `span` accelerators on, s."""
    near = span < cluster.scale_up
    rate = np.where(
        near, cluster.scale_up_rate * laws.up_share, cluster.scale_out_rate * laws.out_share
    )
    return np.asarray(payload / rate + cluster.scale_out_latency)


def exposed(seconds: Array, window: Array, share: Array) -> Array:
    """What remains of `seconds` of sending behind `window` seconds of arithmetic.

    `share` of it is never hidden (contention, the first and the last); the rest as far as the
    window reaches.
    """
    return np.asarray(np.maximum(seconds * share, seconds - window))
