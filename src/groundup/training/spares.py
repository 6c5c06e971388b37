"""Spare machines: how many must stand ready so that a job is never short while others are mended.

Machines out for repair are a Poisson number with mean rate x time to repair (M/G/infinity: the
shape of the repair times does not matter), so spares are its quantile.
"""

from __future__ import annotations

from math import lgamma

import numpy as np

from groundup.facts.estimate import Array

_WIDE = 12.0
"""Standard deviations above the mean that are looked at: beyond it is less than 1e-30."""


def out_for_repair(rate: Array, machines: Array, repair: Array) -> Array:
    """Mean number of machines that are away: failures per machine and second x s of repair.

    Little's law; `rate` counts only failures after which the machine leaves.
    """
    return np.asarray(np.asarray(rate) * machines * repair)


def spares(mean_out: Array, short: float = 0.01) -> Array:
    """Fewest spares with which more are out at most a share `short` of the time.

    The (1 - short) quantile of the Poisson distribution of mean `mean_out` (Palm 1938; Sherbrooke
    1968, METRIC), for each value. ValueError where `short` is not a share.
    """
    if not 0 < short < 1:
        raise ValueError(f"short = {short!r}: allowed is a share above 0 and below 1")
    mean = np.asarray(mean_out, float)
    flat = np.array([_quantile(float(each), 1 - short) for each in mean.reshape(-1)])
    return flat.reshape(mean.shape)


def shortage(mean_out: float, held: int) -> float:
    """Share of time that more than `held` machines are out."""
    return float(1 - np.exp(_log_terms(mean_out, held)).sum()) if mean_out > 0 else 0.0


def _quantile(mean: float, share: float) -> float:
    if mean <= 0:
        return 0.0
    most = int(mean + _WIDE * np.sqrt(mean) + _WIDE)
    reached = np.cumsum(np.exp(_log_terms(mean, most)))
    return float(np.searchsorted(reached, share * (1 - 1e-12)))


def _log_terms(mean: float, most: int) -> Array:
    """Logarithms of the Poisson probabilities of 0 to `most`."""
    number = np.arange(most + 1)
    factorials = np.array([lgamma(n + 1) for n in number])
    return np.asarray(number * np.log(mean) - mean - factorials)
