"""Identities of accelerators that need the chips' own catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from groundup.chips.catalogue import chips, sold
from groundup.facts.catalogue import Catalogue
from groundup.facts.units import convert

_UNUSED = 0.5
"""Makers run memory below the standard's top pin rate, but never at half of it."""
_ROUNDED = 0.005
"""Data sheets round to three or four digits."""
_LEAST, _MOST = 0.01, 4.0
"""TFLOP/s per W from server processors to what is announced."""


def problems(facts: Catalogue) -> list[str]:
    """Every identity that is broken, one sentence each."""
    return [text for check in (_stacks, _units, _per_watt) for text in check(facts)]


def _stacks(facts: Catalogue) -> Iterator[str]:
    """Memory bandwidth must fit stacks x pins x pin rate."""
    for name, chip in chips().items():
        keys = (f"chips.{name}.bandwidth", f"chips.{name}.stacks", f"fabs.hbm.{chip.hbm}.pin_rate")
        if not all(key in facts for key in keys):
            continue
        bandwidth, stacks, pins = (facts[key] for key in keys)
        width = f"fabs.hbm.{chip.hbm}.width"
        width = width if width in facts else "fabs.hbm.width"
        top = stacks.value * convert(pins.high, pins.unit, "GB/s") * facts[width].value
        if not _UNUSED * top <= bandwidth.value <= 1.02 * top:
            yield (
                f"{keys[0]}: {bandwidth.value:g} GB/s, but {stacks.value:g} stacks of {chip.hbm} "
                f"give at most {top:.0f} GB/s"
            )


def _units(facts: Catalogue) -> Iterator[str]:
    """A dense peak is clock x tensor units x operations a clock and unit."""
    for key in facts.keys("chips."):
        name, found, word = key.removeprefix("chips.").partition(".flop_per_clock.")
        if not found:
            continue
        clock, units = facts[f"chips.{name}.clock"], facts[f"chips.{name}.tensor_units"]
        peak = facts[f"chips.{name}.peak.{word}.dense"]
        made = convert(clock.value, clock.unit, "THz") * units.value * facts[key].value
        if abs(peak.value - made) > _ROUNDED * made:
            yield f"{peak.key}: {peak.value:g}, but clock x units x operations is {made:.4g}"


def _per_watt(facts: Catalogue) -> Iterator[str]:
    """No maker has passed a few 16-bit operations a picojoule; more is a sparse or wrong figure."""
    for chip in sold():
        power = f"chips.{chip.name}.tdp"
        for word in ("bf16", "fp16"):
            key = f"chips.{chip.name}.peak.{word}.dense"
            if power in facts and key in facts:
                ratio = facts[key].value / facts[power].value
                if not _LEAST <= ratio <= _MOST:
                    yield f"{key}: {ratio:.3g} TFLOP/s per W is outside {_LEAST:g} to {_MOST:g}"
