"""The normal distribution on arrays: share below a value, and the value that a share lies below."""

from __future__ import annotations

import numpy as np

from groundup.facts.estimate import Array

Numbers = float | Array
"""A number or an array of them; functions broadcast."""

# Acklam, An algorithm for computing the inverse normal cumulative distribution function (2003):
# relative error below 1.15e-9, in the middle and in the tails
_MIDDLE_OVER = (
    -3.969683028665376e01, 2.209460984245205e02, -2.759285104469687e02,
    1.383577518672690e02, -3.066479806614716e01, 2.506628277459239e00,
)  # fmt: skip
_MIDDLE_UNDER = (
    -5.447609879822406e01, 1.615858368580409e02, -1.556989798598866e02,
    6.680131188771972e01, -1.328068155288572e01, 1.0,
)  # fmt: skip
_TAIL_OVER = (
    -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e00,
    -2.549732539343734e00, 4.374664141464968e00, 2.938163982698783e00,
)  # fmt: skip
_TAIL_UNDER = (
    7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00,
    3.754408661907416e00, 1.0,
)  # fmt: skip
_TAIL = 0.02425
# Hart 1968, Computer Approximations, algorithm 5666, as given by West, Better approximations to
# cumulative normal functions, Wilmott (2005): double precision
_HART_OVER = (
    3.52624965998911e-02, 0.700383064443688, 6.37396220353165, 33.912866078383,
    112.079291497871, 221.213596169931, 220.206867912376,
)  # fmt: skip
_HART_UNDER = (
    8.83883476483184e-02, 1.75566716318264, 16.064177579207, 86.7807322029461,
    296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752,
)  # fmt: skip
_FAR = 7.07106781186547
"""Beyond this many deviations Hart's continued fraction takes over."""


def below(z: Numbers) -> Array:
    """Share of a standard normal that lies below `z`; any shape, error below 1e-14."""
    x = np.asarray(z, dtype=np.float64)
    size = np.minimum(np.abs(x), 38.0)
    density = np.exp(-size * size / 2)
    near = density * np.polyval(_HART_OVER, size) / np.polyval(_HART_UNDER, size)
    deep = size + 1 / (size + 2 / (size + 3 / (size + 4 / (size + 0.65))))
    upper = np.where(size < _FAR, near, density / deep / np.sqrt(2 * np.pi))
    return np.asarray(np.where(x > 0, 1 - upper, upper))


def quantile(share: Numbers) -> Array:
    """Value that a standard normal is below with probability `share` in [0, 1]; ends are infinite.

    Acklam's approximation with one step of Halley's method.
    """
    p = np.asarray(share, dtype=np.float64)
    inner = np.clip(p, 1e-300, 1 - 1e-16)
    r = inner - 0.5
    middle = r * np.polyval(_MIDDLE_OVER, r * r) / np.polyval(_MIDDLE_UNDER, r * r)
    q = np.sqrt(-2 * np.log(np.minimum(inner, 1 - inner)))
    tail = np.polyval(_TAIL_OVER, q) / np.polyval(_TAIL_UNDER, q)
    z = np.where(np.abs(r) <= 0.5 - _TAIL, middle, np.where(r < 0, tail, -tail))
    error = (below(z) - inner) * np.sqrt(2 * np.pi) * np.exp(np.minimum(z * z / 2, 700.0))
    z = np.where(np.abs(z) < 8, z - error / (1 + z * error / 2), z)
    return np.asarray(np.where(p <= 0, -np.inf, np.where(p >= 1, np.inf, z)))
