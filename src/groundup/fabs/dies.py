"""Dies per wafer: the formula for arrays of areas, and the exact count on a grid."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.estimate import Array

_FIELD_WIDTH_MM = 26.0
"""Width of a lithography field (ASML TWINSCAN NXE): a die is at most this wide when it is exposed
whole, so an area alone says how a large die must look."""
_GRID_POINTS = 64
"""Different areas that are counted exactly; between them the count is interpolated."""


def gross_dies(
    area_mm2: ArrayLike,
    diameter_mm: ArrayLike = 300.0,
    edge_mm: ArrayLike = 0.0,
    scribe_mm: ArrayLike = 0.0,
) -> Array:
    """Whole dies of a wafer, estimated from their area: pi r^2/A - pi d/sqrt(2 A), never below 0.

    The second term takes off the partial dies along the edge (D. K. de Vries, Investigation of
    gross die per wafer formulas, IEEE Trans. Semicond. Manuf. 18(1), 2005; also used by
    Chiplet Actuary and ttm-cas). Edge exclusion shortens the radius; a scribe line makes a square
    die that much wider and higher, as in Chiplet Actuary (DAC 2022).
    """
    area, scribe = np.asarray(area_mm2, float), np.asarray(scribe_mm, float)
    area = (np.sqrt(area) + scribe) ** 2
    diameter = np.asarray(diameter_mm, float) - 2 * np.asarray(edge_mm, float)
    dies = math.pi * diameter**2 / (4 * area) - math.pi * diameter / np.sqrt(2 * area)
    return np.asarray(np.maximum(dies, 0.0))


@functools.lru_cache(maxsize=4096)
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
    radius = diameter_mm / 2 - edge_mm
    shifts = np.arange(steps) / steps
    far_x = _farthest(width_mm, width_mm + scribe_mm, radius, shifts)
    far_y = np.sort(_farthest(height_mm, height_mm + scribe_mm, radius, shifts), axis=1)
    left = radius**2 + 1e-9 - far_x**2
    room = np.sqrt(np.maximum(left, 0.0))
    best = 0
    for row in far_y:  # for every position of the rows: how many of them fit each column
        fits = np.where(left >= 0, np.searchsorted(row, room, side="right"), 0)
        best = max(best, int(fits.sum(axis=1).max()))
    return best


def _farthest(size: float, pitch: float, radius: float, shifts: Array) -> Array:
    """Distance from the middle to the far side of each column, shape (shifts, columns), mm."""
    count = int(radius / pitch) + 1
    start = (np.arange(-count, count + 1) + shifts[:, None]) * pitch
    return np.asarray(np.maximum(np.abs(start), np.abs(start + size)))


def packed(
    area_mm2: ArrayLike,
    diameter_mm: float = 300.0,
    edge_mm: float = 3.0,
    scribe_mm: float = 0.1,
    field_mm: float | None = None,
) -> Array:
    """The exact count for an array of areas: square dies, or `field_mm` wide where they are large.

    More than 64 different areas are counted at 64 of them and interpolated, so that a million
    draws cost no more than a few dozen counts.
    """
    areas = np.asarray(area_mm2, float)
    different = np.unique(areas)
    if different.size > _GRID_POINTS:
        different = np.geomspace(different[0], different[-1], _GRID_POINTS)
    counts = [_of_area(float(a), diameter_mm, edge_mm, scribe_mm, field_mm) for a in different]
    return np.asarray(np.interp(areas, different, counts))


def packed_logic(area_mm2: ArrayLike, edge_mm: float = 3.0, scribe_mm: float = 0.1) -> Array:
    """`packed` for dies that are exposed whole: at most 26 mm wide."""
    return packed(area_mm2, edge_mm=edge_mm, scribe_mm=scribe_mm, field_mm=_FIELD_WIDTH_MM)


def _of_area(area: float, diameter: float, edge: float, scribe: float, field: float | None) -> int:
    width = math.sqrt(area) if field is None else min(math.sqrt(area), field)
    return packed_dies(width, area / width, diameter, edge, scribe)
