from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groundup.planner.report.scale import (
    Scale,
    axis,
    log_ticks,
    nice_ticks,
    scientific,
    short,
    tick_labels,
)

NUMBERS = st.floats(-1e15, 1e15)
POSITIVE = st.floats(1e-15, 1e15)


@given(NUMBERS, NUMBERS, st.integers(2, 8))
def test_linear_ticks_cover_rise_and_are_few(a: float, b: float, about: int) -> None:
    low, high = min(a, b), max(a, b)
    ticks = nice_ticks(low, high, about)
    assert ticks[0] <= low <= high <= ticks[-1] or high - low < 1e-12 * max(abs(low), abs(high))
    assert all(x < y for x, y in pairwise(ticks))
    assert 2 <= len(ticks) <= 12


@given(POSITIVE, POSITIVE)
def test_log_ticks_cover_rise_and_are_few(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = log_ticks(low, high)
    assert 0 < ticks[0] <= low * (1 + 1e-9)
    assert ticks[-1] >= high * (1 - 1e-9)
    assert all(x < y for x, y in pairwise(ticks))
    assert 2 <= len(ticks) <= 12


@given(NUMBERS, NUMBERS)
def test_labels_of_linear_ticks_differ(a: float, b: float) -> None:
    assume(abs(a - b) > 1e-6 * max(abs(a), abs(b)) and abs(a - b) > 1e-12)
    labels = tick_labels(nice_ticks(min(a, b), max(a, b)))
    assert len(set(labels)) == len(labels)


@given(POSITIVE, POSITIVE)
def test_labels_of_log_ticks_differ(a: float, b: float) -> None:
    assume(max(a, b) > 1.01 * min(a, b))
    labels = tick_labels(log_ticks(min(a, b), max(a, b)))
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (2014, 2025, "2014 2016 2018 2020 2022 2024 2026"),
        (0, 1, "0 0.2 0.4 0.6 0.8 1"),
        (0, 45_000, "0 10k 20k 30k 40k 50k"),
        (-3, 4, "-4 -2 0 2 4"),
        (0, 2.4e9, "0 0.5G 1G 1.5G 2G 2.5G"),
        (0, 5e-7, "0 10⁻⁷ 2×10⁻⁷ 3×10⁻⁷ 4×10⁻⁷ 5×10⁻⁷"),
    ],
)
def test_labels_read_well(low: float, high: float, labels: str) -> None:
    assert tick_labels(nice_ticks(low, high)) == labels.split()


def test_log_labels_are_powers_where_there_is_no_prefix() -> None:
    assert tick_labels(log_ticks(1e-6, 1e0)) == [
        "10⁻⁶",
        "10⁻⁵",
        "10⁻⁴",
        "0.001",
        "0.01",
        "0.1",
        "1",
    ]
    assert tick_labels(log_ticks(1e12, 1e26))[-1] == "10²⁶"
    assert log_ticks(3, 80) == (2, 5, 10, 20, 50, 100)


def test_dollars_have_billions() -> None:
    assert tick_labels(nice_ticks(0, 3e9), money=True)[-1] == "3B"
    assert (short(2.5e9, "USD/year"), short(2.5e9, "W")) == ("2.5B", "2.5G")


def test_what_is_not_a_number_is_not_printed_as_one() -> None:
    assert (short(math.nan), short(math.inf), short(-0.0)) == ("no data", "no bound", "0")
    assert (scientific(1e-7), scientific(-3.25e20)) == ("10⁻⁷", "-3.25×10²⁰")


@given(st.lists(POSITIVE, min_size=2, max_size=5))
def test_a_log_scale_puts_equal_ratios_at_equal_distances(values: list[float]) -> None:
    scale = axis(values, 0.0, 300.0, log=True)
    low, high = scale.ticks[0], scale.ticks[-1]
    assert scale(math.sqrt(low) * math.sqrt(high)) == pytest.approx(150.0, abs=1e-6)
    assert (scale(low), scale(high)) == (0.0, 300.0)


def test_a_linear_scale_is_linear_and_ends_at_its_ends() -> None:
    scale = Scale((0.0, 5.0, 10.0), 100.0, 20.0)
    assert [scale(v) for v in (0, 2.5, 10, 99, -99)] == [100, 80, 20, 20, 100]
