"""Dies per wafer and yield: the geometry and the defect statistics of a wafer, on numpy arrays."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.facts.estimate import Array


def gross_dies(area_mm2: ArrayLike, diameter_mm: ArrayLike = 300.0) -> Array:
    """Whole dies of a wafer, estimated from their area: pi r^2/A - pi d/sqrt(2 A), never below 0.

    The second term takes off the partial dies along the edge (D. K. de Vries, Investigation of
    gross die per wafer formulas, IEEE Trans. Semicond. Manuf. 18(1), 2005; also used by
    Chiplet Actuary and ttm-cas). Edge exclusion and scribe lines are not in it.
    """
    area, diameter = np.asarray(area_mm2, float), np.asarray(diameter_mm, float)
    dies = math.pi * diameter**2 / (4 * area) - math.pi * diameter / np.sqrt(2 * area)
    return np.asarray(np.maximum(dies, 0.0))


def packed_dies(
    width_mm: float,
    height_mm: float,
    diameter_mm: float = 300.0,
    edge_mm: float = 3.0,
    scribe_mm: float = 0.1,
    steps: int = 20,
) -> int:
    """Whole rectangular dies of a wafer, counted on the best of `steps`^2 grid positions.

    A die counts when its four corners lie inside the usable radius (edge exclusion taken off).
    Exact for one die size; `gross_dies` is for arrays of areas.
    """
    pitch_x, pitch_y = width_mm + scribe_mm, height_mm + scribe_mm
    radius = diameter_mm / 2 - edge_mm
    shifts = np.arange(steps) / steps
    columns = _columns(pitch_x, radius, shifts)
    rows = _columns(pitch_y, radius, shifts)
    return max(_inside(x, y, width_mm, height_mm, radius) for x in columns for y in rows)


def _columns(pitch: float, radius: float, shifts: Array) -> list[Array]:
    count = int(radius / pitch) + 1
    return [(np.arange(-count, count + 1) + shift) * pitch for shift in shifts]


def _inside(x: Array, y: Array, width: float, height: float, radius: float) -> int:
    """Dies with lower left corners at the grid x times y that lie inside the radius."""
    far_x = np.maximum(np.abs(x), np.abs(x + width))
    far_y = np.maximum(np.abs(y), np.abs(y + height))
    return int((far_x[:, None] ** 2 + far_y[None, :] ** 2 <= radius**2 + 1e-9).sum())


def poisson_yield(defects: ArrayLike) -> Array:
    """Good share of dies with `defects` = area x density on average: exp(-AD)."""
    return np.asarray(np.exp(-np.asarray(defects, float)))


def murphy_yield(defects: ArrayLike) -> Array:
    """((1 - exp(-AD))/AD)^2: densities spread triangularly (B. T. Murphy, Proc. IEEE 52, 1964)."""
    ad = np.asarray(defects, float)
    safe = np.where(ad > 0, ad, 1.0)
    return np.asarray(np.where(ad > 0, (-np.expm1(-safe) / safe) ** 2, 1.0))


def negative_binomial_yield(defects: ArrayLike, clustering: ArrayLike = 3.0) -> Array:
    """(1 + AD/alpha)^-alpha: defects cluster (Stapper 1984); alpha to infinity is Poisson."""
    alpha = np.asarray(clustering, float)
    return np.asarray((1 + np.asarray(defects, float) / alpha) ** -alpha)


def stack_yield(die: ArrayLike, bond: ArrayLike, layers: int) -> NDArray[np.float64]:
    """Good share of stacks of `layers` dies: die^n x bond^(n-1); all must be good."""
    return np.asarray(np.asarray(die, float) ** layers * np.asarray(bond, float) ** (layers - 1))
