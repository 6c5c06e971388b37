from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from groundup.facts.estimate import given
from groundup.planner.words import number, quantity, readable


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1, "1"), (12.34, "12.3"), (999.6, "1k"), (16384, "16.4k"), (2.5e6, "2.5M"),
     (3.8e25, "3.80e25"), (0.5, "0.5"), (0.0123, "0.012"), (1.2e-5, "1.20e-05")],
)  # fmt: skip
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@examples(st.floats(1e-3, 1e15))
def test_number_reads_back_to_two_digits(value: float) -> None:
    text = number(value)
    scale = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    back = float(text[:-1]) * scale[text[-1]] if text[-1] in scale else float(text)
    assert back == pytest.approx(value, rel=0.06)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(77.4, "day", "77.4 days"), (24, "h", "1 days"), (35.4e6, "W", "35.4 MW"),
     (90, "s", "1.5 min"),
     (71e6, "USD", "$71M"), (5e6, "USD/year", "$5M/yr"), (400, "month", "33.3 yr"),
     (0.0014, "MWh", "1.4 kWh"), (5.2e-7, "tCO2", "0.52 gCO2")],
)  # fmt: skip
def test_quantity(value: float, unit: str, text: str) -> None:
    assert quantity(given(value, unit, "x", "here")) == text


@examples(st.floats(1e-6, 1e9), st.sampled_from(["s", "W", "Wh", "byte", "gCO2", "L"]))
def test_readable_changes_the_unit_not_the_quantity(value: float, unit: str) -> None:
    estimate = given(value, unit, "x", "here")
    assert readable(estimate).to(unit).value == pytest.approx(value)


def test_no_number_is_a_dash() -> None:
    assert quantity(None) == "-"
