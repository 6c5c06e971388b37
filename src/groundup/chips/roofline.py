"""The roofline: what a chip can attain at an arithmetic intensity, per number format."""

from __future__ import annotations

from numpy.typing import ArrayLike

from groundup.chips.catalogue import figure, formats, peaks
from groundup.facts.catalogue import Catalogue
from groundup.facts.estimate import Estimate, given, minimum

_SOURCE = "roofline, S. Williams et al., CACM 52(4), 2009"


def attainable(
    name: str, number_format: str, intensity: ArrayLike, facts: Catalogue, samples: int = 0
) -> Estimate:
    """FLOP/s that `intensity` FLOP per byte of memory traffic lets through.

    `intensity` is a number or an array of R of them (then R rows). Returns
    TFLOP/(s*accelerator). NoDataError where the chip has no such peak or no bandwidth on record.
    Source: Williams, Waterman and Patterson, CACM 2009, equation on page 67.
    """
    per_byte = given(intensity, "FLOP/B", "intensity", "asked for")
    bandwidth = figure(name, "bandwidth", facts, samples)
    fed = (per_byte * bandwidth).to("TFLOP/(s*accelerator)")
    peak = figure(name, f"peak.{number_format}.dense", facts, samples)
    formula = "smaller of peak and intensity x bandwidth"
    return minimum(peak, fed).named("chips.attainable", formula, _SOURCE)


def ridge(name: str, number_format: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """FLOP per byte above which the peak limits, below which memory does; FLOP/B."""
    peak = figure(name, f"peak.{number_format}.dense", facts, samples)
    bandwidth = figure(name, "bandwidth", facts, samples)
    return (peak / bandwidth).to("FLOP/B").named("chips.ridge", "peak / bandwidth", _SOURCE)


def peak_from_units(name: str, number_format: str, facts: Catalogue, samples: int = 0) -> Estimate:
    """Peak as clock x tensor units x operations a clock and unit, TFLOP/(s*accelerator).

    NoDataError where one of the three is not on record.
    """
    clock = figure(name, "clock", facts, samples)
    units = figure(name, "tensor_units", facts, samples)
    work = figure(name, f"flop_per_clock.{number_format}", facts, samples)
    formula = "clock x tensor units x operations a clock and unit"
    return (clock * units * work).to("TFLOP/(s*accelerator)").named("chips.peak", formula)


def main_format(name: str, facts: Catalogue) -> str | None:
    """The 16-bit format that the chip is compared in: bf16, else fp16, else its fastest."""
    known = list(formats(name, facts))
    for word in ("bf16", "fp16"):
        if word in known:
            return word
    return max(known, key=lambda word: peaks(name, facts)[word].value, default=None)
