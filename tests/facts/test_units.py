import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.facts.errors import UnitError
from groundup.facts.units import convert, factor, parse, same_dimension

SYMBOLS = [
    "W", "kWh", "USD", "FLOP", "byte", "Gbit", "wafer", "accelerator", "token", "s", "h", "day",
    "kg", "L", "gCO2", "mm", "K", "gal", "%", "MB", "GiB",
]  # fmt: skip
units = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.sampled_from([-3, -2, -1, 1, 2, 3])),
    min_size=1,
    max_size=4,
).map(lambda factors: "*".join(f"{symbol}^{power}" for symbol, power in factors))


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1, "kWh", "J", 3.6e6),  # definition of the watt-hour
        (1, "gal", "L", 3.785411784),  # US liquid gallon, NIST handbook 44
        (1, "year", "day", 365.25),  # Julian year
        (1, "Gbit/s", "MB/s", 125.0),
        (1, "GiB", "byte", 2**30),
        (1, "mm2", "cm^2", 0.01),
        (400, "gCO2/kWh", "tCO2/MWh", 0.4),
        (50, "%", "1", 0.5),
        (1, "t/MW", "kg/kW", 1.0),
        (2, "USD/(accelerator*h)", "USD/(accelerator*day)", 48.0),
        (1, "V*A", "W", 1.0),
    ],
)
def test_known_conversions(value, source, target, expected):
    assert math.isclose(convert(value, source, target), expected, rel_tol=1e-12)


@given(units)
def test_text_of_a_unit_parses_back(text):
    unit = parse(text)
    assert parse(str(unit)) == unit


@given(units, units)
def test_product_and_quotient_undo_each_other(left, right):
    a, b = parse(left), parse(right)
    assert (a * b / b).dimension == a.dimension
    assert math.isclose((a * b / b).scale, a.scale, rel_tol=1e-9)


@given(units, st.floats(1e-6, 1e6))
def test_simplifying_keeps_the_quantity(text, value):
    unit = parse(text)
    simple, times = unit.simplified()
    assert simple.dimension == unit.dimension
    assert math.isclose(value * unit.scale, value * times * simple.scale, rel_tol=1e-9)


@given(st.floats(1e-9, 1e9), st.sampled_from([("kWh", "MJ"), ("day", "s"), ("gal", "m^3")]))
def test_conversion_round_trip(value, pair):
    assert math.isclose(convert(convert(value, *pair), *reversed(pair)), value, rel_tol=1e-12)


def test_counted_things_are_dimensions_of_their_own():
    assert not same_dimension("USD/token", "USD/question")
    assert not same_dimension("token", "1")
    assert same_dimension("MW", "kJ/s")


def test_error_names_both_units():
    with pytest.raises(UnitError, match=r"kWh.*USD"):
        factor("kWh", "USD")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("acelerator", "did you mean `accelerator`"),
        ("W/", "ends too early"),
        ("(W", "bracket"),
        ("W)", "unexpected"),
        ("W^h", "whole number"),
        ("", "empty"),
        ("W$", "cannot read"),
        ("7", "7"),
        ("kaccelerator", "unknown unit"),
    ],
)
def test_bad_units_are_refused_with_a_reason(text, says):
    with pytest.raises(UnitError) as caught:
        parse(text)
    assert says in str(caught.value)
