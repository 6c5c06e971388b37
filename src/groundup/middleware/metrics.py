"""Retrieval metrics a question (recall@k, reciprocal rank, nDCG@k) and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def recall_at(ranking: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Share of the relevant ids that are among the first `k`. Nothing relevant is a ValueError."""
    if not relevant:
        raise ValueError("recall needs at least one relevant id")
    return len(set(ranking[:k]) & set(relevant)) / len(set(relevant))


def reciprocal_rank(ranking: Sequence[str], relevant: Collection[str]) -> float:
    """1 / rank of the first relevant id, 0 when there is none (its mean is MRR)."""
    wanted = set(relevant)
    return next((1.0 / rank for rank, item in enumerate(ranking, 1) if item in wanted), 0.0)


def dcg(gains: Sequence[float]) -> float:
    """Discounted cumulative gain: sum of gain / log2(rank + 1) (Järvelin & Kekäläinen 2002)."""
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, 1)))


def ndcg_at(ranking: Sequence[str], gains: Mapping[str, float], k: int) -> float:
    """DCG of the first `k` over the best DCG there can be; in [0, 1]. No gain is a ValueError."""
    ideal = dcg(sorted(gains.values(), reverse=True)[:k])
    if ideal <= 0:
        raise ValueError("nDCG needs at least one id with a gain above 0")
    return dcg([gains.get(item, 0.0) for item in ranking[:k]]) / ideal


@dataclass(frozen=True)
class Interval:
    """A mean over questions with its bootstrap interval."""

    value: float
    low: float
    high: float
    count: int

    def as_dict(self) -> dict[str, float | int]:
        """JSON form."""
        return {"value": self.value, "low": self.low, "high": self.high, "count": self.count}

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    values: Sequence[float] | NDArray[np.float64],
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Mean of per-question values with a percentile bootstrap interval (Efron 1979).

    Questions are drawn with replacement. No values is a ValueError.
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise ValueError("an interval needs at least one value")
    rng = np.random.default_rng(seed)
    means = np.concatenate(
        [
            array[rng.integers(len(array), size=(chunk, len(array)))].mean(axis=1)
            for chunk in _chunks(resamples, 200)
        ]
    )
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(float(array.mean()), float(low), float(high), len(array))


def paired_difference(
    first: Sequence[float], second: Sequence[float], resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean of first − second over the same questions, with its interval.

    An interval that spans 0 says that the difference is not shown.
    """
    if len(first) != len(second):
        raise ValueError(f"paired values differ in number: {len(first)} and {len(second)}")
    return bootstrap(np.asarray(first) - np.asarray(second), resamples, seed=seed)


def _chunks(total: int, size: int) -> list[int]:
    return [min(size, total - start) for start in range(0, total, size)]


PER_QUESTION: dict[str, Callable[[Sequence[str], Collection[str]], float]] = {
    "recall@1": lambda ranking, relevant: recall_at(ranking, relevant, 1),
    "recall@10": lambda ranking, relevant: recall_at(ranking, relevant, 10),
    "mrr": reciprocal_rank,
    "ndcg@10": lambda ranking, relevant: ndcg_at(ranking, dict.fromkeys(relevant, 1.0), 10),
}
"""The columns of every retrieval table here."""
