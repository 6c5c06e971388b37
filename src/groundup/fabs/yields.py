"""Yield: the good share of dies from the defects that fall on them, and of dies sold in part."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.facts.check import one_of
from groundup.facts.estimate import Array

_NODES = 16
"""Points of the Gauss-Laguerre sum over defect densities; 16 agree with 96 within 1e-4."""


def poisson_yield(defects: ArrayLike) -> Array:
    """Good share of dies with `defects` = area x density on average: exp(-AD)."""
    return np.asarray(np.exp(-np.asarray(defects, float)))


def murphy_yield(defects: ArrayLike) -> Array:
    """((1 - exp(-AD))/AD)^2: densities spread triangularly (B. T. Murphy, Proc. IEEE 52, 1964)."""
    ad = np.asarray(defects, float)
    safe = np.where(ad > 0, ad, 1.0)
    return np.asarray(np.where(ad > 0, (-np.expm1(-safe) / safe) ** 2, 1.0))


def seeds_yield(defects: ArrayLike) -> Array:
    """1/(1 + AD): densities spread exponentially (R. B. Seeds, IEEE Int. Conv. Rec. 15, 1967)."""
    return np.asarray(1 / (1 + np.asarray(defects, float)))


def seeds_root_yield(defects: ArrayLike) -> Array:
    """exp(-sqrt(AD)): the other formula that goes by Seeds' name; for large dies only."""
    return np.asarray(np.exp(-np.sqrt(np.asarray(defects, float))))


def bose_einstein_yield(defects_per_layer: ArrayLike, layers: ArrayLike) -> Array:
    """(1 + AD)^-n: `layers` critical layers with the same density each (J. E. Price, 1970)."""
    ad = np.asarray(defects_per_layer, float)
    return np.asarray((1 + ad) ** -np.asarray(layers, float))


def negative_binomial_yield(defects: ArrayLike, clustering: ArrayLike = 3.0) -> Array:
    """(1 + AD/alpha)^-alpha: defects cluster (Stapper 1984); alpha to infinity is Poisson."""
    alpha = np.asarray(clustering, float)
    return np.asarray((1 + np.asarray(defects, float) / alpha) ** -alpha)


_ONE_ARGUMENT: dict[str, Callable[[ArrayLike], Array]] = {
    "poisson": poisson_yield,
    "murphy": murphy_yield,
    "seeds": seeds_yield,
    "seeds-root": seeds_root_yield,
}
MODELS = ("negative-binomial", "bose-einstein", *_ONE_ARGUMENT)


def die_yield(
    model: str, defects: ArrayLike, clustering: ArrayLike = 3.0, layers: ArrayLike = 10.0
) -> Array:
    """Good share of dies by the model of that name; ConfigError for a name that is not one.

    `bose-einstein` spreads the defects evenly over the critical layers.
    """
    one_of("fabs.yield_model", model, MODELS)
    if model == "negative-binomial":
        return negative_binomial_yield(defects, clustering)
    if model == "bose-einstein":
        count = np.asarray(layers, float)
        return bose_einstein_yield(np.asarray(defects, float) / count, count)
    return _ONE_ARGUMENT[model](defects)


def at_most_bad(unit_yield: ArrayLike, units: int, bad: int) -> Array:
    """Probability that at most `bad` of `units` equal units are bad, each good independently."""
    if bad >= units:
        return np.ones_like(np.asarray(unit_yield, float))
    good = np.clip(np.asarray(unit_yield, float), 1e-300, 1.0)
    if 2 * bad >= units:  # the shorter sum: fewer good units than needed
        return np.asarray(1 - at_most_bad(1 - good, units, units - bad - 1))
    odds = (1 - good) / good
    term = good**units
    found = term.copy()
    for k in range(bad):
        term = term * odds * ((units - k) / (k + 1))
        found += term
    return np.asarray(np.minimum(found, 1.0))


def harvest_yield(good: ArrayLike, share: ArrayLike, units: int, bad: int) -> Array:
    """Sellable share of dies when up to `bad` of `units` repeated units may be switched off.

    `good` is the yield of perfect dies, `share` the part of the area in the units; the rest must
    be good. Defects fall on units independently: a unit's yield is good^(share/units).
    """
    whole, part = np.asarray(good, float), np.asarray(share, float)
    return np.asarray(whole ** (1 - part) * at_most_bad(whole ** (part / units), units, bad))


@functools.lru_cache(maxsize=4)
def _laguerre(nodes: int) -> tuple[Array, Array]:
    points, weights = np.polynomial.laguerre.laggauss(nodes)
    return np.asarray(points), np.asarray(weights)


def clustered_harvest_yield(
    defects: ArrayLike, share: ArrayLike, units: int, bad: int, clustering: ArrayLike = 3.0
) -> Array:
    """Like `harvest_yield` where defects cluster: dies have gamma distributed mean defects.

    The negative binomial yield is the mean of Poisson yields over a gamma distribution with shape
    alpha (Stapper 1984); the same mean is taken here of exp(-m (1 - share)) x P(at most `bad` of
    `units` bad), by Gauss-Laguerre quadrature with weights x^(alpha - 1).
    """
    mean, part, alpha = (np.asarray(x, float)[..., None] for x in (defects, share, clustering))
    points, weights = _laguerre(_NODES)
    weight = np.exp((alpha - 1) * np.log(points)) * weights
    weight = weight / weight.sum(axis=-1, keepdims=True)
    there = mean / alpha * points
    sold = np.exp(-there * (1 - part)) * at_most_bad(np.exp(-there * part / units), units, bad)
    return np.asarray((sold * weight).sum(axis=-1))


def ramped(
    measured: ArrayLike, mature: ArrayLike, months: ArrayLike, learning_months: ArrayLike
) -> Array:
    """Defect density `months` after it was measured: Dm + (D0 - Dm) exp(-t/tau)."""
    late = np.asarray(mature, float)
    age = np.asarray(months, float) / np.asarray(learning_months, float)
    return np.asarray(late + (np.asarray(measured, float) - late) * np.exp(-age))


def tested_quality(good: ArrayLike, coverage: ArrayLike) -> Array:
    """Share of dies that pass the test and are good: Y^(1 - T), T the fault coverage.

    T. W. Williams, N. C. Brown, Defect level as a function of fault coverage, IEEE Trans.
    Computers C-30(12), 1981.
    """
    return np.asarray(np.asarray(good, float) ** (1 - np.asarray(coverage, float)))


def stack_yield(die: ArrayLike, bond: ArrayLike, layers: ArrayLike) -> NDArray[np.float64]:
    """Good share of stacks of `layers` dies: die^n x bond^(n-1); all must be good."""
    count = np.asarray(layers, float)
    return np.asarray(np.asarray(die, float) ** count * np.asarray(bond, float) ** (count - 1))


def defects_of(good: float, clustering: float) -> float:
    """Mean defects of a die that yields `good` by the negative binomial model: its inverse."""
    return clustering * (math.pow(good, -1 / clustering) - 1)
