"""Facts that change over time: one fact a year under a prefix, interpolated between the years."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Array, Estimate, derived

_YEARS = range(2010, 2051)
"""Years that are looked for; asking for each is faster than reading through all keys."""


def years_of(prefix: str, facts: Catalogue) -> list[int]:
    """Years that have a fact `<prefix>.y<year>`, rising; empty where there is no series."""
    return [year for year in _YEARS if f"{prefix}.y{year}" in facts]


def at_year(
    prefix: str,
    when: ArrayLike,
    facts: Catalogue,
    samples: int = 0,
    label: str = "",
    anchor: str = "",
) -> Estimate:
    """The series at the decimal year `when`: geometric between its years, constant outside.

    `y2026` is the value at the beginning of 2026; `anchor` is the key of one more fact of the
    series, at its own date. An array of times gives one row a time, samples of shape
    (times, draws). NoDataError where there is no fact of the series.
    """
    points = _points(prefix, anchor, facts)
    if not points:
        raise NoDataError(f"no fact `{prefix}.y<year>` in the catalogue")
    known = tuple(facts.estimate(key, samples) for _, key in points)
    unit = known[0].unit
    values = np.stack([one.to(unit).samples for one in known])  # (years, draws)
    times = np.asarray(when, float)
    weights = _weights(np.atleast_1d(times), np.asarray([year for year, _ in points]))
    found = np.exp(weights @ np.log(values))
    inputs = tuple(known[i] for i in np.flatnonzero(weights.sum(axis=0)))
    text = f"{len(points)} facts from {points[0][0]:.0f} to {points[-1][0]:.0f}, geometric between"
    return derived(found if times.ndim else found[0], unit, label or prefix, text, inputs)


def _points(prefix: str, anchor: str, facts: Catalogue) -> list[tuple[float, str]]:
    """(decimal year, key) of every fact of the series, rising."""
    points = [(float(year), f"{prefix}.y{year}") for year in years_of(prefix, facts)]
    if anchor in facts:
        points.append((decimal_year(facts[anchor].as_of), anchor))
    return sorted(points)


def decimal_year(day: date) -> float:
    """A day as a decimal year: 1 July 2026 is about 2026.5."""
    return day.year + (day.timetuple().tm_yday - 1) / 365.25


def _weights(times: Array, years: Array) -> Array:
    """Linear interpolation as weights, shape (times, years); each row adds to one."""
    return np.stack([np.interp(times, years, row) for row in np.eye(years.size)], axis=1)
