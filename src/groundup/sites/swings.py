"""Power swings of synchronous training: how deep, how fast, and what it takes to smooth them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate


@dataclass(frozen=True)
class Swing:
    """A square wave of power: high while computing, low while waiting, over and over."""

    high: Estimate
    """Power of the compute phase, MW."""
    low: Estimate
    """Power of the quiet phase, MW."""
    period: Estimate
    """Time from one quiet phase to the next."""
    quiet: Estimate
    """Share of the period that is quiet."""
    edge: Estimate
    """Time from high to low."""

    @property
    def depth(self) -> Estimate:
        """High less low, MW."""
        return (self.high - self.low).named("sites.swing.depth", "high - low")

    @property
    def ramp(self) -> Estimate:
        """How fast power changes, MW/s."""
        return (self.depth / self.edge).to("MW/s").named("sites.swing.ramp", "depth / edge")

    @property
    def frequency(self) -> Estimate:
        """How often it swings, Hz."""
        return (1.0 / self.period).to("Hz").named("sites.swing.frequency", "1 / period")

    @property
    def mean(self) -> Estimate:
        """Mean power, MW: what a perfectly smoothed site takes from the grid."""
        return (self.high - self.depth * self.quiet).named("sites.swing.mean")

    @property
    def storage(self) -> Estimate:
        """Energy a battery takes up and gives back each period to hold the mean, MWh.

        depth x quiet x (1 - quiet) x period: what the quiet phase leaves over at the mean.
        """
        moved = self.depth * self.quiet * (1.0 - self.quiet) * self.period
        return moved.to("MWh").named("sites.swing.storage", "depth x q x (1 - q) x period")

    @property
    def dummy_share(self) -> Estimate:
        """Energy burnt by dummy work that holds the high power, over the energy of the job."""
        burnt = self.depth * self.quiet / self.mean
        return burnt.to("1").named("sites.swing.dummy", "depth x quiet / mean")


def step_swing(it_power: Estimate, facts: Catalogue, samples: int = 0) -> Swing:
    """Swing of every training step: compute against communication."""
    return _swing(it_power, "step_low", facts.estimate("sites.swing.period", samples),
                  facts.estimate("sites.swing.quiet_share", samples), facts, samples)  # fmt: skip


def checkpoint_swing(
    it_power: Estimate, every: Estimate, facts: Catalogue, samples: int = 0
) -> Swing:
    """Swing of every checkpoint or stop: the deepest one, `every` so often."""
    pause = facts.estimate("sites.swing.checkpoint_pause", samples)
    quiet = (pause / every).to("1").named("sites.swing.pause_share", "pause / time between")
    return _swing(it_power, "low", every, quiet, facts, samples)


def harmful(swing: Swing, facts: Catalogue) -> bool:
    """Whether the swing's frequency lies in the band that can harm grid equipment."""
    rate = swing.frequency.value
    slow = facts["sites.swing.slowest_harmful"].value
    return slow <= rate <= facts["sites.swing.fastest_harmful"].value


def trace(swing: Swing, seconds: float, points: int = 400) -> tuple[NDArray[np.float64], ...]:
    """Nominal (seconds, MW drawn, MW from the grid with the mean held by storage)."""
    time = np.linspace(0.0, seconds, points)
    period, quiet = swing.period.to("s").value, swing.quiet.to("1").value
    edge = min(swing.edge.to("s").value, period * quiet / 2, period * (1 - quiet) / 2)
    phase = np.mod(time, period)
    begin = period * (1 - quiet)
    down = np.interp(phase, [0, edge, begin, begin + edge, period], [1, 0, 0, 1, 1])
    high, low = swing.high.to("MW").value, swing.low.to("MW").value
    return time, high - (high - low) * down, np.full(points, swing.mean.to("MW").value)


def _swing(
    it_power: Estimate, low: str, period: Estimate, quiet: Estimate, facts: Catalogue, samples: int
) -> Swing:
    power = it_power.to("MW")
    return Swing(
        high=(power * facts.estimate("sites.swing.high", samples)).named("sites.swing.top"),
        low=(power * facts.estimate(f"sites.swing.{low}", samples)).named("sites.swing.bottom"),
        period=period,
        quiet=quiet,
        edge=facts.estimate("sites.swing.edge", samples),
    )
