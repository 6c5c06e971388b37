"""A small SI dimension algebra for unit strings such as `USD/kWh`, `FLOP/s` or `accelerator*h`.

Things that are counted (tokens, accelerators, wafers, ...) are dimensions of their own, so that
dollars per token and dollars per question cannot be added by accident.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from groundup.facts.errors import UnitError

Dimension = tuple[tuple[str, Fraction], ...]
"""Sorted (base dimension, exponent) pairs without zero exponents; `()` is dimensionless."""

_COUNTED = (
    "accelerator answer cable conversation cycle device die document epoch event failure family "
    "endpoint engineer fab group head image job layer line link mask message model package page "
    "panel parameter passage person plant port question rack repair replica request run sample "
    "sequence server shard site stack step switch task token tool transceiver transistor user wafer"
)

_BASE: dict[str, tuple[float, dict[str, int]]] = {
    # symbol: (size in base units, dimension)
    "1": (1.0, {}),
    "%": (0.01, {}),
    "rad": (1.0, {}),
    "s": (1.0, {"time": 1}),
    "min": (60.0, {"time": 1}),
    "h": (3600.0, {"time": 1}),
    "day": (86400.0, {"time": 1}),
    "week": (7 * 86400.0, {"time": 1}),
    "month": (365.25 / 12 * 86400.0, {"time": 1}),
    "year": (365.25 * 86400.0, {"time": 1}),
    "m": (1.0, {"length": 1}),
    "g": (1e-3, {"mass": 1}),
    "t": (1e3, {"mass": 1}),
    "K": (1.0, {"temperature": 1}),
    "A": (1.0, {"current": 1}),
    "V": (1.0, {"mass": 1, "length": 2, "time": -3, "current": -1}),
    "L": (1e-3, {"length": 3}),
    "gal": (3.785411784e-3, {"length": 3}),
    "J": (1.0, {"mass": 1, "length": 2, "time": -2}),
    "W": (1.0, {"mass": 1, "length": 2, "time": -3}),
    "Wh": (3600.0, {"mass": 1, "length": 2, "time": -2}),
    "Hz": (1.0, {"time": -1}),
    "byte": (1.0, {"information": 1}),
    "B": (1.0, {"information": 1}),
    "bit": (0.125, {"information": 1}),
    "FLOP": (1.0, {"operation": 1}),
    "USD": (1.0, {"money": 1}),
    "gCO2": (1.0, {"carbon": 1}),
    "tCO2": (1e6, {"carbon": 1}),
    **{name: (1.0, {name: 1}) for name in _COUNTED.split()},
}
_PREFIXES = {
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "c": 1e-2,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Z": 1e21,
    "Y": 1e24,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}
_SCALED = "s m g t L J W Wh Hz A V K byte B bit FLOP USD gCO2 tCO2 token parameter transistor"
_PREFIXABLE = frozenset(_SCALED.split())
_TOKEN = re.compile(
    r"\s*(?:(?P<symbol>[A-Za-z]*CO2|[A-Za-z]+|%|1(?!\d))|(?P<op>\*\*|[*·/^()])|(?P<number>-?\d+))"
)


@dataclass(frozen=True)
class Unit:
    """A product of named unit symbols with exponents; its text is readable and parses back."""

    factors: tuple[tuple[str, Fraction], ...] = ()
    """(symbol, exponent) pairs in reading order, exponents never zero."""

    @property
    def scale(self) -> float:
        """Size of one of this unit in SI base units (dollars, bytes and counts are base units)."""
        scale = 1.0
        for symbol, exponent in self.factors:
            scale *= _symbol(symbol)[0] ** float(exponent)
        return scale

    @property
    def dimension(self) -> Dimension:
        """The unit's dimension, as sorted (base, exponent) pairs."""
        return _dimension(self.factors)

    def __mul__(self, other: Unit) -> Unit:
        return Unit(_merge(self.factors + other.factors))

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    def __pow__(self, exponent: int | float | Fraction) -> Unit:
        power = Fraction(exponent).limit_denominator(1000)
        return Unit(_merge((symbol, e * power) for symbol, e in self.factors))

    def __str__(self) -> str:
        up = [_power_text(s, e) for s, e in self.factors if e > 0]
        down = [_power_text(s, -e) for s, e in self.factors if e < 0]
        over = "*".join(up) or "1"
        if not down:
            return over
        return f"{over}/{down[0]}" if len(down) == 1 else f"{over}/({'*'.join(down)})"

    def simplified(self) -> tuple[Unit, float]:
        """Cancel symbols of one dimension against each other (`kWh*USD/MWh` is 0.001 `USD`).

        Returns the simpler unit and the factor by which values in this unit are multiplied.
        """
        if not self.dimension:
            return ONE, self.scale
        kept: list[tuple[str, Fraction]] = []
        for symbol, exponent in self.factors:
            _cancel(kept, symbol, exponent)
        result = Unit(_merge(kept))
        return result, self.scale / result.scale


def _cancel(kept: list[tuple[str, Fraction]], symbol: str, exponent: Fraction) -> None:
    """Add one factor to `kept`, merging it into a factor of the same dimension and other sign."""
    for i, (other, power) in enumerate(kept):
        opposed = power * exponent < 0
        if opposed and _dimension(((other, Fraction(1)),)) == _dimension(((symbol, Fraction(1)),)):
            left = power + exponent
            if left == 0:
                del kept[i]
            else:
                # the symbol with the larger exponent names what is left over
                kept[i] = (other if abs(power) >= abs(exponent) else symbol, left)
            return
    kept.append((symbol, exponent))


def _power_text(symbol: str, exponent: Fraction) -> str:
    return symbol if exponent == 1 else f"{symbol}^{exponent}"


def _merge(factors: Iterable[tuple[str, Fraction]]) -> tuple[tuple[str, Fraction], ...]:
    total: dict[str, Fraction] = {}
    for symbol, exponent in factors:
        total[symbol] = total.get(symbol, Fraction(0)) + exponent
    kept = [(s, e) for s, e in total.items() if e != 0 and s != "1"]
    return tuple(sorted(kept, key=lambda factor: factor[1] < 0))  # as written: over, then under


@functools.lru_cache(maxsize=4096)
def _dimension(factors: tuple[tuple[str, Fraction], ...]) -> Dimension:
    total: dict[str, Fraction] = {}
    for symbol, exponent in factors:
        for base, power in _symbol(symbol)[1].items():
            total[base] = total.get(base, Fraction(0)) + power * exponent
    return tuple(sorted((b, e) for b, e in total.items() if e != 0))


@functools.lru_cache(maxsize=4096)
def _symbol(symbol: str) -> tuple[float, Mapping[str, int]]:
    """Size and dimension of one symbol; UnitError with the nearest known symbol otherwise."""
    if symbol in _BASE:
        return _BASE[symbol]
    for length in (1, 2):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in _PREFIXES and rest in _PREFIXABLE:
            size, dimension = _BASE[rest]
            return size * _PREFIXES[prefix], dimension
    near = difflib.get_close_matches(symbol, _BASE, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    raise UnitError(f"unknown unit `{symbol}`{hint}")


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Unit:
    """Parse a unit string (`kWh`, `USD/(accelerator*h)`, `mm^2`, `mm2`, `1`).

    Raises UnitError that shows the text and the place where it stops making sense.
    """
    tokens: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnitError(f"unit `{text}`: cannot read `{text[position:]}`")
        tokens.append(match.group().strip().replace("**", "^").replace("·", "*"))
        position = match.end()
    if not tokens:
        raise UnitError("a unit is empty; write `1` for a number without unit")
    unit, rest = _product(tokens, text)
    if rest:
        raise UnitError(f"unit `{text}`: unexpected `{''.join(rest)}`")
    return unit


def _product(tokens: list[str], text: str) -> tuple[Unit, list[str]]:
    unit, tokens = _atom(tokens, text)
    while tokens and tokens[0] in ("*", "/"):
        divide = tokens[0] == "/"
        right, tokens = _atom(tokens[1:], text)
        unit = unit / right if divide else unit * right
    return unit, tokens


def _atom(tokens: list[str], text: str) -> tuple[Unit, list[str]]:
    if not tokens:
        raise UnitError(f"unit `{text}` ends too early")
    head, tokens = tokens[0], tokens[1:]
    if head == "(":
        unit, tokens = _product(tokens, text)
        if not tokens or tokens[0] != ")":
            raise UnitError(f"unit `{text}`: a bracket is not closed")
        tokens = tokens[1:]
    else:
        unit = _single(head, text)
    if tokens and tokens[0] == "^":
        if len(tokens) < 2 or not tokens[1].lstrip("-").isdigit():
            raise UnitError(f"unit `{text}`: the exponent after `^` must be a whole number")
        return unit ** int(tokens[1]), tokens[2:]
    if tokens and tokens[0] in ("2", "3"):
        return unit ** int(tokens[0]), tokens[1:]
    return unit, tokens


def _single(symbol: str, text: str) -> Unit:
    if symbol == "1":
        return ONE
    try:
        _symbol(symbol)
    except UnitError as error:
        raise UnitError(f"unit `{text}`: {error}") from None
    return Unit(((symbol, Fraction(1)),))


def as_unit(unit: str | Unit) -> Unit:
    """A Unit from a Unit or its text."""
    return parse(unit) if isinstance(unit, str) else unit


def same_dimension(left: str | Unit, right: str | Unit) -> bool:
    """Whether two units measure the same thing."""
    return as_unit(left).dimension == as_unit(right).dimension


def factor(source: str | Unit, target: str | Unit) -> float:
    """What a value in `source` is multiplied by to be in `target`; UnitError names both."""
    source, target = as_unit(source), as_unit(target)
    if source.dimension != target.dimension:
        raise UnitError(f"`{source}` cannot be converted to `{target}`: they measure other things")
    return source.scale / target.scale


def convert(value: float, source: str | Unit, target: str | Unit) -> float:
    """`value` in `source` expressed in `target`."""
    return value * factor(source, target)


ONE = Unit(())
"""The unit of a plain number."""
