"""Near-duplicates: MinHash signatures, banded LSH, and exact Jaccard of every candidate pair.

Broder 1997 (resemblance by min-wise hashing); banding as in Leskovec, Rajaraman, Ullman, Mining of
Massive Datasets, 3.4. Candidates are verified, so a reported pair is never a false one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.data.shingles import Hashes, jaccard

PERMUTATIONS = 128
MISS = 0.005  # largest chance that LSH overlooks a pair exactly at the threshold
_RANDOM = np.random.default_rng(20240601)
_MULTIPLY = _RANDOM.integers(1, 2**63, PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_ADD = _RANDOM.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)
_CHUNK = 1 << 14  # shingles a block: the working set stays in the cache
LARGE_BUCKET = 64  # members compared pair by pair; larger buckets with their first member only


class Pair(NamedTuple):
    """Two documents (by index) and the exact Jaccard similarity of their shingles."""

    first: int
    second: int
    similarity: float


def signature(shingle_set: Hashes) -> NDArray[np.uint32]:
    """MinHash signature, (128,) uint32: the smallest hash under each of 128 hash functions."""
    best = np.full(PERMUTATIONS, 2**32 - 1, dtype=np.uint32)
    for start in range(0, len(shingle_set), _CHUNK):
        block = shingle_set[start : start + _CHUNK]
        for index in range(PERMUTATIONS):  # multiply-add-shift (Dietzfelbinger 1996)
            value = (block * _MULTIPLY[index] + _ADD[index]).max() >> np.uint64(32)
            best[index] = min(best[index], np.uint32(2**32 - 1 - int(value)))
    return best


def bands(threshold: float) -> tuple[int, int]:
    """(bands, rows) with the most rows that still find a pair at `threshold` but for MISS."""
    for rows in range(PERMUTATIONS, 0, -1):
        count = PERMUTATIONS // rows
        if (1 - threshold**rows) ** count <= MISS:
            return count, rows
    return PERMUTATIONS, 1


def candidates(signatures: NDArray[np.uint32], threshold: float) -> list[tuple[int, int]]:
    """Index pairs (first < second) that share a band, sorted. signatures: (documents, 128)."""
    count, rows = bands(threshold)
    found: set[tuple[int, int]] = set()
    for band in range(count):
        part = np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows])
        keys = part.view(np.dtype((np.void, part.dtype.itemsize * rows))).ravel()
        _, inverse = np.unique(keys, return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        edges = np.flatnonzero(np.diff(inverse[order])) + 1
        for bucket in np.split(order, edges):
            if len(bucket) > 1:
                found.update(_bucket_pairs(np.sort(bucket).tolist()))
    return sorted(found)


def _bucket_pairs(bucket: Sequence[int]) -> list[tuple[int, int]]:
    if len(bucket) > LARGE_BUCKET:  # copies of one licence or stub: a star is enough to join them
        return [(bucket[0], other) for other in bucket[1:]]
    return [(a, b) for n, a in enumerate(bucket) for b in bucket[n + 1 :]]


def near_pairs(
    signatures: NDArray[np.uint32], shingles_of: Callable[[int], Hashes], threshold: float
) -> list[Pair]:
    """Pairs with exact Jaccard of at least `threshold`, best first (by first, then second)."""
    cache: dict[int, Hashes] = {}
    pairs = []
    for first, second in candidates(signatures, threshold):
        if first not in cache:
            cache = {index: value for index, value in cache.items() if index > first}
        for index in (first, second):
            if index not in cache:
                cache[index] = shingles_of(index)
        similarity = jaccard(cache[first], cache[second])
        if similarity >= threshold:
            pairs.append(Pair(first, second, similarity))
    return pairs


def duplicates(pairs: Sequence[Pair], threshold: float) -> dict[int, Pair]:
    """Which indices to drop (each with the kept one it repeats): the lower index is kept.

    A document is dropped only for one that is itself kept, so chains of small changes stay.
    """
    dropped: dict[int, Pair] = {}
    for pair in sorted(pairs):
        kept = pair.first not in dropped and pair.second not in dropped
        if kept and pair.similarity >= threshold:
            dropped[pair.second] = pair
    return dropped


def clusters(count: int, pairs: Sequence[Pair]) -> list[int]:
    """For each of `count` documents the lowest index that pairs connect it to (union-find)."""
    parent = list(range(count))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for pair in pairs:
        a, b = root(pair.first), root(pair.second)
        parent[max(a, b)] = min(a, b)
    return [root(index) for index in range(count)]
