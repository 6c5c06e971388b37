"""Measured all-reduce curves from the catalogue, and the channel that a curve shows.

Seconds are linear in (start, 1/beta, sqrt(half)/beta), so that three numbers are fitted to a curve
by weighted least squares, in shares of the time, robust against single points that are far off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import FactError
from groundup.facts.estimate import Array
from groundup.networks.collectives import Channel, bus_bandwidth, moved, ring_traffic, seconds_of

CURVES = {
    "b200_8": 8, "h200_8": 8, "b200_32": 32, "b200_32_first": 32,
}  # fmt: skip
"""Name in the catalogue below `networks.all_reduce`, and its ranks."""
_ROUNDS = 60
"""Rounds of re-weighting; the weights have settled to four digits after 30."""
_NOISE = 0.02
"""Errors below this share of the time count alike: repeats of a measurement differ by as much."""


@dataclass(frozen=True)
class Curve:
    """Bus bandwidth by payload on one machine."""

    ranks: int
    """Accelerators that took part."""
    payload: Array
    """Bytes, rising, shape (points,)."""
    bus: Array
    """Bytes/s, shape (points,)."""

    @property
    def seconds(self) -> Array:
        """Time of every payload."""
        return seconds_of(self.payload, self.ranks, self.bus)

    def part(self, which: slice | Array) -> Curve:
        """Some of the points."""
        return Curve(self.ranks, self.payload[which], self.bus[which])


def curve(name: str, facts: Catalogue) -> Curve:
    """A measured curve of the catalogue (`CURVES`); NoDataError where it has none of that name."""
    prefix = f"networks.all_reduce.{name}.kib_"
    found = {int(key.removeprefix(prefix)): facts[key].value for key in facts.keys(prefix)}
    if not found:
        facts[prefix + "32"]  # raises with the nearest keys
    sizes = sorted(found)
    payload = np.array(sizes, float) * 1024
    return Curve(CURVES[name], payload, np.array([found[size] for size in sizes]) * 1e9)


def fit(measured: Curve) -> Channel:
    """The channel whose predicted times are nearest, in shares of the measured time.

    `alpha` is left at 0 and `start` holds the whole latency of that many ranks, since one curve
    cannot tell steps from calls. FactError below three points.
    """
    if len(measured.payload) < 3:
        raise FactError(f"a curve of {len(measured.payload)} points cannot give three numbers")
    volume = ring_traffic(measured.ranks) * measured.payload
    columns = np.stack([np.ones_like(volume), volume, volume / np.sqrt(measured.payload)], 1)
    start, slope, cross = _robust(columns, measured.seconds)
    return Channel(0.0, 1 / slope, (cross / slope) ** 2, start)


def channel_of(name: str, facts: Catalogue, samples: int = 0) -> Channel:
    """The fitted channel of a machine as facts, one value for each draw; `fit` gave the numbers.

    NoDataError where the catalogue has no machine of that name.
    """
    start, rate, half = (
        facts.estimate(f"networks.fit.{name}.{part}", samples) for part in ("start", "rate", "half")
    )
    return Channel(0.0, rate.to("byte/s").samples, half.to("byte").samples, start.to("s").samples)


def _robust(columns: Array, seconds: Array) -> Array:
    """Non-negative coefficients of least absolute relative error, by re-weighting."""
    weight = 1 / seconds
    found = np.zeros(columns.shape[1])
    for _ in range(_ROUNDS):
        found = _non_negative(columns * weight[:, None], seconds * weight)
        error = np.abs(columns @ found / seconds - 1)
        weight = 1 / seconds / np.sqrt(np.maximum(error, _NOISE))
    return found


def _non_negative(columns: Array, target: Array) -> Array:
    """Least squares with negative coefficients left out, the most negative first."""
    kept = np.arange(columns.shape[1])
    while True:
        solved = np.linalg.lstsq(columns[:, kept], target, rcond=None)[0]
        if (solved >= 0).all():
            result = np.zeros(columns.shape[1])
            result[kept] = solved
            return result
        kept = np.delete(kept, np.argmin(solved))


def predict(payload: ArrayLike, ranks: int, channel: Channel) -> Array:
    """Bus bandwidth, bytes/s, that a fitted channel gives."""
    volume = ring_traffic(ranks) * np.asarray(payload, float)
    return bus_bandwidth(
        payload, ranks, np.asarray(channel.start) + moved(volume, payload, channel)
    )


def errors(measured: Curve, channel: Channel) -> Array:
    """|predicted / measured - 1| of the bus bandwidth at every point."""
    return np.abs(predict(measured.payload, measured.ranks, channel) / measured.bus - 1)


def held_out_errors(measured: Curve) -> Array:
    """Errors at every point when it is predicted from a fit to every other payload."""
    result = np.empty(len(measured.payload))
    for first in (0, 1):
        seen, unseen = slice(first, None, 2), slice(1 - first, None, 2)
        result[unseen] = errors(measured.part(unseen), fit(measured.part(seen)))
    return result
