"""Ways to make one ranking of two: reciprocal ranks, and a convex sum with a tuned weight."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[int]], k: float = 60.0
) -> list[tuple[int, float]]:
    """Sum of 1 / (k + rank) over rankings, best first (Cormack, Clarke & Büttcher 2009)."""
    totals: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            totals[item] = totals.get(item, 0.0) + 1.0 / (k + rank)
    return sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))


def scale(scores: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """Scores to [0, 1]: `least` (the smallest that can be) to 0 and the largest here to 1.

    Theoretical minimum, maximum of the candidates: "TM2C2" of Bruch, Gai & Ingber 2022.
    """
    top = float(scores.max(initial=least))
    return (scores - least) / max(top - least, 1e-9)


def convex(
    keyword: NDArray[np.float32], encoder: NDArray[np.float32], weight: float
) -> NDArray[np.float32]:
    """(1 - weight) * scaled BM25 + weight * scaled cosine, for the same candidates."""
    return (1.0 - weight) * scale(keyword, 0.0) + weight * scale(encoder, -1.0)


def tune_weight(
    quality: Callable[[float], float], weights: Sequence[float] = tuple(np.linspace(0, 1, 21))
) -> tuple[float, float]:
    """The (weight, quality) with the best quality, ties to the smaller weight.

    `quality` must come from training questions: a weight tuned on held-out ones measures nothing.
    """
    tried = [(float(weight), quality(float(weight))) for weight in weights]
    return max(tried, key=lambda pair: (pair[1], -pair[0]))
