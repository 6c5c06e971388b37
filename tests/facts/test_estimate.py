from datetime import date

import numpy as np
import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from groundup.facts.errors import FactError, UnitError
from groundup.facts.estimate import (
    Estimate,
    ceil,
    derived,
    exp,
    given,
    less,
    log,
    maximum,
    minimum,
    sqrt,
    total,
    where,
)
from groundup.facts.fact import Fact


def fact(key="x.y", value=10.0, low=8.0, high=14.0, unit="USD"):
    return Fact(key, value, unit, low, high, "estimate", "a report", "table 1", date(2024, 5, 1))


finite = st.floats(1e-6, 1e6)
some_units = st.sampled_from(["W", "kWh", "USD/kWh", "token", "accelerator*h", "1", "%", "MB/s"])


@forall(finite, some_units, finite, some_units)
def test_multiplying_and_dividing_by_the_same_gives_it_back(x, unit_x, y, unit_y):
    a, b = given(x, unit_x, "a"), given(y, unit_y, "b")
    back = a * b / b
    assert back.unit.dimension == a.unit.dimension
    assert np.isclose(back.to(a.unit).value, x, rtol=1e-9)


@forall(finite, finite, st.sampled_from([("kWh", "MJ"), ("day", "h"), ("GB", "MiB")]))
def test_addition_commutes_across_units(x, y, pair):
    a, b = given(x, pair[0], "a"), given(y, pair[1], "b")
    assert np.isclose((a + b).value, (b + a).to(pair[0]).value, rtol=1e-9)
    assert np.isclose((a + b - b).value, x, rtol=1e-6, atol=1e-9 * y)


def test_units_cancel_so_that_results_can_be_read():
    energy = given(2.0, "MW", "power") * given(3.0, "day", "time")
    cost = energy.to("MWh") * given(0.1, "USD/kWh", "price")
    assert str(cost.unit) == "USD"
    assert cost.value == pytest.approx(2 * 72 * 100)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: minimum(a, b),
        lambda a, b: where(np.array([True]), a, b),
        lambda a, b: less(a, b),
        lambda a, b: total([a, b]),
        lambda a, b: a + 1.0,
        lambda a, b: log(a),
        lambda a, b: exp(b),
        lambda a, b: a.to("kWh"),
        lambda a, b: a**b,
    ],
)
def test_mismatched_units_are_refused(wrong):
    with pytest.raises(UnitError):
        wrong(given(1.0, "USD", "a"), given(2.0, "h", "b"))


def test_samples_of_a_fact_are_triangular_between_its_bounds():
    estimate = Estimate.of(fact(), 200_000)
    draws = estimate.samples[1:]
    assert estimate.value == 10.0
    assert draws.min() >= 8.0
    assert draws.max() <= 14.0
    assert draws.mean() == pytest.approx((8 + 10 + 14) / 3, rel=2e-3)  # mean of a triangle
    variance = (64 + 100 + 196 - 80 - 112 - 140) / 18
    assert draws.var() == pytest.approx(variance, rel=1e-2)


def test_wide_bounds_are_sampled_by_magnitude():
    draws = Estimate.of(fact(value=10.0, low=1.0, high=100.0), 100_000).samples[1:]
    assert np.median(draws) == pytest.approx(10.0, rel=0.02)
    assert draws.min() >= 1.0
    assert draws.max() <= 100.0


def test_same_key_draws_alike_and_other_keys_or_seeds_do_not():
    first, again = Estimate.of(fact(), 1000), Estimate.of(fact(), 1000)
    assert np.array_equal(first.samples, again.samples)
    assert np.array_equal(first.samples[:101], Estimate.of(fact(), 100).samples)
    other = Estimate.of(fact(key="x.z"), 1000).samples[1:]
    assert abs(np.corrcoef(first.samples[1:], other)[0, 1]) < 0.1
    assert not np.array_equal(first.samples, Estimate.of(fact(), 1000, seed=1).samples)


def test_shared_fact_cancels_in_a_difference():
    doubt = Estimate.of(fact(low=1.0, high=40.0), 1000)
    change = doubt * 1.1 - doubt
    assert (change / doubt).low == pytest.approx(0.1)
    assert (change / doubt).high == pytest.approx(0.1)


def test_interval_brackets_the_value_and_is_5_to_95_percent():
    estimate = Estimate.of(fact(), 10_000)
    assert estimate.low < estimate.value < estimate.high
    assert estimate.low == pytest.approx(np.quantile(estimate.samples[1:], 0.05))
    skewed = Estimate.of(fact(value=8.0), 1000)
    assert skewed.low <= skewed.value <= skewed.high


def test_json_is_plain():
    shown = (given(3.0, "kW", "p") * given(2.0, "h", "t")).to("kWh").as_json()
    assert shown == {"value": 6.0, "low": 6.0, "high": 6.0, "unit": "kWh"}
    assert all(type(v) in (float, str) for v in shown.values())


@pytest.mark.parametrize("samples", [0, 10, 1000])
def test_rows_give_what_single_values_give(samples):
    price = Estimate.of(fact(unit="USD/kWh"), samples)

    def formula(energy):
        scaled = sqrt(energy * energy) * price + given(1.0, "USD", "fee")
        return where(less(scaled, given(50.0, "USD", "cap")), scaled, ceil(scaled / 3.0))

    rows = formula(given(np.array([1.0, 2.5, 7.0]), "kWh", "energy"))
    for index, energy in enumerate([1.0, 2.5, 7.0]):
        single = formula(given(energy, "kWh", "energy"))
        np.testing.assert_allclose(rows.samples[index], single.samples)
    assert rows.rows == 3
    with pytest.raises(UnitError, match="3 rows"):
        _ = rows.value


def test_a_million_rows_run_through_the_same_formula():
    rows = given(np.arange(1e6), "kWh", "energy") * Estimate.of(fact(unit="USD/kWh"))
    assert rows.values[-1] == pytest.approx(999_999 * 10.0)
    assert not rows.inputs


def test_mixing_numbers_of_samples_is_refused():
    with pytest.raises(FactError, match="same number of samples"):
        Estimate.of(fact(), 10) + Estimate.of(fact(), 20)


def test_helpers_follow_numpy():
    a, b = Estimate.of(fact(), 100), Estimate.of(fact(key="b"), 100)
    np.testing.assert_array_equal(minimum(a, b).samples, np.minimum(a.samples, b.samples))
    np.testing.assert_array_equal(maximum(a, b).samples, np.maximum(a.samples, b.samples))
    np.testing.assert_allclose(total([a, b, a]).samples, 2 * a.samples + b.samples)
    plain = a / given(1.0, "USD", "one")
    np.testing.assert_allclose(exp(log(plain)).samples, a.samples)
    np.testing.assert_allclose((plain ** (0.0 - plain / 10.0)).samples,
                               a.samples ** (-a.samples / 10))  # fmt: skip
    assert (-a).value == -10.0
    assert (5.0 / plain).value == 0.5
    assert (25.0 - plain).value == 15.0


def test_ceil_forgives_rounding_noise():
    assert ceil(given(0.1 + 0.2, "1", "x") * 10.0).value == 3.0


def test_power_keeps_units():
    assert str((given(3.0, "m", "side") ** 2).unit) == "m^2"
    assert (sqrt(given(9.0, "m^2", "area"))).to("cm").value == pytest.approx(300.0)


def test_derived_values_keep_their_inputs():
    n = given(100.0, "accelerator", "n")
    made = derived([4.0], "switch", "switches", "a table", (n,))
    assert made.inputs == (n,)
    assert (made.value, made.formula) == (4.0, "a table")
