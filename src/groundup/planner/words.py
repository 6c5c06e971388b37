"""Numbers as people read them: `1.2k token/s`, `$71M [65-80]`, `77 days`."""

from __future__ import annotations

import math

from groundup.facts.estimate import Estimate
from groundup.facts.units import Unit, same_dimension

_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_MONEY = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
# a unit is used from this many of it on: 77 days, not 2.5 months
_TIMES = (("year", 2.0), ("month", 4.0), ("day", 1.0), ("h", 1.0), ("min", 1.0), ("s", 0.0))
_FAMILIES = (
    _TIMES,
    (("GW", 1.0), ("MW", 1.0), ("kW", 1.0), ("W", 0.0)),
    (("GWh", 1.0), ("MWh", 1.0), ("kWh", 1.0), ("Wh", 0.0)),
    (("PB", 1.0), ("TB", 1.0), ("GB", 1.0), ("MB", 1.0), ("kB", 1.0), ("B", 0.0)),
    (("tCO2", 1.0), ("kgCO2", 1.0), ("gCO2", 0.0)),
    (("m^3", 1.0), ("L", 0.0)),
    (("t", 1.0), ("kg", 1.0), ("g", 0.0)),
    (("PFLOP/(s*accelerator)", 1.0), ("TFLOP/(s*accelerator)", 1.0),
     ("GFLOP/(s*accelerator)", 0.0)),
    (("GB/accelerator", 1.0), ("MB/accelerator", 0.0)),
)  # fmt: skip
_SHORT = {
    "accelerator": "acc", "question": "q", "token": "tok", "parameter": "param",
    "FLOP/(s*acc)": "FLOP/s", "B/acc": "B", "year": "yr", "m^3": "m3",
}  # fmt: skip
"""Shorter words for the narrow table; what is counted per accelerator says so in its layer."""
_PLURAL = {"day": "days", "month": "months", "week": "weeks"}
"""Units of time that stand alone are read as words."""


def number(value: float, steps: tuple[tuple[float, str], ...] = _STEPS) -> str:
    """Three digits with a decimal prefix; powers of ten beyond them."""
    scale, letter = _step(value, steps)
    if letter == "e":
        return f"{value:.2e}".replace("e+", "e")
    return _digits(value / scale) + letter


def _step(value: float, steps: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    size = abs(value)
    if size == 0 or not math.isfinite(value):
        return 1.0, ""
    if size >= 1e16 or size < 1e-3:
        return 10.0 ** math.floor(math.log10(size)), "e"
    return next(((s, letter) for s, letter in steps if size >= s * 0.9995), (1.0, ""))


def _digits(value: float) -> str:
    size = abs(value)
    if size >= 99.95:
        return f"{value:.0f}"
    text = f"{value:.1f}" if size >= 9.995 else f"{value:.2f}" if size >= 0.0995 else f"{value:.2g}"
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def unit_text(unit: Unit) -> str:
    """The unit with the longest names shortened, for a narrow table."""
    text = str(unit)
    if text in _PLURAL:
        return _PLURAL[text]
    for name, short in _SHORT.items():
        text = text.replace(name, short)
    return "" if text == "1" else text


def quantity(estimate: Estimate | None, interval: bool = False) -> str:
    """A value with unit, in the unit that reads best; `-` where there is none.

    An interval follows in the scale of the value: `$71M [65-80]` is 65 to 80 million dollars.
    """
    if estimate is None:
        return "-"
    estimate = readable(estimate)
    money = str(estimate.unit).startswith("USD")
    steps, sign = (_MONEY, "$") if money else (_STEPS, "")
    text = sign + number(estimate.value, steps)
    text = text.replace("$-", "-$")
    unit = unit_text(estimate.unit)
    text += unit.removeprefix("USD") if money else f" {unit}".rstrip()
    scale, _ = _step(estimate.value, steps)
    low, high = _digits(estimate.low / scale), _digits(estimate.high / scale)
    between = " to " if estimate.low < 0 else "-"
    return f"{text} [{low}{between}{high}]" if interval and low != high else text


def readable(estimate: Estimate) -> Estimate:
    """The same quantity in the unit that a reader expects: days, megawatts; nothing stays as is."""
    if estimate.value == 0:
        return estimate
    for family in _FAMILIES:
        if same_dimension(estimate.unit, family[0][0]):
            for unit, least in family:
                inside = estimate.to(unit)
                if abs(inside.value) >= least:
                    return inside
    return estimate
