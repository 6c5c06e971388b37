"""Times of arrival: Poisson, bursty (Gamma gaps), daily rhythm; all from one seed.

The same seed gives the same unit gaps at every rate (common random numbers), so that two loads
differ by their rate and not by luck.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from groundup.facts.check import in_range

Array = NDArray[np.float64]


def poisson(count: int, rate: float, seed: int = 0) -> Array:
    """`count` arrivals with exponential gaps of mean 1 / `rate` seconds."""
    return gamma(count, rate, 1.0, seed)


def gamma(count: int, rate: float, variation: float, seed: int = 0) -> Array:
    """Arrivals with Gamma gaps; `variation` is their coefficient of variation (1: Poisson).

    BurstGPT (arXiv 2401.17644) fits Gamma gaps to a real service; above 1 it is bursty.
    """
    in_range("rate", rate, 1e-12)
    in_range("variation", variation, 1e-3)
    shape = 1 / variation**2
    draw = np.random.default_rng((seed, 1))
    gaps = draw.standard_exponential(count) if shape == 1 else draw.gamma(shape, 1 / shape, count)
    return np.asarray(np.cumsum(gaps) / rate)


def daily(
    count: int, rate: float, peak: float, seed: int = 0, day: float = 86400.0, variation: float = 1
) -> Array:
    """Arrivals whose rate swings as a sine over a `day`: mean `rate`, busiest `peak` times that.

    `peak` is 1 to 2 (a sine that stays above 0). Unit-rate arrivals are moved by the inverse of the
    integrated rate (time change of a point process).
    """
    in_range("peak", peak, 1.0, 2.0)
    unit = gamma(count, 1.0, variation, seed)
    swing = peak - 1.0
    grid = np.linspace(0.0, unit[-1] / rate + day, 20_000)
    turn = 2 * np.pi / day
    passed = rate * (grid - swing / turn * np.sin(turn * grid))  # the trough is at time 0
    return np.asarray(np.interp(unit, passed, grid))
