import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from groundup.facts.catalogue import load_catalogue
from groundup.facts.errors import NoDataError
from groundup.facts.estimate import given
from groundup.sites.economics import (
    accelerator_price,
    all_in,
    annuity,
    building_parts,
    declining,
    hour_cost,
    straight_line,
)

FACTS = load_catalogue()


@hypothesis_given(st.floats(0.01, 0.3), st.integers(1, 40))
def test_annuity_pays_back_exactly(rate, years):
    paid = annuity(given(rate, "1", "rate"), given(float(years), "year", "life")).to("1/year").value
    worth = sum(paid / (1 + rate) ** year for year in range(1, years + 1))
    assert worth == pytest.approx(1.0, rel=1e-9)


def test_book_values():
    cost, life = given(100.0, "USD", "cost"), given(5.0, "year", "life")
    ages = [given(float(age), "year", "age") for age in range(6)]
    straight = [straight_line(cost, age, life).value for age in ages]
    np.testing.assert_allclose(straight, [100, 80, 60, 40, 20, 0], atol=1e-9)
    double = [declining(cost, age, life).value for age in ages]
    np.testing.assert_allclose(double, [100 * 0.6**age for age in range(6)])


def test_parts_of_a_building_add_up():
    capex = given(1e9, "USD", "building")
    found = building_parts(capex, FACTS)
    assert sum(part.value for part in found.values()) == pytest.approx(1e9)
    assert max(found, key=lambda name: found[name].value) == "power_and_cooling"


def hour(chip="h100-sxm", watts=1275.0 * 1.09, price="sites.us.electricity_price", **more):
    return hour_cost(
        chip, given(watts, "W/accelerator", "each", "test"), given(1.12, "1", "pue", "test"),
        given(0.7, "1", "load", "test"), FACTS.estimate(price), FACTS, **more,
    )  # fmt: skip


def test_an_owned_h100_hour_costs_less_than_it_rents_for():
    # contracts: 1.70 USD in 2025-10, 2.35 in 2026-03; break-even of an owner about 1.65
    found = hour()
    assert 1.2 < found["total"].value < FACTS["sites.rent.h100-sxm"].value
    assert found["total"].value == pytest.approx(1.65, rel=0.15)
    parts = [cost.value for name, cost in found.items() if name != "total"]
    assert sum(parts) == pytest.approx(found["total"].value)
    assert found["accelerators"].value > 0.7 * found["total"].value


def test_dearer_power_and_capital_cost_more():
    assert hour(price="sites.ie.electricity_price")["total"].value > hour()["total"].value
    cheap = hour(wacc=given(0.03, "1", "wacc", "test"))
    assert cheap["total"].value < hour()["total"].value


def test_a_gigawatt_costs_what_analysts_say():
    # Epoch 29 and 38, Bernstein 35 GUSD; GB200 racks of 120 kW with network and PUE
    found = all_in("gb200", given(1667 * 1.08, "W/accelerator", "each", "test"),
                   given(1.12, "1", "pue", "test"), FACTS)  # fmt: skip
    assert 29 <= found["total"].value <= 38
    assert found["total"].value == pytest.approx(FACTS["sites.all_in"].value, rel=0.10)
    assert found["machines"].value > 1.5 * found["building"].value


def test_rack_prices_go_before_chip_prices_and_none_is_no_data():
    assert accelerator_price("gb200", FACTS).value == pytest.approx(3.4e6 / 72)
    assert accelerator_price("h100-sxm", FACTS).value == pytest.approx(31904 * 1.35)
    with pytest.raises(NoDataError, match=r"no price of nothing"):
        hour("nothing")
