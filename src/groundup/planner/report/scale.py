"""Axes: nice ticks on linear and logarithmic scales, their labels, and where a value lies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from groundup.planner.words import number

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_WHOLE = (1.0, 2.0, 5.0, 10.0)
"""Steps of ones: half years and half months are not marked."""
_CLOSE = 0.8
"""A round step may be this much finer than what was asked for."""
_FLAT = 1e-9
"""Ranges narrower than this share of their size are drawn as one value."""
_NARROW_LOG = 3.0
"""Below this ratio a logarithmic axis carries evenly spaced ticks."""
_FEW_DECADES = 3.0
"""Up to this many decades 2 and 5 are marked too."""
_MOST_DECADES = 8
_EXACT = 9
"""Digits of the ends of an axis: a sum of 100.0000000001 does not ask for a tick above 100."""
_PLAIN = 10_000.0
"""Whole numbers up to here, years among them, are written out."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """An axis from `low` (at `start`) to `high` (at `end`)."""

    ticks: tuple[float, ...]
    """Marked values, rising; the axis ends at the outer ones."""
    start: float
    """Position of the first tick."""
    end: float
    """Position of the last tick."""
    log: bool = False
    """Logarithmic."""

    def __call__(self, value: float) -> float:
        """Position of a value; what lies outside is put at the end of the axis."""
        low, high = self.ticks[0], self.ticks[-1]
        inside = min(max(value, low), high)
        if self.log:
            share = (math.log(inside) - math.log(low)) / (math.log(high) - math.log(low))
        else:
            share = (inside - low) / (high - low)
        return self.start + share * (self.end - self.start)


def nice_ticks(low: float, high: float, about: int = 6) -> tuple[float, ...]:
    """Round values, evenly spaced, that cover [low, high]; about as many as asked, 12 at most."""
    low, high = _widened(low, high)
    rough = (high - low) / max(about - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    nice = _WHOLE if power == 1.0 else _NICE
    step = next(n * power for n in nice if n * power >= rough * _CLOSE)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    first -= first * step > low
    last += last * step < high
    return tuple(i * step for i in range(first, last + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Powers of ten that cover [low, high], with 2 and 5 where they are few; `low` above 0."""
    if high / low < _NARROW_LOG:
        ticks = nice_ticks(low, high)
        if ticks[0] > 0:
            return ticks
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    if last - first <= _FEW_DECADES:
        marks = [m * 10.0**e for e in range(first - 1, last + 1) for m in (1.0, 2.0, 5.0)]
        below = max((m for m in marks if m <= low), default=low)
        above = min((m for m in marks if m >= high), default=high)
        return tuple(m for m in marks if below <= m <= above)
    step = math.ceil((last - first) / _MOST_DECADES)
    last = first + step * math.ceil((last - first) / step)
    ticks = tuple(10.0**e for e in range(first, last + 1, step))
    return (min(ticks[0], low), *ticks[1:-1], max(ticks[-1], high))


def axis(
    values: Sequence[float], start: float, end: float, log: bool = False, about: int = 6
) -> Scale:
    """The scale that shows all of some finite values (above 0 on a logarithmic one)."""
    low, high = (float(f"{end:.{_EXACT}g}") for end in (min(values), max(values)))
    return Scale(log_ticks(low, high) if log else nice_ticks(low, high, about), start, end, log)


def tick_labels(ticks: Sequence[float], money: bool = False) -> list[str]:
    """One short text a tick, all different: `2020`, `1.5k`, `0.05`, `10¹⁸`."""
    largest = max(abs(tick) for tick in ticks)
    steps = [b - a for a, b in pairwise(ticks)]
    even = bool(steps) and max(steps) <= min(steps) * 1.001
    if even and 1e-4 < largest < 1e16:
        return _even_labels(ticks, steps[0], largest, money)
    return [scientific(t) if t >= 1e13 else short(t, "USD" if money else "") for t in ticks]


def short(value: float, unit: str = "") -> str:
    """A number as `planner.words.number` writes it; dollars have billions, not a number none."""
    if math.isnan(value):
        return "no data"
    if math.isinf(value):
        return "no bound"
    if value == round(value) and abs(value) < _PLAIN:
        return f"{value:.0f}".replace("-0", "0") if value == 0 else f"{value:.0f}"
    if 999.5 <= abs(value) < _PLAIN - 0.5:
        return f"{value:.0f}"
    if 0 < abs(value) < 1e-3 or abs(value) >= 1e16:
        return scientific(value)
    text = number(value)
    return text.replace("G", "B") if "USD" in unit else text


def scientific(value: float, digits: int = 3) -> str:
    """`3.2×10⁻⁷`, `10¹⁸`."""
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    return {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa}×{power}")


def _even_labels(ticks: Sequence[float], step: float, largest: float, money: bool) -> list[str]:
    scales = ((1e12, "T"), (1e9, "B" if money else "G"), (1e6, "M"), (1e3, "k"))
    whole = all(abs(tick - round(tick)) < 1e-6 * step for tick in ticks)
    scale, letter = 1.0, ""
    if largest >= _PLAIN or not (whole or largest < _PLAIN):
        scale, letter = next(((s, name) for s, name in scales if largest >= s), (1.0, ""))
    places = max(0, -math.floor(math.log10(step / scale) + 1e-9))
    if abs(step / scale * 10**places - round(step / scale * 10**places)) > 1e-6:
        places += 1
    return [_trimmed(f"{tick / scale:.{places}f}", letter) for tick in ticks]


def _trimmed(text: str, letter: str) -> str:
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("0", "-0") else text + letter


def _widened(low: float, high: float) -> tuple[float, float]:
    """A range that is wide enough to have ticks in it; around a lone year, a year."""
    size = max(abs(low), abs(high))
    if size < 1e-290:
        return -1.0 if low < 0 else 0.0, 1.0
    if high - low > _FLAT * size:
        return low, high
    pad = 1.0 if low == round(low) and 100 <= size < _PLAIN else 0.1 * size
    return low - pad, high + pad
