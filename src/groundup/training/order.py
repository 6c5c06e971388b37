"""The order of training examples: a shuffle that is computed, not stored.

Batch i is a pure function of (seed, i), so a run resumes at any step in constant time and memory,
with any number of readers. The shuffle is a four-round Feistel network with cycle walking (Black
& Rogaway 2002, "Ciphers with arbitrary finite domains").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MASK = np.uint64(0xFFFFFFFFFFFFFFFF)


def shuffled(positions: NDArray[np.int64] | list[int], size: int, seed: int) -> NDArray[np.int64]:
    """Where each position of an endless stream falls in a set of `size` examples.

    Each epoch of `size` positions is a permutation of 0..size-1, a new one each epoch.
    """
    stream = np.asarray(positions, dtype=np.int64)
    epochs, inside = np.divmod(stream, size)
    result = np.empty_like(stream)
    for epoch in np.unique(epochs):
        chosen = epochs == epoch
        result[chosen] = permuted(inside[chosen], size, _mix_int(seed, int(epoch)))
    return result


def permuted(indices: NDArray[np.int64], size: int, key: int) -> NDArray[np.int64]:
    """Image of `indices` (each in 0..size-1) under the permutation of 0..size-1 named by `key`."""
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    values = indices.astype(np.uint64)
    pending = np.ones(len(values), dtype=bool)
    while pending.any():  # walk the cycle until back inside: at most 4 steps on average
        values[pending] = _feistel(values[pending], half, key)
        pending &= values >= size
    return values.astype(np.int64)


def _feistel(values: NDArray[np.uint64], half: np.uint64, key: int) -> NDArray[np.uint64]:
    low = np.uint64((1 << int(half)) - 1)
    left, right = values >> half, values & low
    for round_number in range(4):
        left, right = right, left ^ (_mix(right, _mix_int(key, round_number)) & low)
    return (left << half) | right


def _mix(values: NDArray[np.uint64], key: int) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (Steele, Lea & Flood 2014), modulo 2^64."""
    with np.errstate(over="ignore"):
        x = values + np.uint64(key)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _mix_int(seed: int, number: int) -> int:
    word = (seed * 0x9E3779B97F4A7C15 + number + 1) & int(MASK)
    return int(_mix(np.array([word], dtype=np.uint64), 0x9E3779B97F4A7C15)[0])
