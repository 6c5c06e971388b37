"""Identities of accelerators that need the chips' own catalogue."""

from __future__ import annotations

from groundup.chips.catalogue import chips
from groundup.facts.catalogue import Catalogue
from groundup.facts.units import convert

_UNUSED = 0.5
"""Makers run memory below the standard's top pin rate, but never at half of it."""


def problems(facts: Catalogue) -> list[str]:
    """Memory bandwidth must fit stacks x pins x pin rate; one sentence for each that does not."""
    found = []
    for name, chip in chips().items():
        keys = (f"chips.{name}.bandwidth", f"chips.{name}.stacks", f"fabs.hbm.{chip.hbm}.pin_rate")
        if not all(key in facts for key in keys):
            continue
        bandwidth, stacks, pins = (facts[key] for key in keys)
        rate = convert(pins.value, pins.unit, "GB/s") * facts["fabs.hbm.width"].value
        top = stacks.value * rate
        if not _UNUSED * top <= bandwidth.value <= 1.02 * top:
            found.append(
                f"{keys[0]}: {bandwidth.value:g} GB/s, but {stacks.value:g} stacks of {chip.hbm} "
                f"give at most {top:.0f} GB/s"
            )
    return found
