"""One accelerator as the floors above the chips see it: speed, memory, bandwidth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundup.chips import catalogue
from groundup.chips.catalogue import THIS_MACHINE
from groundup.facts.catalogue import Catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import Estimate, maximum


@dataclass(frozen=True)
class Accelerator:
    """Figures of one accelerator; `this-machine` counts as one, its figures are measured."""

    name: str
    """Name in the catalogue of chips, or `this-machine`."""
    peak: Mapping[str, Estimate]
    """Dense matrix-product peak by number format (`bf16`, `fp8`), TFLOP/(s*accelerator)."""
    memory: Estimate
    """Memory for weights and states, GB/accelerator."""
    bandwidth: Estimate
    """Memory bandwidth, TB/(s*accelerator)."""

    @property
    def measured(self) -> bool:
        """Whether the figures were measured on the machine at hand."""
        return self.name == THIS_MACHINE

    def speed(self, number_format: str) -> Estimate:
        """Peak in a number format; NoDataError where the chip has none on record."""
        if number_format not in self.peak:
            there = ", ".join(sorted(self.peak)) or "none"
            raise NoDataError(
                f"{self.name} has no peak for {number_format} on record; there is: {there}. "
                f"Set training.precision and inference.quantise to a format that it has"
            )
        return self.peak[number_format]


def accelerator(name: str, facts: Catalogue, samples: int = 0) -> Accelerator:
    """An accelerator of the catalogue of chips, or this machine from its measured facts.

    Raises ConfigError for a name that the catalogue does not have, NoDataError where memory or
    bandwidth is not on record.
    """
    peak = dict(catalogue.peaks(name, facts, samples))
    if name == THIS_MACHINE and peak:
        # a machine computes in the fastest format that it has
        peak["bf16"] = maximum(*peak.values()).named("systems.fastest_product")
    bandwidth = catalogue.figure(name, "bandwidth", facts, samples)
    return Accelerator(
        name=catalogue.chip(name).name,
        peak=peak,
        memory=catalogue.figure(name, "memory", facts, samples),
        bandwidth=bandwidth.to("TB/(s*accelerator)"),
    )
